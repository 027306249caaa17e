"""Groth16: circom's circuits, as their compiler leaves them, with keys that the client brings.

    source    r1cs, wasm, proving_key and verifying_key, or instead of both the zkey of a ceremony;
              sym names the public signals, if it is given
    curve     BN254 or BLS12-377, as the circuit's prime says
    input     signal name -> values; the gateway runs the circuit's program, so it knows every public value beforehand
    proof     three points, compressed, 128 or 192 bytes; public: the outputs in decimal

Keys are random, so they are part of what a client hands in and of a program's identity, and their setup is whoever
made them to be trusted with: `proofgrid program keygen` makes some for development.

With keys of wraps as well (`wrapping`), a program on BLS12-377 makes one proof of many inputs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from proofgrid.primitives.canonical import Json, canonical_json
from proofgrid.primitives.digests import Digest, digest_of_file
from proofgrid.primitives.errors import BadProof, InvalidField, InvalidInput, InvalidProgram
from proofgrid.proofs.base import (
    JobOutput,
    PartialProof,
    Program,
    ProgramFiles,
    Report,
    SliceSpec,
    SystemDescription,
)
from proofgrid.proofs.kit.asking import Refused, refused_as
from proofgrid.proofs.kit.contract_calls import call_of
from proofgrid.proofs.kit.engine_programs import GNARK
from proofgrid.proofs.kit.files import check_files, require
from proofgrid.proofs.kit.looking import prove_then_look
from proofgrid.proofs.kit.naming import NamesInputsAndOutputs
from proofgrid.proofs.kit.one_job_per_input import OneJobPerInput, TakenInput
from proofgrid.proofs.offers import Contract, ContractCall
from proofgrid.proofs.setup import TrustRoots
from proofgrid.proofs.systems.groth16 import engine, wrapping
from proofgrid.proofs.systems.groth16.curves import curve_of
from proofgrid.proofs.systems.groth16.identity import counts_of
from proofgrid.proofs.systems.groth16.naming import ALL_INPUTS, ALL_OUTPUTS, integers_in, names_of, with_signal
from proofgrid.proofs.systems.groth16.one_proof import WrapsProofs, checked_wrap, wrap_parts, wrap_spec
from proofgrid.proofs.systems.groth16.signals import is_element, public_names, read_inputs

FORMAT = 1
CONSTRAINTS_MAX = 1 << 24
FILES = ("r1cs", "wasm", "proving_key", "verifying_key")
SYM, ZKEY = "sym", "zkey"
_UNITS_LEAST = 20  #: a reference core starts in 20 ms


class Groth16System(WrapsProofs, OneJobPerInput, NamesInputsAndOutputs):
    """Fits proofs.base.ProofSystem; see there for what each method promises."""

    name = engine.SYSTEM

    def __init__(self) -> None:
        GNARK.path(system=self.name)  # or it is not installed here

    def describe(self) -> SystemDescription:
        """Say what this system is; its programs take no settings."""
        return SystemDescription(
            name=self.name,
            engine=engine.VERSION,
            program_format="circom circuit: .r1cs, .wasm, keys (.pk and .vk, or .zkey) and .sym",
            settings_help={
                "wrap_parts": "with wrap keys: of how many inputs one proof may be, as the keys were made for"
            },
            source_suffixes={
                "r1cs": ".r1cs",
                "wasm": ".wasm",
                "sym": ".sym",
                "proving_key": ".pk",
                "verifying_key": ".vk",
                ZKEY: ".zkey",
                **wrapping.SUFFIXES,
            },
        )

    def make_keys(self, source: Mapping[str, Path], folder: Path, *, workdir: Path, report: Report) -> dict[str, Path]:
        """Do what MakesKeys.make_keys promises."""
        if "r1cs" not in source:
            raise InvalidField("keys are made of a circuit's .r1cs", field="source")
        made = {name: folder / f"circuit{self.describe().source_suffixes[name]}" for name in FILES[2:]}
        with refused_as(InvalidProgram):
            engine.make_keys(source["r1cs"], *made.values(), workdir=workdir, report=report)
        return made

    def build_program(
        self,
        source: Mapping[str, Path],
        settings: Mapping[str, Json],
        *,
        trust: TrustRoots,
        workdir: Path,
        report: Report,
    ) -> ProgramFiles:
        """Make a program of circuit and keys."""
        parts = wrap_parts(source, settings)
        if unknown := set(source) - {*FILES, SYM, ZKEY, *wrapping.KEYS}:
            raise InvalidField(f"a circuit has no {min(unknown)}", field=f"source.{min(unknown)}")
        with refused_as(InvalidProgram):
            taken = self._with_keys(source, workdir, report)
            if missing := [name for name in FILES if name not in taken]:
                hint = "proofgrid program keygen makes keys for development" if "key" in missing[0] else ""
                raise InvalidField(f"there is no {missing[0]}", field=f"source.{missing[0]}", hint=hint)
            paths = {name: taken[name] for name in (*FILES, *(wrapping.KEYS if parts else ()))}
            circuit = engine.circuit_of(paths["r1cs"], workdir=workdir)
            if circuit.constraints > CONSTRAINTS_MAX:
                raise InvalidProgram(f"a circuit has at most {CONSTRAINTS_MAX} constraints", field="source.r1cs")
            report("keys", 300)
            memory = engine.memory_bytes(circuit.constraints, circuit.curve)
            engine.check_keys({name: paths[name] for name in FILES}, memory=memory, workdir=workdir)
            wrap = checked_wrap(circuit, parts, paths, workdir=workdir, report=report) if parts else None
        names = (
            public_names(source[SYM], outputs=circuit.outputs, inputs=circuit.public_inputs) if SYM in source else None
        )
        zkey = digest_of_file(source[ZKEY]) if ZKEY in source else None
        digests = {name: digest_of_file(path) for name, path in paths.items()}
        return ProgramFiles(_program(circuit, digests, names, zkey, wrap), paths)

    def _with_keys(self, source: Mapping[str, Path], workdir: Path, report: Report) -> dict[str, Path]:
        """Return a source with gnark's keys made of those of snarkjs, where it brings such."""
        if ZKEY not in source or "r1cs" not in source:
            return dict(source)
        if twice := sorted({"proving_key", "verifying_key"} & set(source)):
            raise InvalidField(
                f"a .zkey holds the {twice[0]} too", field=f"source.{twice[0]}", hint="bring one of them"
            )
        made = {name: workdir / f"circuit{self.describe().source_suffixes[name]}" for name in FILES[2:]}
        engine.convert_keys(source["r1cs"], source[ZKEY], *made.values(), workdir=workdir, report=report)
        return {**source, **made}

    def check_program(self, files: ProgramFiles) -> None:
        """Raise BadProof unless the files at hand are those that the identity names."""
        identity = files.program.identity
        pinned = identity.get("files")
        expected = {*FILES, *(wrapping.KEYS if wrapping.WRAP in identity else ())}
        if identity.get("format") != FORMAT or not isinstance(pinned, Mapping) or set(pinned) != expected:
            raise BadProof("the program's identity is malformed", field="program.identity")
        curve_of(files.program)
        check_files(files, {name: Digest(str(digest)) for name, digest in pinned.items()})

    def take_input(self, files: ProgramFiles, value: Json, *, field: str, workdir: Path) -> TakenInput:
        """Run the circuit's program on one input."""
        inputs = read_inputs(value, curve_of(files.program), field=field)
        try:
            public = self._executed(files, inputs, workdir)
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
        source = {name: files.path(name) for name in ("r1cs", "wasm", "proving_key")}
        outputs, _ = counts_of(files)
        shown: list[str] = []

        def prove() -> JobOutput:
            with refused_as(InvalidInput, field="job_input"):
                proof, public = engine.prove(
                    source,
                    _inputs_of(files, job_input),
                    snarkjs=ZKEY in files.program.identity,
                    memory=_memory(files),
                    workdir=workdir,
                    report=report,
                )
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
            self._executed(files, _inputs_of(files, job_input), workdir)
        except Refused as reason:
            return False if reason.field.startswith("inputs") else None
        except (InvalidProgram, InvalidInput):
            return None
        return True

    def check_proof(self, files: ProgramFiles, shown: Json, claimed: Json, proof: bytes, *, workdir: Path) -> None:
        """Raise BadProof unless the proof verifies for these outputs and public inputs."""
        curve = curve_of(files.program)
        for values, count in zip((claimed, shown), counts_of(files), strict=True):
            if (
                not isinstance(values, list)
                or len(values) != count
                or not all(is_element(value, curve) for value in values)
            ):
                raise BadProof("the public values are not those of the circuit, in decimal")
        assert isinstance(claimed, list)  # noqa: S101 - looked at above
        assert isinstance(shown, list)  # noqa: S101
        key = files.path("verifying_key")
        if wrong := engine.complaint_about(key, curve, proof, claimed + shown, workdir=workdir):
            raise BadProof(wrong)

    def contracts(self, files: ProgramFiles, *, workdir: Path) -> list[Contract]:
        """Do what WritesContract.contracts promises; contracts know BN254 only."""
        require(files, "verifying_key")
        with refused_as(InvalidField, field="program", hint="compile with --prime bn128"):
            source = engine.solidity_verifier(files.path("verifying_key"), curve_of(files.program), workdir=workdir)
        return [Contract(name="Verifier", source=source)]

    def contract_calls(
        self, files: ProgramFiles, statement: Mapping[str, Json], parts: list[PartialProof], *, workdir: Path
    ) -> list[ContractCall]:
        """Do what WritesContract.contract_calls promises."""
        curve = curve_of(files.program)
        calls = []
        for part, (shown, claimed) in zip(parts, self.shown_and_claimed(files, statement, parts), strict=True):
            public = [int(str(value)) for values in (claimed, shown) if isinstance(values, list) for value in values]
            with refused_as(InvalidField, field="program", hint="compile with --prime bn128"):
                words = engine.words_of(curve, part.output.proof, workdir=workdir)
            calls.append(call_of(f"verifyProof(uint256[{len(words)}],uint256[{len(public)}])", words, public))
        return calls

    def _executed(self, files: ProgramFiles, inputs: engine.Inputs, workdir: Path) -> list[str]:
        return engine.public_values(
            files.path("r1cs"), files.path("wasm"), inputs, memory=_memory(files), workdir=workdir
        )


