"""What counts as a finding: any error but our own, and more time or memory than so few bytes may take."""

from __future__ import annotations

import resource
import time

from proofgrid.primitives.errors import ProofgridError
from tests.fuzz.targets import Target

SECONDS_MAX = 5.0  #: of processor time; instrumented code takes a few times as long
GROWTH_BYTES_MAX = 512 << 20  #: by which one run may raise the process's peak


class Finding(AssertionError):
    """An input did what none may."""


def taken(target: Target, data: bytes) -> None:
    """Give an input to a target. Whatever is no error of ours comes out as it is."""
    try:
        target.take(data[: target.bytes_max])
    except ProofgridError as error:
        str(error).encode(errors="surrogatepass")


def taken_within_bounds(target: Target, data: bytes) -> None:
    """The same; raise Finding when it took too much."""
    began, peak = time.process_time(), _peak_bytes()
    taken(target, data)
    seconds, grown = time.process_time() - began, _peak_bytes() - peak
    if seconds > SECONDS_MAX or grown > GROWTH_BYTES_MAX:
        raise Finding(f"{seconds:.1f} s, {grown >> 20} MiB more for {len(data)} bytes")


def _peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
