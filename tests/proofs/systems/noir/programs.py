"""Packages of tests, packed and built; the points of the ceremony lie where CRS_PATH says."""

from __future__ import annotations

import shutil
from functools import cache
from pathlib import Path

import pytest

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import UnknownProofSystem
from proofgrid.proofs.base import JobOutput, ProgramFiles
from proofgrid.proofs.kit.engine_programs import NOIR
from proofgrid.proofs.kit.ignition import IGNITION_BN254
from proofgrid.proofs.kit.packages import pack
from proofgrid.proofs.systems.noir.adapter import NoirSystem
from proofgrid.proofs.systems.noir.sources import FORM
from tests.proofs.points import POINTS, points_or_skip

PACKAGES = Path(__file__).with_name("packages")
LEVELS = 8
MEMBER: dict[str, Json] = {
    "person": {"secret": "123456789123456789", "born": 1980},
    "path": {"siblings": list(range(1, LEVELS + 1)), "sides": [False, True] * (LEVELS // 2)},
    "rule": {"year": 2026, "least_age": 18},
}
ACCOUNT: dict[str, Json] = {
    "name": "héll",
    "balance": 10,
    "inner": [{"flag": True, "small": -1}, {"flag": False, "small": 1}],
}
EVERYTHING: dict[str, Json] = {
    "account": ACCOUNT,
    "field": "0x5",
    "wide": str(1 << 100),
    "signed": "-5",
    "pair": [3, True],
    "grid": [[1, 2], [3, 4]],
}


def unheard(_stage: str, _permille: int) -> None:
    pass


@cache
def engine_or_skip() -> None:
    """Build the engine if it is not there; skip the test where nothing can build it, or points are missing."""
    try:
        NOIR.build()
    except UnknownProofSystem as reason:
        pytest.skip(f"{reason.detail}: {reason.hint}")
    points_or_skip()


def packed(name: str, folder: Path) -> Path:
    """Return a package of tests as one file."""
    path = folder / f"{name}.package.json"
    path.write_bytes(pack(PACKAGES / name, FORM))
    return path


def built(name: str, folder: Path, *, points: Path = POINTS) -> ProgramFiles:
    return built_of({"package": packed(name, folder)}, folder / name, points=points)


def built_of(source: dict[str, Path], folder: Path, *, points: Path = POINTS) -> ProgramFiles:
    folder.mkdir(parents=True, exist_ok=True)
    return NoirSystem().build_program(source, {}, trust={IGNITION_BN254: points}, workdir=folder, report=unheard)


def of_a_slice(files: ProgramFiles, folder: Path) -> ProgramFiles:
    """Return the files of a prover, which keeps them by their digests."""
    folder.mkdir(parents=True, exist_ok=True)
    names = files.program.slices[0].files
    return ProgramFiles(
        files.program,
        {
            name: shutil.copyfile(files.path(name), folder / files.program.files[name].rpartition(":")[2])
            for name in names
        },
    )


def proven(files: ProgramFiles, value: Json, folder: Path) -> tuple[dict[str, Json], JobOutput]:
    system = NoirSystem()
    job = system.normalise(files, [value], workdir=folder / "normalise").jobs[0]
    files = of_a_slice(files, folder / "files")
    output = system.run_job(files, 0, job.input, cache=folder / "cache", workdir=folder / "job", report=unheard)
    return dict(job.facts), output
