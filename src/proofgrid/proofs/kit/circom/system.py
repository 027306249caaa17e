"""For systems that prove circom's circuits: everything that does not depend on how they are proven.

input     signal name -> values; the gateway runs the circuit's program, so it knows every public value beforehand
proof     the system's own; public: the outputs in decimal
"""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from proofgrid.primitives.canonical import Json, canonical_json
from proofgrid.primitives.digests import Digest
from proofgrid.primitives.errors import BadProof, InvalidField, InvalidInput, InvalidProgram
from proofgrid.proofs.base import JobOutput, PartialProof, Program, ProgramFiles, Report
from proofgrid.proofs.kit.asking import Refused, refused_as
from proofgrid.proofs.kit.circom import engine
from proofgrid.proofs.kit.circom.curves import curve_of
from proofgrid.proofs.kit.circom.identity import FORMAT, counts_of, memory_of
from proofgrid.proofs.kit.circom.naming import ALL_INPUTS, ALL_OUTPUTS, integers_in, names_of, with_signal
from proofgrid.proofs.kit.circom.signals import is_element, read_inputs
from proofgrid.proofs.kit.engine_programs import GNARK
from proofgrid.proofs.kit.files import check_files, require
from proofgrid.proofs.kit.looking import prove_then_look
from proofgrid.proofs.kit.naming import NamesInputsAndOutputs
from proofgrid.proofs.kit.one_job_per_input import OneJobPerInput, TakenInput
from proofgrid.proofs.offers import Contract, ContractCall

CONSTRAINTS_MAX = 1 << 24


