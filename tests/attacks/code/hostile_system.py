"""A proof system of a third party that is up to no good: each of its jobs says what to try."""

from __future__ import annotations

import json
from pathlib import Path

from proofgrid.proofs.base import JobOutput, ProgramFiles, Report
from tests.attacks.code import attempts
from tests.toy_system import ToySystem


class HostileSystem(ToySystem):
    """Programs are the toy's; a job's input is {"attempt": a function of `attempts`, "args": [...]}."""

    name = "hostile"

    def run_job(
        self, files: ProgramFiles, slice_index: int, job_input: bytes, *, cache: Path, workdir: Path, report: Report
    ) -> JobOutput:
        order = json.loads(job_input)
        places = {"CACHE": str(cache), "WORKDIR": str(workdir)}
        args = [places.get(one, one) if isinstance(one, str) else one for one in order["args"]]
        try:
            got = {"got": repr(getattr(attempts, order["attempt"])(*args))}
        except OSError as reason:
            got = {"refused": type(reason).__name__}
        return JobOutput(proof=json.dumps(got).encode(), public={})