def _program(
    circuit: engine.Circuit,
    digests: Mapping[str, Digest],
    names: tuple[list[Json], list[Json]] | None,
    zkey: Digest | None,
    wrap: Mapping[str, Json] | None,
) -> Program:
    identity: dict[str, Json] = {
        "format": FORMAT,
        "curve": circuit.curve.name,
        "files": dict(digests),
        "outputs": circuit.outputs,
        "public_inputs": circuit.public_inputs,
        "constraints": circuit.constraints,
    }
    if names is not None:
        identity["names"] = {"outputs": names[0], "public_inputs": names[1]}
    if zkey is not None:
        identity[ZKEY] = zkey  # where the keys came from, and which rows bind the public values
    if wrap is not None:
        identity[wrapping.WRAP] = wrap
    return Program(
        proof_system=engine.SYSTEM,
        identity=identity,
        files=dict(digests),
        verifying_files=("verifying_key", *(("wrap_verifying_key",) if wrap else ())),
        wraps=() if wrap is None else (wrap_spec(int(str(wrap["constraints"]))),),
        slices=(
            SliceSpec(
                index=0,
                units=_UNITS_LEAST + circuit.constraints // circuit.curve.constraints_per_unit,
                memory_bytes=engine.memory_bytes(circuit.constraints, circuit.curve),
                files=FILES,
            ),
        ),
        summary={
            "curve": circuit.curve.title,
            "constraints": circuit.constraints,
            "wires": circuit.wires,
            "outputs": list(names[0]) if names else circuit.outputs,
            "public_inputs": list(names[1]) if names else circuit.public_inputs,
            "private_inputs": circuit.private_inputs,
            **({} if wrap is None else {"inputs in one proof": wrap["parts"]}),
        },
    )


def _memory(files: ProgramFiles) -> int:
    count = files.program.identity.get("constraints")
    return engine.memory_bytes(count if type(count) is int else 0, curve_of(files.program))


def _inputs_of(files: ProgramFiles, job_input: bytes) -> engine.Inputs:
    try:
        return read_inputs(json.loads(job_input)["inputs"], curve_of(files.program), field="job_input")
    except (ValueError, KeyError, TypeError, RecursionError):
        raise InvalidInput("the job's input is none of this program", field="job_input") from None
