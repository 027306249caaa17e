"""Groth16: circom's circuits, as their compiler leaves them, with keys that the client brings.

    source    r1cs, wasm, proving_key, verifying_key; sym names the public signals, if it is given
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
    Contract,
    ContractCall,
    JobOutput,
    PartialProof,
    Program,
    ProgramFiles,
    Report,
    SliceSpec,
    SystemDescription,
)
from proofgrid.proofs.kit.contract_calls import call_of
from proofgrid.proofs.kit.engine_programs import GNARK
from proofgrid.proofs.kit.files import check_files, require
from proofgrid.proofs.kit.looking import prove_then_look
from proofgrid.proofs.kit.one_job_per_input import OneJobPerInput, TakenInput
from proofgrid.proofs.kit.one_proof_of_chains import Claim, OneProofOfChains
from proofgrid.proofs.setup import TrustRoots
from proofgrid.proofs.systems.groth16 import engine, wrapping
from proofgrid.proofs.systems.groth16.curves import curve_of
from proofgrid.proofs.systems.groth16.signals import is_element, public_names, read_inputs

FORMAT = 1
CONSTRAINTS_MAX = 1 << 24
FILES = ("r1cs", "wasm", "proving_key", "verifying_key")
SYM = "sym"
_UNITS_LEAST = 20  #: a reference core starts in 20 ms


class Groth16System(OneProofOfChains, OneJobPerInput):
    """Fits proofs.base.ProofSystem; see there for what each method promises."""

    name = engine.SYSTEM

    def __init__(self) -> None:
        GNARK.path(system=self.name)  # or it is not installed here

    def describe(self) -> SystemDescription:
        """Say what this system is; its programs take no settings."""
        return SystemDescription(
            name=self.name,
            engine=engine.VERSION,
            program_format="circom circuit: .r1cs, .wasm, proving and verifying key (and .sym)",
            settings_help={
                "wrap_parts": "with wrap keys: of how many inputs one proof may be, as the keys were made for"
            },
            source_suffixes={
                "r1cs": ".r1cs",
                "wasm": ".wasm",
                "sym": ".sym",
                "proving_key": ".pk",
                "verifying_key": ".vk",
                "wrap_proving_key": ".wpk",
                "wrap_verifying_key": ".wvk",
            },
        )

    def make_keys(self, source: Mapping[str, Path], folder: Path, *, workdir: Path, report: Report) -> dict[str, Path]:
        """Do what MakesKeys.make_keys promises."""
        if "r1cs" not in source:
            raise InvalidField("keys are made of a circuit's .r1cs", field="source")
        made = {name: folder / f"circuit{self.describe().source_suffixes[name]}" for name in FILES[2:]}
        try:
            engine.make_keys(source["r1cs"], *made.values(), workdir=workdir, report=report)
        except engine.Refused as reason:
            raise InvalidProgram(reason.rule, field=reason.field) from None
        return made

    def make_wrap_keys(
        self, source: Mapping[str, Path], folder: Path, *, parts: int, workdir: Path, report: Report
    ) -> dict[str, Path]:
        """Do what MakesWrapKeys.make_wrap_keys promises."""
        if "r1cs" not in source:
            raise InvalidField("keys of wraps are made for a circuit's .r1cs", field="source")
        made = {name: folder / f"circuit{self.describe().source_suffixes[name]}" for name in wrapping.KEYS}
        parts = wrapping.parts_of_setting(parts)
        try:
            circuit = engine.circuit_of(source["r1cs"], workdir=workdir)
            if circuit.curve is not wrapping.CURVE:
                rule = f"proofs on {circuit.curve.title} cannot be wrapped"
                raise InvalidProgram(rule, field="source.r1cs", hint="compile the circuit with --prime bls12377")
            shape = wrapping.Shape(parts, circuit.outputs, circuit.public_inputs)
            wrapping.make_keys(shape, made, workdir=workdir, report=report)
        except engine.Refused as reason:
            raise InvalidProgram(reason.rule, field=reason.field) from None
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
        parts = _wrap_parts(source, settings)
        if missing := [name for name in FILES if name not in source]:
            hint = "proofgrid program keygen makes keys for development" if "key" in missing[0] else ""
            raise InvalidField(f"there is no {missing[0]}", field=f"source.{missing[0]}", hint=hint)
        if unknown := set(source) - {*FILES, SYM, *wrapping.KEYS}:
            raise InvalidField(f"a circuit has no {min(unknown)}", field=f"source.{min(unknown)}")
        paths = {name: source[name] for name in (*FILES, *(wrapping.KEYS if parts else ()))}
        try:
            circuit = engine.circuit_of(paths["r1cs"], workdir=workdir)
            if circuit.constraints > CONSTRAINTS_MAX:
                raise InvalidProgram(f"a circuit has at most {CONSTRAINTS_MAX} constraints", field="source.r1cs")
            report("keys", 300)
            memory = engine.memory_bytes(circuit.constraints, circuit.curve)
            engine.check_keys({name: paths[name] for name in FILES}, memory=memory, workdir=workdir)
            wrap = _checked_wrap(circuit, parts, paths, workdir=workdir, report=report) if parts else None
        except engine.Refused as reason:
            raise InvalidProgram(reason.rule, field=reason.field) from None
        names = (
            public_names(source[SYM], outputs=circuit.outputs, inputs=circuit.public_inputs) if SYM in source else None
        )
        digests = {name: digest_of_file(path) for name, path in paths.items()}
        return ProgramFiles(_program(circuit, digests, names, wrap), paths)

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
        except engine.Refused as reason:
            place = reason.field.removeprefix("inputs")
            raise InvalidInput(reason.rule, field=field + place if place != reason.field else field) from None
        outputs, _ = _counts(files)
        return TakenInput(shown=public[outputs:], job_input=canonical_json({"inputs": inputs}), output=public[:outputs])

    def run_job(
        self, files: ProgramFiles, slice_index: int, job_input: bytes, *, cache: Path, workdir: Path, report: Report
    ) -> JobOutput:
        """Prove one input."""
        source = {name: files.path(name) for name in ("r1cs", "wasm", "proving_key")}
        outputs, _ = _counts(files)
        shown: list[str] = []

        def prove() -> JobOutput:
            try:
                proof, public = engine.prove(
                    source, _inputs_of(files, job_input), memory=_memory(files), workdir=workdir, report=report
                )
            except engine.Refused as reason:
                raise InvalidInput(reason.rule, field="job_input") from None
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
        except engine.Refused as reason:
            return False if reason.field.startswith("inputs") else None
        except (InvalidProgram, InvalidInput):
            return None
        return True

    def check_proof(self, files: ProgramFiles, shown: Json, claimed: Json, proof: bytes, *, workdir: Path) -> None:
        """Raise BadProof unless the proof verifies for these outputs and public inputs."""
        curve = curve_of(files.program)
        for values, count in zip((claimed, shown), _counts(files), strict=True):
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
        try:
            source = engine.solidity_verifier(files.path("verifying_key"), curve_of(files.program), workdir=workdir)
        except engine.Refused as reason:
            raise InvalidField(reason.rule, field="program", hint="compile with --prime bn128") from None
        return [Contract(name="Verifier", source=source)]

    def contract_calls(
        self, files: ProgramFiles, statement: Mapping[str, Json], parts: list[PartialProof], *, workdir: Path
    ) -> list[ContractCall]:
        """Do what WritesContract.contract_calls promises."""
        curve = curve_of(files.program)
        calls = []
        for part, (shown, claimed) in zip(parts, self.shown_and_claimed(files, statement, parts), strict=True):
            public = [int(str(value)) for values in (claimed, shown) if isinstance(values, list) for value in values]
            try:
                words = engine.words_of(curve, part.output.proof, workdir=workdir)
            except engine.Refused as reason:
                raise InvalidField(reason.rule, field="program", hint="compile with --prime bn128") from None
            calls.append(call_of(f"verifyProof(uint256[{len(words)}],uint256[{len(public)}])", words, public))
        return calls

    def inputs_max(self, files: ProgramFiles) -> int:
        """Return how many proofs the program's wraps take."""
        return _wrap_of(files)[0].parts

    def check_claims(self, files: ProgramFiles, claims: Sequence[Claim], *, workdir: Path) -> None:
        """Raise InvalidInput for public values that the circuit cannot take, which a key can be made for."""
        try:
            wrapping.check_claims(_wrap_of(files)[0], files.path("verifying_key"), claims, workdir=workdir)
        except engine.Refused as reason:
            raise InvalidInput(reason.rule, field="inputs") from None

    def prove_wrap(
        self, files: ProgramFiles, claims: Sequence[Claim], proofs: Sequence[bytes], *, workdir: Path, report: Report
    ) -> bytes:
        """Prove many proofs by one."""
        shape, constraints = _wrap_of(files)
        memory = wrapping.memory_bytes(constraints)
        try:
            return wrapping.prove(shape, files, claims, proofs, memory=memory, workdir=workdir, report=report)
        except engine.Refused as reason:
            raise InvalidInput(reason.rule, field="job_input") from None

    def check_wrap(self, files: ProgramFiles, claims: Sequence[Claim], proof: bytes, *, workdir: Path) -> None:
        """Raise BadProof unless the proof is of proofs with these public values."""
        try:
            wrong = wrapping.complaint_about(_wrap_of(files)[0], files, claims, proof, workdir=workdir)
        except engine.Refused as reason:
            wrong = reason.rule
        if wrong:
            raise BadProof(wrong)

    def _executed(self, files: ProgramFiles, inputs: engine.Inputs, workdir: Path) -> list[str]:
        return engine.public_values(
            files.path("r1cs"), files.path("wasm"), inputs, memory=_memory(files), workdir=workdir
        )


