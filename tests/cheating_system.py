"""EZKL for a prover that cheats: real proofs, bent in every way that tests can think of.

Installed under the name "ezkl" for one prover alone. What it does stands in the file `cheat` of its cache directory:
output, input, garbage, truncated, flipped, model. For `input` (a proof of another input, valid in itself) the other
input lies in `other-<slice>`, for `model` the proof for another model in `foreign-<slice>`.

This file is copied out and installed as a third party's package; so it imports nothing from the tests.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from proofgrid.proofs.base import JobOutput, ProgramFiles, Report
from proofgrid.proofs.systems.ezkl.adapter import EzklProofSystem


class CheatingEzkl(EzklProofSystem):
    """Does the work, then lies about it."""

    def run_job(
        self, files: ProgramFiles, slice_index: int, job_input: bytes, *, cache: Path, workdir: Path, report: Report
    ) -> JobOutput:
        cheat = (cache / "cheat").read_text().strip()
        if cheat == "input":
            job_input = (cache / f"other-{slice_index}").read_bytes()
        honest = super().run_job(files, slice_index, job_input, cache=cache, workdir=workdir, report=report)
        match cheat:
            case "output" if honest.public:
                return replace(honest, public=_raise_first_output(honest.public))
            case "garbage":
                return replace(honest, proof=b"done")
            case "truncated":
                return replace(honest, proof=honest.proof[:-40])
            case "flipped":
                middle = len(honest.proof) // 2
                flipped = bytes([honest.proof[middle] ^ 1])
                return replace(honest, proof=honest.proof[:middle] + flipped + honest.proof[middle + 1 :])
            case "model":
                return replace(honest, proof=(cache / f"foreign-{slice_index}").read_bytes())
        return honest


def _raise_first_output(public: Mapping[str, Any]) -> Mapping[str, Any]:
    first, *rest = public["outputs"]
    return {"outputs": [first + 1, *rest]}
