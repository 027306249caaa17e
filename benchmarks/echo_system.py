"""A proof system that proves nothing, for measuring everything around proving. It exists in benchmarks only.

A proof is the digest of the job's input. This file is copied out and installed as a third party's package.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from proofgrid.primitives.canonical import canonical_json
from proofgrid.primitives.digests import digest_of
from proofgrid.primitives.errors import BadProof
from proofgrid.proofs.base import (
    JobDraft,
    JobOutput,
    NormalisedRequest,
    PartialProof,
    Program,
    ProgramFiles,
    Report,
    SliceSpec,
    SystemDescription,
)
from proofgrid.proofs.setup import TrustRoots


class EchoSystem:
    """Fits proofs.base.ProofSystem and costs next to nothing."""

    name = "echo"

    def describe(self) -> SystemDescription:
        return SystemDescription(name="echo", engine="echo 1.0", program_format="nothing", settings_help={})

    def build_program(
        self,
        source: Mapping[str, Path],
        settings: Mapping[str, Any],
        *,
        trust: TrustRoots,
        workdir: Path,
        report: Report,
    ) -> ProgramFiles:
        path = workdir / "circuit"
        path.write_bytes(b"echo")
        digest = digest_of(b"echo")
        program = Program(
            proof_system="echo",
            identity={"system": "echo", "circuit": digest},
            files={"circuit": digest},
            verifying_files=("circuit",),
            slices=(SliceSpec(index=0, units=1, memory_bytes=1 << 20, files=("circuit",)),),
        )
        return ProgramFiles(program, {"circuit": path})

    def check_program(self, files: ProgramFiles) -> None:
        """Nothing to check."""

    def normalise(self, files: ProgramFiles, inputs: list[Any], *, workdir: Path) -> NormalisedRequest:
        jobs = []
        for number, value in enumerate(inputs):
            content = canonical_json({"input": value})
            jobs.append(
                JobDraft(
                    slice_index=0,
                    input_index=number,
                    units=1,
                    memory_bytes=1 << 20,
                    depends_on=(),
                    input=content,
                    facts={"digest": digest_of(content)},
                )
            )
        return NormalisedRequest(statement={"inputs": len(inputs)}, jobs=tuple(jobs))

    def run_job(
        self, files: ProgramFiles, slice_index: int, job_input: bytes, *, cache: Path, workdir: Path, report: Report
    ) -> JobOutput:
        return JobOutput(proof=digest_of(job_input).encode(), public={})

    def verify_partial(
        self, files: ProgramFiles, slice_index: int, facts: Mapping[str, Any], output: JobOutput, *, workdir: Path
    ) -> None:
        if output.proof.decode(errors="replace") != facts["digest"]:
            raise BadProof("not the echo")

    def combine(
        self, files: ProgramFiles, statement: Mapping[str, Any], parts: list[PartialProof], *, workdir: Path
    ) -> Mapping[str, Any]:
        return {"echoes": len(parts)}

    def verify_whole(
        self,
        files: ProgramFiles,
        statement: Mapping[str, Any],
        result: Mapping[str, Any],
        parts: list[PartialProof],
        *,
        workdir: Path,
    ) -> list[str]:
        if not len(parts) == statement["inputs"] == result["echoes"]:
            raise BadProof("an echo is missing")
        return [f"{len(parts)} echoes"]