def _wrap_parts(source: Mapping[str, Path], settings: Mapping[str, Json]) -> int:
    """Return how many proofs the program's wraps take, 0 without any; raise InvalidField for half of what they need."""
    if unknown := set(settings) - {"wrap_parts"}:
        raise InvalidField("circom circuits take no such setting", field=f"settings.{min(unknown)}")
    here = [name for name in wrapping.KEYS if name in source]
    if not settings and not here:
        return 0
    if not settings:
        raise InvalidField(
            "keys of wraps are for a number of proofs",
            field="settings.wrap_parts",
            hint="-s wrap_parts=8, as they were made",
        )
    if missing := [name for name in wrapping.KEYS if name not in here]:
        hint = "proofgrid program keygen --one-proof makes keys of wraps for development"
        raise InvalidField(f"there is no {missing[0]}", field=f"source.{missing[0]}", hint=hint)
    return wrapping.parts_of_setting(settings["wrap_parts"])


def _checked_wrap(
    circuit: engine.Circuit, parts: int, paths: Mapping[str, Path], *, workdir: Path, report: Report
) -> dict[str, Json]:
    """Return what an identity says of wraps whose keys are for them. Raises Refused."""
    if circuit.curve is not wrapping.CURVE:
        raise engine.Refused("source.r1cs", f"proofs on {circuit.curve.title} cannot be wrapped: compile for bls12377")
    report("wrap keys", 500)
    shape = wrapping.Shape(parts, circuit.outputs, circuit.public_inputs)
    constraints = wrapping.check_keys(shape, {name: paths[name] for name in wrapping.KEYS}, workdir=workdir)
    return {"parts": parts, "constraints": constraints}


