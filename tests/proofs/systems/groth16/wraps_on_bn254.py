"""A circuit on BN254 with keys of wraps, and one proof of its proofs; keys are made once, where `WRAP_KEYS` says.

Keys take ten minutes of processor time a proof, so nothing of this runs unless it is asked for: `make test-wraps`.
"""

from __future__ import annotations

import os
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest

from proofgrid.primitives.canonical import Json
from proofgrid.proofs.base import JobOutput, PartialProof, ProgramFiles
from proofgrid.proofs.kit.one_proof import prove_job
from proofgrid.proofs.systems.groth16.adapter import Groth16System
from proofgrid.proofs.systems.groth16.wrapping import SUFFIXES
from tests.proofs.systems.groth16.circom import engine_or_skip, files_of, with_keys

PARTS = min(int(os.environ.get("WRAP_PARTS", "0")), 2)
KEYS = os.environ.get("WRAP_KEYS", "")
SETTINGS: dict[str, Json] = {"wrap_parts": PARTS}

T = TypeVar("T")


@dataclass(frozen=True)
class Wrapped:
    """A program, a request, and its one proof with the proofs inside."""

    files: ProgramFiles
    statement: dict[str, Json]
    result: dict[str, Json]
    proven: list[PartialProof]
    one: PartialProof


def unheard(_stage: str, _permille: int) -> None:
    pass


def asked_for() -> None:
    if not PARTS:
        pytest.skip("keys of wraps on BN254 take ten minutes of processor time a proof: make test-wraps")
    engine_or_skip()


def wrapped(folder: Path) -> Wrapped:
    """Prove as many inputs as there are places, and wrap them."""
    system = Groth16System()
    files = a_program(system, folder)
    inputs: list[Json] = [{"a": [number, 2, 3], "b": 5, "limit": number + 1} for number in range(1, PARTS + 1)]
    request = system.normalise_to_one(files, inputs, workdir=folder / "work")
    *leaves, wrap = request.jobs
    proven = [
        PartialProof(
            slice_index=job.slice_index,
            input_index=job.input_index,
            output=system.run_job(
                files, job.slice_index, job.input, cache=folder, workdir=folder / "work", report=unheard
            ),
        )
        for job in leaves
    ]
    made = measured(
        "a wrap",
        lambda: prove_job(
            *(system, files, wrap.slice_index, wrap.input, proven),
            cache=folder,
            workdir=folder / "work",
            report=unheard,
        ),
    )
    result = system.combine(files, request.statement, proven, workdir=folder / "work")
    one = PartialProof(slice_index=1, input_index=0, output=JobOutput(proof=made.proof, public={}))
    return Wrapped(files, dict(request.statement), dict(result), proven, one)


def a_source(system: Groth16System, folder: Path) -> dict[str, Path]:
    """Return the files of the circuit and of the keys, as a client registers them."""
    source = with_keys(files_of("product"), folder / "circuit").files
    kept = Path(KEYS or folder) / f"bn254-{PARTS}"
    kept.mkdir(parents=True, exist_ok=True)
    keys = {name: kept / f"circuit{suffix}" for name, suffix in SUFFIXES.items()}
    if not all(key.exists() for key in keys.values()):
        measured(
            "keys of wraps",
            lambda: system.make_wrap_keys(source, kept, parts=PARTS, workdir=folder / "work", report=unheard),
        )
    return {**source, **keys}


def a_program(system: Groth16System, folder: Path) -> ProgramFiles:
    source = a_source(system, folder)
    return measured(
        "the program",
        lambda: system.build_program(source, SETTINGS, trust={}, workdir=folder / "build", report=unheard),
    )


def measured(what: str, work: Callable[[], T]) -> T:
    """Do it, and tell how long it took; the number of memory is the largest of any process until now."""
    began, before = time.perf_counter(), os.times()
    made = work()
    after, peak = os.times(), resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10
    spent: Any = sum(after[:4]) - sum(before[:4])
    sys.stderr.write(f"{what}: {spent:.0f} s of processor time, {time.perf_counter() - began:.0f} s, {peak} MB\n")
    return made
