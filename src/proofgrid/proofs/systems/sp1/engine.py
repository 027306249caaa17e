"""The only place that asks the engine: one function per command, and two kinds of failure."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from proofgrid.primitives.canonical import Json
from proofgrid.proofs.kit.asking import ask_engine, texts_in
from proofgrid.proofs.kit.engine import EngineLimits
from proofgrid.proofs.kit.engine_programs import SP1
from proofgrid.proofs.systems.sp1.ere import Proven

#: As the program says of itself: the version of the circuits, which several versions of SP1's library share.
VERSION = "sp1-circuits 6.1.0"
SYSTEM = "sp1"

_BYTES = 1 << 30
_FILE_BYTES_MAX = 64 << 20
_SECONDS = 120.0


def take(said: Proven, *, workdir: Path) -> tuple[bytes, str]:
    """Return the proof that a service handed over, in its one spelling, and its public values. Raises Refused."""
    workdir.mkdir(parents=True, exist_ok=True)
    path = workdir / "said"
    path.write_bytes(said.proof)
    answer = _ask("take", {"said": path}, workdir=workdir)
    return bytes.fromhex(str(answer["proof"]).removeprefix("0x")), str(answer["public_values"])


def complaint_about(key: str, public_values: str, proof: bytes, *, workdir: Path) -> str:
    """Return what is wrong with a proof that a program wrote these public values; "" when it verifies."""
    claim = {"public_values": public_values, "proof": f"0x{proof.hex()}"}
    return texts_in(_ask("verify", {"key": key, "claims": [claim]}, workdir=workdir), "verdicts")[0]


def _ask(command: str, request: Mapping[str, object], *, workdir: Path) -> Mapping[str, Json]:
    limits = EngineLimits(timeout_seconds=_SECONDS, memory_bytes=_BYTES, file_bytes_max=_FILE_BYTES_MAX)
    program = str(SP1.path(system=SYSTEM))
    return ask_engine([program, command], request, workdir=workdir, limits=limits, answer_bytes_max=_FILE_BYTES_MAX)