class CircomSystem(OneJobPerInput, NamesInputsAndOutputs):
    """The part of ProofSystem, NamesValues, TriesInputs and WritesContract that all such systems share."""

    name: str
    contract: str  #: what its contract is called
    #: the engine's commands that verify proofs, and that write the contract
    verify_command: str
    solidity_command: str

    def __init__(self) -> None:
        GNARK.path(system=self.name)  # or it is not installed here

    @abstractmethod
    def pinned_files(self, program: Program) -> Collection[str]:
        """Return the files that a program's identity names."""

    @abstractmethod
    def prove(
        self, files: ProgramFiles, inputs: engine.Inputs, *, cache: Path, workdir: Path, report: Report
    ) -> tuple[bytes, list[str]]:
        """Return a proof and its public values, outputs first. Raises Refused."""

    @abstractmethod
    def contract_call(self, files: ProgramFiles, proof: bytes, public: list[int], *, workdir: Path) -> ContractCall:
        """Return the call by which a contract verifies a proof. Raises Refused."""

    def check_program(self, files: ProgramFiles) -> None:
        """Raise BadProof unless the files at hand are those that the identity names."""
        identity = files.program.identity
        pinned = identity.get("files")
        expected = set(self.pinned_files(files.program))
        if identity.get("format") != FORMAT or not isinstance(pinned, Mapping) or set(pinned) != expected:
            raise BadProof("the program's identity is malformed", field="program.identity")
        curve_of(files.program)
        check_files(files, {name: Digest(str(digest)) for name, digest in pinned.items()})

    def take_input(self, files: ProgramFiles, value: Json, *, field: str, workdir: Path) -> TakenInput:
        """Run the circuit's program on one input."""
        inputs = read_inputs(value, curve_of(files.program), field=field)
        try:
            public = _executed(files, inputs, workdir)
        except Refused as reason:
            place = reason.field.removeprefix("inputs")
            raise InvalidInput(reason.rule, field=field + place if place != reason.field else field) from None
        outputs, _ = counts_of(files)
        return TakenInput(shown=public[outputs:], job_input=canonical_json({"inputs": inputs}), output=public[:outputs])

    def input_names(self, program: Program) -> Mapping[str, int]:
        """Do what NamesValues.input_names promises; without a table of symbols nothing can be filled in by name."""
        return names_of(program, ALL_INPUTS) if "names" in program.identity else {}

    def output_names(self, program: Program) -> Mapping[str, int]:
        """Return the circuit's outputs by name."""
        return names_of(program, ALL_OUTPUTS)

    def integers_of(self, program: Program, shown: Json, output: Json) -> Mapping[str, Sequence[int]]:
        """Return the public signals' values by name."""
        return integers_in(program, curve_of(program), shown, output)

    def with_values(self, program: Program, value: Json, name: str, values: Sequence[int]) -> Json:
        """Do what NamesValues.with_values promises."""
        return with_signal(value, name, values)

    def run_job(
        self, files: ProgramFiles, slice_index: int, job_input: bytes, *, cache: Path, workdir: Path, report: Report
    ) -> JobOutput:
        """Prove one input."""
        require(files, *(name for name in files.program.slices[0].files))
        outputs, _ = counts_of(files)
        shown: list[str] = []

        def prove() -> JobOutput:
            inputs = _inputs_of(files, job_input)
            with refused_as(InvalidInput, field="job_input"):
                proof, public = self.prove(files, inputs, cache=cache, workdir=workdir, report=report)
            shown[:] = public[outputs:]
            return JobOutput(proof=proof, public={"output": public[:outputs]})

        def look(output: JobOutput) -> None:
            self.check_proof(files, shown, output.public["output"], output.proof, workdir=workdir)

        output = prove_then_look(prove, look, what="the circuit")
        report("prove", 1000)
        return output

    def can_be_proven(self, files: ProgramFiles, slice_index: int, job_input: bytes, *, workdir: Path) -> bool | None:
        """Do what TriesInputs.can_be_proven promises: run the circuit's program, and look at every constraint."""
        try:
            _executed(files, _inputs_of(files, job_input), workdir)
        except Refused as reason:
            return False if reason.field.startswith("inputs") else None
        except (InvalidProgram, InvalidInput):
            return None
        return True

    def check_proof(self, files: ProgramFiles, shown: Json, claimed: Json, proof: bytes, *, workdir: Path) -> None:
        """Raise BadProof unless the proof verifies for these outputs and public inputs."""
        curve = curve_of(files.program)
        self.check_public(files, shown, claimed)
        assert isinstance(claimed, list)  # noqa: S101 - looked at above
        assert isinstance(shown, list)  # noqa: S101
        key, public = files.path("verifying_key"), claimed + shown
        try:
            wrong = engine.complaint_about(self.verify_command, key, curve, proof, public, workdir=workdir)
        except Refused as reason:  # a key that is none: whoever made the program wrote it
            wrong = reason.rule
        if wrong:
            raise BadProof(wrong)

    def check_public(self, files: ProgramFiles, shown: Json, claimed: Json) -> None:
        """Raise BadProof unless these are as many field elements, in decimal, as the circuit has public signals."""
        curve = curve_of(files.program)
        for values, count in zip((claimed, shown), counts_of(files), strict=True):
            if (
                not isinstance(values, list)
                or len(values) != count
                or not all(is_element(value, curve) for value in values)
            ):
                raise BadProof("the public values are not those of the circuit, in decimal")

    def shows_inputs(self, program: Program) -> str:
        """Do what SealsInputs.shows_inputs promises."""
        if program.summary.get("private_inputs") == 0:
            return "all inputs of the circuit are public, and stand in every bundle"
        return ""

    def contracts(self, files: ProgramFiles, *, workdir: Path) -> list[Contract]:
        """Do what WritesContract.contracts promises; contracts know BN254 only."""
        require(files, "verifying_key")
        key, curve = files.path("verifying_key"), curve_of(files.program)
        with refused_as(InvalidField, field="program", hint="compile with --prime bn128"):
            source = engine.solidity_verifier(self.solidity_command, key, curve, workdir=workdir)
        return [Contract(name=self.contract, source=source)]

    def contract_calls(
        self, files: ProgramFiles, statement: Mapping[str, Json], parts: list[PartialProof], *, workdir: Path
    ) -> list[ContractCall]:
        """Do what WritesContract.contract_calls promises."""
        calls = []
        for part, (shown, claimed) in zip(parts, self.shown_and_claimed(files, statement, parts), strict=True):
            public = [int(str(value)) for values in (claimed, shown) if isinstance(values, list) for value in values]
            with refused_as(InvalidField, field="program", hint="compile with --prime bn128"):
                calls.append(self.contract_call(files, part.output.proof, public, workdir=workdir))
        return calls


def circuit_in(source: Mapping[str, Path], *, workdir: Path) -> engine.Circuit:
    """Return what a source's circuit says of itself. Raises Refused, and InvalidProgram for one that is too large."""
    circuit = engine.circuit_of(source["r1cs"], workdir=workdir)
    if circuit.constraints > CONSTRAINTS_MAX:
        raise InvalidProgram(f"a circuit has at most {CONSTRAINTS_MAX} constraints", field="source.r1cs")
    return circuit


def _executed(files: ProgramFiles, inputs: engine.Inputs, workdir: Path) -> list[str]:
    memory = memory_of(files.program)
    return engine.public_values(files.path("r1cs"), files.path("wasm"), inputs, memory=memory, workdir=workdir)


def _inputs_of(files: ProgramFiles, job_input: bytes) -> engine.Inputs:
    try:
        return read_inputs(json.loads(job_input)["inputs"], curve_of(files.program), field="job_input")
    except (ValueError, KeyError, TypeError, RecursionError):
        raise InvalidInput("the job's input is none of this program", field="job_input") from None
