"""One proof of many circom proofs, as the kit asks for it (`kit.one_proof_of_chains`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import BadProof, InvalidField, InvalidInput, InvalidProgram
from proofgrid.proofs.base import PartialProof, ProgramFiles, Report, SliceSpec
from proofgrid.proofs.kit.asking import Refused, refused_as
from proofgrid.proofs.kit.circom.curves import Curve, curve_of
from proofgrid.proofs.kit.circom.engine import Circuit, circuit_of
from proofgrid.proofs.kit.circom.identity import counts_of
from proofgrid.proofs.kit.contract_calls import call_of
from proofgrid.proofs.kit.files import require
from proofgrid.proofs.kit.one_proof_of_chains import Claim, OneProofOfChains
from proofgrid.proofs.offers import Contract, ContractCall
from proofgrid.proofs.systems.groth16 import wrapping


class WrapsProofs(OneProofOfChains):
    """What a program's keys of wraps are for."""

    def make_wrap_keys(
        self, source: Mapping[str, Path], folder: Path, *, parts: int, workdir: Path, report: Report
    ) -> dict[str, Path]:
        """Do what MakesWrapKeys.make_wrap_keys promises."""
        if "r1cs" not in source:
            raise InvalidField("keys of wraps are made for a circuit's .r1cs", field="source")
        made = {name: folder / f"circuit{wrapping.SUFFIXES[name]}" for name in wrapping.KEYS}
        parts = wrapping.parts_of_setting(parts)
        with refused_as(InvalidProgram):
            circuit = circuit_of(source["r1cs"], workdir=workdir)
            shape = wrapping.Shape(circuit.curve, parts, circuit.outputs, circuit.public_inputs)
            wrapping.make_keys(shape, made, workdir=workdir, report=report)
        return made

    def inputs_max(self, files: ProgramFiles) -> int:
        """Return how many proofs the program's wraps take."""
        return wrap_of(files)[0].parts

    def check_claims(self, files: ProgramFiles, claims: Sequence[Claim], *, workdir: Path) -> None:
        """Raise InvalidInput for public values that the circuit cannot take, which a key can be made for."""
        with refused_as(InvalidInput, field="inputs"):
            wrapping.check_claims(wrap_of(files)[0], files.path("verifying_key"), claims, workdir=workdir)

    def prove_wrap(
        self, files: ProgramFiles, claims: Sequence[Claim], proofs: Sequence[bytes], *, workdir: Path, report: Report
    ) -> bytes:
        """Prove many proofs by one."""
        shape, constraints = wrap_of(files)
        memory = wrapping.memory_bytes(shape.curve, constraints)
        with refused_as(InvalidInput, field="job_input"):
            return wrapping.prove(shape, files, claims, proofs, memory=memory, workdir=workdir, report=report)

    def check_wrap(self, files: ProgramFiles, claims: Sequence[Claim], proof: bytes, *, workdir: Path) -> None:
        """Raise BadProof unless the proof is of proofs with these public values."""
        try:
            wrong = wrapping.complaint_about(wrap_of(files)[0], files, claims, proof, workdir=workdir)
        except Refused as reason:
            wrong = reason.rule
        if wrong:
            raise BadProof(wrong)

    def contract_of_one_proof(self, files: ProgramFiles, *, workdir: Path) -> Contract:
        """Do what WritesContractOfOneProof.contract_of_one_proof promises; contracts know BN254 only."""
        require(files, "verifying_key", "wrap_verifying_key")
        with refused_as(InvalidField, field="program", hint="compile with --prime bn128"):
            source = wrapping.contract_of(wrap_of(files)[0], files, workdir=workdir)
        return Contract(name="OneProofVerifier", source=source)

    def call_of_one_proof(
        self,
        files: ProgramFiles,
        statement: Mapping[str, Json],
        result: Mapping[str, Json],
        part: PartialProof,
        *,
        workdir: Path,
    ) -> ContractCall:
        """Do what WritesContractOfOneProof.call_of_one_proof promises."""
        shape, _ = wrap_of(files)
        with refused_as(InvalidField, field="program", hint="compile with --prime bn128"):
            words = wrapping.words_of(shape, part.output.proof, workdir=workdir)
        values = wrapping.values_of(shape, self.claims_of(files, statement, result))
        return call_of(f"verifyProofs(uint256[8],uint256[2],uint256[2],uint256[{len(values)}])", *words, values)


def wrap_parts(source: Mapping[str, Path], settings: Mapping[str, Json]) -> int:
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


def checked_wrap(
    circuit: Circuit, parts: int, paths: Mapping[str, Path], *, workdir: Path, report: Report
) -> dict[str, Json]:
    """Return what an identity says of wraps whose keys are for them. Raises Refused."""
    report("wrap keys", 500)
    shape = wrapping.Shape(circuit.curve, parts, circuit.outputs, circuit.public_inputs)
    constraints = wrapping.check_keys(shape, {name: paths[name] for name in wrapping.KEYS}, workdir=workdir)
    return {"parts": parts, "constraints": constraints}


def wrap_spec(curve: Curve, constraints: int) -> SliceSpec:
    """Return what a wrap needs, behind the only slice."""
    return SliceSpec(
        index=1,
        units=wrapping.units(curve, constraints),
        memory_bytes=wrapping.memory_bytes(curve, constraints),
        files=("verifying_key", *wrapping.KEYS),
    )


def wrap_of(files: ProgramFiles) -> tuple[wrapping.Shape, int]:
    """Return the shape of a program's wraps, and how many constraints they have; of none where it has none."""
    wrap = files.program.identity.get(wrapping.WRAP, {"parts": 0, "constraints": 0})
    parts, constraints = (wrap.get("parts"), wrap.get("constraints")) if isinstance(wrap, Mapping) else (None, None)
    if type(parts) is not int or type(constraints) is not int or not 0 <= parts <= wrapping.PARTS_MAX:
        raise BadProof("the program's identity is malformed", field="program.identity")
    return wrapping.Shape(curve_of(files.program), parts, *counts_of(files)), constraints
