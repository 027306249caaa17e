"""The real engine in a child that proves several jobs: other slices and inputs of one program, each proof verifies."""

from __future__ import annotations

from pathlib import Path

import psutil

from proofgrid.proofs.base import ProgramFiles
from proofgrid.roles.prover.nursery import Nursery
from proofgrid.roles.prover.sandbox import ChildLimits, ChildSpec, run_child
from proofgrid.roles.prover.warmth import SLACK_BYTES, WarmBounds
from tests.proofs.conftest import SYSTEM


def left_of_jobs_below(home: Path) -> list[Path]:
    return [*home.glob("cell-*/work/job/*"), *home.glob("cell-*/given/job/*")]


async def test_one_child_proves_slices_and_inputs_of_a_program(
    digits_program: ProgramFiles, digit_images: list[list[float]], key_cache: Path, tmp_path: Path
) -> None:
    request = SYSTEM.normalise(digits_program, [digit_images[3], digit_images[4]], workdir=tmp_path)
    jobs = [job for job in request.jobs if job.slice_index < 2]
    children = set()
    async with Nursery.open(tmp_path, bounds=WarmBounds()) as nursery:
        for place, job in enumerate(jobs):
            workdir = tmp_path / f"job-{place}"
            workdir.mkdir()
            (workdir / "input").write_bytes(job.input)
            spec = ChildSpec(
                proof_system=digits_program.program.proof_system,
                program=digits_program.program,
                paths=digits_program.paths,
                slice_index=job.slice_index,
                job_input=workdir / "input",
                cache=key_cache,
                workdir=workdir,
            )
            limits = ChildLimits(
                memory_bytes=job.memory_bytes + SLACK_BYTES,
                timeout_seconds=300,
                cores=1,
                memory_bytes_max=max(part.memory_bytes for part in digits_program.program.slices) + SLACK_BYTES,
            )
            output = await run_child(spec, limits=limits, on_progress=lambda *said: None, nursery=nursery)
            SYSTEM.verify_partial(digits_program, job.slice_index, job.facts, output, workdir=tmp_path)
            assert left_of_jobs_below(tmp_path) == []
            children |= {child.pid for child in psutil.Process().children() if "child" in " ".join(child.cmdline())}

    assert len(jobs) == 4
    assert len(children) == 1
