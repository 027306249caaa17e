"""One proof of many: what keys, a wrap and its verification cost, by the number of proofs that it takes.

A small circuit of circom on BLS12-377 is proven and wrapped on BW6-761 by the engine of provers, without a network.
Sizes come from PROOFGRID_WRAP_SIZES ("4,16,64"; a setup takes about a minute of processor time for each proof).
"""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from benchmarks.measuring import Result, Target, busy_percent, say, temporary_folder
from proofgrid.proofs.base import JobOutput, PartialProof
from proofgrid.proofs.kit.one_proof import prove_job
from proofgrid.proofs.offers import PARTS
from proofgrid.proofs.systems.groth16 import wrapping
from proofgrid.proofs.systems.groth16.adapter import Groth16System
from tests.proofs.bundles.makers import taken_json
from tests.proofs.systems.groth16.circom import files_of, with_keys

NAME = "aggregate"
SIZES = os.environ.get("PROOFGRID_WRAP_SIZES", "1,4")
FLAT_MAX = 1.5

T = TypeVar("T")


def run(*, repetitions: int) -> Result:
    """Measure each size once, verification `repetitions` times; the least counts."""
    busy = busy_percent()
    with temporary_folder() as folder:
        rows = [_measured(int(size), folder / size, repetitions) for size in SIZES.split(",")]
    ratio = rows[-1]["verify_ms"] / rows[0]["verify_ms"]
    return Result(
        name=NAME,
        measured=f"verifying one proof of {rows[-1]['parts']}, {rows[-1]['verify_ms']} ms",
        against=f"verifying one proof of {rows[0]['parts']}, {rows[0]['verify_ms']} ms",
        ratio=round(ratio, 3),
        targets=(Target(text=f"at most {FLAT_MAX} times", met=ratio <= FLAT_MAX),),
        table=tuple(rows),
        busy_before_percent=busy,
    )


def _measured(parts: int, folder: Path, repetitions: int) -> dict[str, Any]:
    system = Groth16System()
    source = with_keys(files_of("product", prime="bls12377"), folder).files
    say(f"keys of wraps of {parts}")
    keys, setup = _timed(
        lambda: system.make_wrap_keys(source, folder, parts=parts, workdir=folder / "work", report=_unheard)
    )
    files = system.build_program(
        {**source, **keys}, {"wrap_parts": parts}, trust={}, workdir=folder / "build", report=_unheard
    )
    inputs: list[Any] = [{"a": [number, 2, 3], "b": 5, "limit": number + 1} for number in range(parts)]
    request = system.normalise_to_one(files, inputs, workdir=folder / "work")
    proven: list[PartialProof] = []
    *leaves, wrap = request.jobs
    for job in leaves:
        output = system.run_job(
            files, job.slice_index, job.input, cache=folder, workdir=folder / "work", report=_unheard
        )
        proven.append(PartialProof(slice_index=job.slice_index, input_index=job.input_index, output=output))
    say(f"a wrap of {parts}")
    made, proving = _timed(
        lambda: prove_job(
            *(system, files, wrap.slice_index, wrap.input, proven),
            cache=folder,
            workdir=folder / "work",
            report=_unheard,
        )
    )
    facts = {**wrap.facts, PARTS: [taken_json(part) for part in proven]}
    system.verify_partial(files, wrap.slice_index, facts, made, workdir=folder / "work")
    result = system.combine(files, request.statement, proven, workdir=folder / "work")
    one = PartialProof(slice_index=wrap.slice_index, input_index=0, output=JobOutput(proof=made.proof, public={}))
    seconds = min(
        _timed(lambda: system.verify_whole(files, request.statement, result, [one], workdir=folder / "work"))[1][0]
        for _ in range(repetitions)
    )
    constraints: Any = files.program.identity[wrapping.WRAP]
    return {
        "parts": parts,
        "constraints": constraints["constraints"],
        "setup_cpu_s": round(setup[1]),
        "proving_key_mb": keys["wrap_proving_key"].stat().st_size >> 20,
        "wrap_s": round(proving[0], 1),
        "wrap_cpu_s": round(proving[1], 1),
        "peak_mb": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10,
        "proof_bytes": len(made.proof),
        "verify_ms": round(1_000 * seconds),
    }


def _timed(work: Callable[[], T]) -> tuple[T, tuple[float, float]]:
    """Return what came of it, seconds by the clock and of the processor, the engine's included."""
    began, before = time.perf_counter(), os.times()
    made = work()
    after = os.times()
    return made, (time.perf_counter() - began, sum(after[:4]) - sum(before[:4]))


def _unheard(_stage: str, _permille: int) -> None:
    pass
