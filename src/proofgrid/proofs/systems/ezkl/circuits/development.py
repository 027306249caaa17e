"""Reference strings for development: whoever made one knows its trapdoor and could forge proofs, so say so loudly.

One trapdoor gives strings of every size, each in its own file, written when it is first needed:

    folder/srs.json      which sizes there are, made or not; clients get it too
    folder/trapdoor      what they are made from; never leaves this machine
    folder/kzg12.srs …   those that were needed

What a verifier needs (388 bytes) is the same for all sizes, so that programs of different sizes rest on one trapdoor.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.whole_files import written_whole
from proofgrid.proofs.kit.keys import derived_once
from proofgrid.proofs.systems.ezkl.reference.curve import ORDER, Progress, generator_times
from proofgrid.proofs.systems.ezkl.reference.encoding import GENERATOR_G2, encode_g2, encode_points
from proofgrid.proofs.systems.ezkl.reference.files import LOGROWS_SMALLEST, write_reference_string
from proofgrid.proofs.systems.ezkl.reference.powers import lagrange_factors, monomial_factors

LOGROWS_MAX = 26
SIZES_FILE = "srs.json"
_TRAPDOOR_FILE = "trapdoor"


def unheard(done: int, total: int) -> None:
    """Report no progress."""


def begin_development_srs(folder: Path, logrows_max: int, secret: bytes) -> None:
    """Let `folder` offer every usual size up to `logrows_max`; sizes that are there already stay.

    The trapdoor follows from `secret`: gateways of one network that know the same secret make the same files. Files of
    another trapdoor, which an earlier version left, are not taken for ours: see `development_file`.
    """
    _check_logrows(logrows_max)
    folder.mkdir(parents=True, exist_ok=True)
    _replace(folder / _TRAPDOOR_FILE, f"{_trapdoor_of(secret):064x}\n")
    sizes = {"least": min(logrows_max, LOGROWS_SMALLEST), "most": logrows_max}
    _replace(folder / SIZES_FILE, json.dumps(sizes, sort_keys=True) + "\n")


def is_made_here(folder: Path) -> bool:
    """Return whether sizes that are missing in this folder can be made."""
    return (folder / _TRAPDOOR_FILE).is_file()


def offered_sizes(folder: Path) -> range | None:
    """Return the sizes (as powers of two) of a development string, made or not; None for a ceremony's files."""
    path = folder / SIZES_FILE
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_bytes())
        least, most = int(content["least"]), int(content["most"])
    except (ValueError, KeyError, TypeError):
        raise InvalidField(f"{SIZES_FILE} is malformed", field="srs", hint="get the SRS again") from None
    return range(least, most + 1)


def made_sizes(folder: Path) -> dict[int, Path]:
    """Return the files of a development string that are there; what another trapdoor left is not of them."""
    paths = {size: folder / f"kzg{size}.srs" for size in offered_sizes(folder) or ()}
    paths = {size: path for size, path in paths.items() if path.is_file()}
    if not is_made_here(folder) or not paths:
        return paths
    tau_g2 = _tau_in_g2(_trapdoor_in(folder))
    return {size: path for size, path in paths.items() if _ends_in(path, tau_g2)}


def development_file(folder: Path, logrows: int, progress: Progress = unheard) -> Path:
    """Return the file of this size; it is made unless it is there. Takes about 0.1 ms per row. Blocking, CPU-heavy.

    Of several processes that want the same size one makes it; one that is killed leaves nothing that looks whole.
    """
    tau = _trapdoor_in(folder)
    path = folder / f"kzg{logrows}.srs"
    if path.is_file():
        if _ends_in(path, _tau_in_g2(tau)):
            return path
        path.unlink(missing_ok=True)
    with derived_once(folder, path.name, lambda part: _write(part, tau, logrows, progress)) as whole:
        return whole  # nobody removes files of this folder


def make_development_srs_folder(folder: Path, logrows: int, progress: Progress = unheard) -> None:
    """Make a folder of kzg<k>.srs of every usual size up to `logrows`, of a trapdoor that nobody keeps."""
    begin_development_srs(folder, logrows, secrets.token_bytes(32))
    for size in offered_sizes(folder) or ():
        development_file(folder, size, progress)
    (folder / _TRAPDOOR_FILE).unlink()


def make_development_srs(path: Path, logrows: int, progress: Progress = unheard) -> None:
    """Write one file of 2^logrows rows, of a trapdoor that nobody keeps."""
    _check_logrows(logrows)
    with written_whole(path) as part:
        _write(part, _trapdoor_of(secrets.token_bytes(32)), logrows, progress)


def _write(path: Path, tau: int, logrows: int, progress: Progress) -> None:
    size = 1 << logrows
    write_reference_string(
        path,
        logrows,
        monomial=encode_points(generator_times(monomial_factors(tau, size), _part_of(progress, 0, 2 * size))),
        lagrange=encode_points(generator_times(lagrange_factors(tau, logrows), _part_of(progress, size, 2 * size))),
        tau_g2=_tau_in_g2(tau),
    )


def _part_of(progress: Progress, before: int, total: int) -> Callable[[int, int], None]:
    return lambda done, _: progress(before + done, total)


def _tau_in_g2(tau: int) -> bytes:
    # Imported late: it takes long to load, and whoever only uses a string does not need it.
    from proofgrid.proofs.systems.ezkl.reference.pairing import multiply_g2

    return encode_g2(multiply_g2(GENERATOR_G2, tau))


def _ends_in(path: Path, content: bytes) -> bool:
    with path.open("rb") as file:
        file.seek(-min(len(content), path.stat().st_size), os.SEEK_END)
        return file.read() == content


def _trapdoor_of(secret: bytes) -> int:
    return 2 + int.from_bytes(hashlib.sha512(b"proofgrid development SRS\0" + secret).digest()) % (ORDER - 2)


def _trapdoor_in(folder: Path) -> int:
    return int((folder / _TRAPDOOR_FILE).read_text(), 16)


def _check_logrows(logrows: int) -> None:
    if not 1 <= logrows <= LOGROWS_MAX:
        raise InvalidField(f"1 to {LOGROWS_MAX}", field="logrows")


def _replace(path: Path, text: str) -> None:
    """Write a file whole, readable by its owner only, unless it says so already."""
    if path.is_file() and path.read_text() == text:
        return
    with written_whole(path) as part:
        part.touch(mode=0o600)
        part.write_text(text)
