"""A tiny proof system whose statements hide inputs, for tests: whoever proves knows the numbers, all others their hash.

statement, of each input   SHA-256 of the numbers as JSON
proof                      that hash, and the sum of the numbers; only the text "honest" before it makes it right

Setting `shows`: its programs call their inputs public. A file `hiding-behaviour` in a prover's key cache: `garbage`
hands in what is no proof, `crash` dies.
This file is copied out and installed as a third party's package; so it imports nothing from the tests.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from proofgrid.primitives.canonical import canonical_json
from proofgrid.primitives.digests import digest_of, digest_of_file
from proofgrid.primitives.errors import BadProof, InvalidInput
from proofgrid.proofs.base import JobOutput, Program, ProgramFiles, Report, SliceSpec, SystemDescription
from proofgrid.proofs.kit.one_job_per_input import OneJobPerInput, TakenInput
from proofgrid.proofs.setup import TrustRoots


class HidingSystem(OneJobPerInput):
    """Proves the sum of numbers that nobody sees. Not to be believed by anybody."""

    name = "hiding"

    def describe(self) -> SystemDescription:
        return SystemDescription(
            name="hiding", engine="hiding 1.0", program_format="nothing", settings_help={"shows": "default false"}
        )

    def build_program(
        self,
        source: Mapping[str, Path],
        settings: Mapping[str, Any],
        *,
        trust: TrustRoots,
        workdir: Path,
        report: Report,
    ) -> ProgramFiles:
        path = workdir / "circuit.json"
        path.write_bytes(canonical_json(dict(settings)))
        digest = digest_of_file(path)
        program = Program(
            proof_system="hiding",
            identity={"circuit": digest, "shows": bool(settings.get("shows"))},
            files={"circuit": digest},
            verifying_files=("circuit",),
            slices=(SliceSpec(index=0, units=10, memory_bytes=256 << 20, files=("circuit",)),),
        )
        return ProgramFiles(program, {"circuit": path})

    def check_program(self, files: ProgramFiles) -> None:
        if files.program.identity.get("circuit") != digest_of_file(files.path("circuit")):
            raise BadProof("the circuit is not the one that the identity names", field="program")

    def take_input(self, files: ProgramFiles, value: Any, *, field: str, workdir: Path) -> TakenInput:
        if not isinstance(value, list) or not all(type(one) is int for one in value):
            raise InvalidInput("a list of integers", field=field)
        return TakenInput(
            shown=digest_of(canonical_json(value)), job_input=canonical_json({"numbers": value}), output=sum(value)
        )

    def run_job(
        self, files: ProgramFiles, slice_index: int, job_input: bytes, *, cache: Path, workdir: Path, report: Report
    ) -> JobOutput:
        report("prove", 0)
        behaviour = cache / "hiding-behaviour"
        behaves = behaviour.read_text().strip() if behaviour.exists() else ""
        if behaves == "crash":
            os.write(2, b"the engine says: " + job_input)
            os._exit(7)
        try:
            numbers = json.loads(job_input)["numbers"]
        except (ValueError, KeyError, TypeError) as error:
            raise InvalidInput(f"the job's input is none: {job_input!r}", field="job_input") from error
        word = "garbage" if behaves == "garbage" else "honest"
        proof = canonical_json([word, digest_of(canonical_json(numbers)), sum(numbers)])
        return JobOutput(proof=proof, public={"output": sum(numbers)})

    def check_proof(self, files: ProgramFiles, shown: Any, claimed: Any, proof: bytes, *, workdir: Path) -> None:
        if proof != canonical_json(["honest", shown, claimed]):
            raise BadProof("the proof is of other numbers, or none")

    def check_public(self, files: ProgramFiles, shown: Any, claimed: Any) -> None:
        if not isinstance(shown, str) or len(shown) != 64 or type(claimed) is not int:
            raise BadProof("a hash and a sum")

    def shows_inputs(self, program: Program) -> str:
        return "this program shows its inputs" if program.identity["shows"] else ""
