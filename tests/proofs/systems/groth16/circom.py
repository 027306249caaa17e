"""Circuits of tests, compiled by circom: the compiler comes from npm, pinned by its lock file, and stays in a cache."""

from __future__ import annotations

import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

from proofgrid.primitives.errors import UnknownProofSystem
from proofgrid.proofs.kit.engine_programs import GNARK
from proofgrid.proofs.kit.samples import Source
from proofgrid.proofs.systems.groth16.adapter import Groth16System
from tests.proofs.npm import alone_in, installed

SOURCES = Path(__file__).with_name("circuits")


@cache
def engine_or_skip() -> None:
    """Build the engine if it is not there; skip the test where there is no compiler for it."""
    try:
        GNARK.build()
    except UnknownProofSystem as reason:
        pytest.skip(f"{reason.detail}: {reason.hint}")


@cache
def compiled(name: str, *, prime: str = "bn128") -> Path:
    """Return the folder of a compiled circuit: .r1cs, .wasm and .sym; skip the test where there is no Node.js."""
    place = installed(SOURCES, "package.json", *(path.name for path in sorted(SOURCES.glob("*.circom"))))
    with alone_in(place):
        folder = place / f"{name}-{prime}"
        if not folder.is_dir():
            making = folder.with_suffix(".making")
            shutil.rmtree(making, ignore_errors=True)
            making.mkdir()
            command = ["node_modules/.bin/circom2", f"{name}.circom", "--r1cs", "--wasm", "--sym", "--prime", prime]
            subprocess.run([*command, "-l", "node_modules", "-o", making.name], cwd=place, check=True)
            making.rename(folder)
    return folder


def files_of(name: str, *, prime: str = "bn128") -> dict[str, Path]:
    """Return a compiled circuit's files by the names that the proof system takes them under."""
    folder = compiled(name, prime=prime)
    return {
        "r1cs": folder / f"{name}.r1cs",
        "wasm": folder / f"{name}_js" / f"{name}.wasm",
        "sym": folder / f"{name}.sym",
    }


def with_keys(files: dict[str, Path], folder: Path) -> Source:
    """Return a circuit with keys of its own."""
    folder.mkdir(parents=True)
    keys = Groth16System().make_keys(files, folder, workdir=folder, report=lambda _stage, _permille: None)
    return Source(files={**files, **keys})
