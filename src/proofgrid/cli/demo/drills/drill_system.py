"""A proof system for drills only: one SHA-256 of an input, which a prover can be told to get wrong.

Its package is written into a folder that only the drill's own processes have on their path, so no other network can
have it. A proof is the hash; whoever verifies hashes again. A file `drill-lie` in a prover's key folder says how it
lies, and while a file `drill-hold` lies there no job ends.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from proofgrid.primitives.canonical import Json, canonical_json
from proofgrid.primitives.digests import digest_of, digest_of_file
from proofgrid.primitives.errors import ArtifactMissing, BadProof, InvalidInput
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

NAME = "drill"
ENGINE = "drill@1"
LIE, HOLD = "drill-lie", "drill-hold"
WRONG, BLAME = "wrong", "blame"  #: how: by a wrong proof, by saying that what it needs is lost
SYSTEM = "proofgrid.cli.demo.drills.drill_system:DrillSystem"
OTHER_SYSTEM = "proofgrid.cli.demo.drills.drill_system:OtherVersion"
MEMORY_BYTES = 64 << 20
LOOK_AGAIN_SECONDS = 0.05


class DrillSystem:
    """Fits proofs.base.ProofSystem."""

    name = NAME

    def describe(self) -> SystemDescription:
        return SystemDescription(name=NAME, engine="drill 1", program_format="nothing", settings_help={})

    def build_program(
        self,
        source: Mapping[str, Path],
        settings: Mapping[str, Json],
        *,
        trust: TrustRoots,
        workdir: Path,
        report: Report,
    ) -> ProgramFiles:
        path = workdir / "circuit"
        path.write_bytes(b"sha256")
        digest = digest_of(b"sha256")
        program = Program(
            proof_system=NAME,
            identity={"system": NAME, "circuit": digest},
            files={"circuit": digest},
            verifying_files=("circuit",),
            slices=(SliceSpec(index=0, units=10, memory_bytes=MEMORY_BYTES, files=("circuit",)),),
            summary={},
        )
        return ProgramFiles(program, {"circuit": path})

    def check_program(self, files: ProgramFiles) -> None:
        if files.program.identity.get("circuit") != digest_of_file(files.path("circuit")):
            raise BadProof("the circuit is not the one that the identity names", field="program")

    def normalise(self, files: ProgramFiles, inputs: list[Json], *, workdir: Path) -> NormalisedRequest:
        if not inputs or not all(isinstance(one, str) for one in inputs):
            raise InvalidInput("an input of a drill is a text", field="inputs")
        jobs = tuple(
            JobDraft(
                slice_index=0,
                input_index=number,
                units=10,
                memory_bytes=MEMORY_BYTES,
                depends_on=(),
                input=canonical_json(one),
                facts={"hash": _hash(canonical_json(one))},
            )
            for number, one in enumerate(inputs)
        )
        return NormalisedRequest(statement={"inputs": inputs}, jobs=jobs)

    def run_job(
        self, files: ProgramFiles, slice_index: int, job_input: bytes, *, cache: Path, workdir: Path, report: Report
    ) -> JobOutput:
        report("prove", 1_000)
        while (cache / HOLD).exists():
            time.sleep(LOOK_AGAIN_SECONDS)
        how = (cache / LIE).read_text() if (cache / LIE).exists() else ""
        if how == BLAME:
            raise ArtifactMissing("a drill says so")
        found = _hash(b"lie" if how == WRONG else job_input)
        return JobOutput(proof=found.encode(), public={"hash": found})

    def verify_partial(
        self, files: ProgramFiles, slice_index: int, facts: Mapping[str, Json], output: JobOutput, *, workdir: Path
    ) -> None:
        if output.proof.decode(errors="replace") != facts["hash"] or dict(output.public) != dict(facts):
            raise BadProof("it is not the hash of the input")

    def combine(
        self, files: ProgramFiles, statement: Mapping[str, Json], parts: list[PartialProof], *, workdir: Path
    ) -> Mapping[str, Json]:
        return {"hashes": [part.output.public["hash"] for part in sorted(parts, key=lambda one: one.input_index)]}

    def verify_whole(
        self,
        files: ProgramFiles,
        statement: Mapping[str, Json],
        result: Mapping[str, Json],
        parts: list[PartialProof],
        *,
        workdir: Path,
    ) -> list[str]:
        inputs = statement["inputs"]
        assert isinstance(inputs, list)  # noqa: S101 - `normalise` wrote it
        if result.get("hashes") != [_hash(canonical_json(one)) for one in inputs]:
            raise BadProof("these are not the hashes of the inputs", field="result")
        return [f"{len(parts)} hashes are right"]


class OtherVersion(DrillSystem):
    """The same system by another version of its engine, which believes no proof."""

    def describe(self) -> SystemDescription:
        return replace(super().describe(), engine="drill 2")

    def verify_partial(
        self, files: ProgramFiles, slice_index: int, facts: Mapping[str, Json], output: JobOutput, *, workdir: Path
    ) -> None:
        raise BadProof("this version believes no proof")


def _hash(content: bytes) -> str:
    return str(digest_of(content))