def _program(
    circuit: engine.Circuit,
    digests: Mapping[str, Digest],
    names: tuple[list[Json], list[Json]] | None,
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
    if wrap is not None:
        identity[wrapping.WRAP] = wrap
    return Program(
        proof_system=engine.SYSTEM,
        identity=identity,
        files=dict(digests),
        verifying_files=("verifying_key", *(("wrap_verifying_key",) if wrap else ())),
        wraps=() if wrap is None else (_wrap_spec(int(str(wrap["constraints"]))),),
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


def _wrap_spec(constraints: int) -> SliceSpec:
    return SliceSpec(
        index=1,
        units=wrapping.units(constraints),
        memory_bytes=wrapping.memory_bytes(constraints),
        files=("verifying_key", *wrapping.KEYS),
    )


def _wrap_of(files: ProgramFiles) -> tuple[wrapping.Shape, int]:
    """Return the shape of a program's wraps, and how many constraints they have; of none where it has none."""
    wrap = files.program.identity.get(wrapping.WRAP, {"parts": 0, "constraints": 0})
    parts, constraints = (wrap.get("parts"), wrap.get("constraints")) if isinstance(wrap, Mapping) else (None, None)
    if type(parts) is not int or type(constraints) is not int or not 0 <= parts <= wrapping.PARTS_MAX:
        raise BadProof("the program's identity is malformed", field="program.identity")
    return wrapping.Shape(parts, *_counts(files)), constraints


def _counts(files: ProgramFiles) -> tuple[int, int]:
    """Return how many outputs and public inputs a program has."""
    identity = files.program.identity
    counts = identity.get("outputs"), identity.get("public_inputs")
    if not all(type(count) is int and count >= 0 for count in counts):
        raise BadProof("the program's identity is malformed", field="program.identity")
    return counts  # type: ignore[return-value]


def _memory(files: ProgramFiles) -> int:
    count = files.program.identity.get("constraints")
    return engine.memory_bytes(count if type(count) is int else 0, curve_of(files.program))


def _inputs_of(files: ProgramFiles, job_input: bytes) -> engine.Inputs:
    try:
        return read_inputs(json.loads(job_input)["inputs"], curve_of(files.program), field="job_input")
    except (ValueError, KeyError, TypeError, RecursionError):
        raise InvalidInput("the job's input is none of this program", field="job_input") from None
