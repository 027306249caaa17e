"""One proof for contracts: its spelling, its contract and the call, with a stand-in for the circuit that takes minutes.

`stand_in.json` has a proof of a commitment, by a circuit that verifies nothing: all but the circuit is as on a network.
That the circuit itself takes right parts and no forgeries: `test_wrapping_on_bn254`, `chain/test_one_proof_on_chain`.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import BadProof, InvalidField, InvalidInput
from proofgrid.proofs.base import JobOutput, PartialProof, ProgramFiles
from proofgrid.proofs.bundles.contracts import contracts_of, spell_call
from proofgrid.proofs.kit.circom.curves import CURVES
from proofgrid.proofs.kit.contract_calls import call_of
from proofgrid.proofs.offers import WritesContractOfOneProof
from proofgrid.proofs.systems.groth16.adapter import Groth16System
from proofgrid.proofs.systems.groth16.one_proof import wrap_spec
from tests.proofs.evm.running import answers_of
from tests.proofs.systems.groth16.circom import engine_or_skip
from tests.proofs.systems.groth16.test_groth16 import built

PARTS = 2
BN254 = CURVES["bn254"]


@dataclass(frozen=True)
class Made:
    """A program whose wraps are of two proofs, and a request of one input that ended in one proof."""

    files: ProgramFiles
    statement: Mapping[str, Json]
    result: Mapping[str, Json]
    one: PartialProof

    def with_proof(self, proof: bytes) -> PartialProof:
        return replace(self.one, output=JobOutput(proof=proof, public={}))


@pytest.fixture
def made(tmp_path: Path) -> Made:
    engine_or_skip()
    said: dict[str, Any] = json.loads((Path(__file__).parent / "stand_in.json").read_text())
    program = built("product", tmp_path).program
    paths = {}
    for name in ("verifying_key", "wrap_verifying_key"):
        paths[name] = tmp_path / name
        paths[name].write_bytes(base64.b64decode(said[name]))
    identity = {**program.identity, "wrap": {"parts": PARTS, "constraints": 2_000_000}}
    spec = wrap_spec(BN254, 2_000_000)
    files = ProgramFiles(replace(program, identity=identity, wraps=(spec,)), paths)
    statement: dict[str, Json] = {"format": 1, "inputs": [said["public"][1:]], "one_proof": True}
    result: dict[str, Json] = {"format": 1, "outputs": [said["public"][:1]]}
    output = JobOutput(proof=base64.b64decode(said["proof"]), public={})
    return Made(files, statement, result, PartialProof(slice_index=1, input_index=0, output=output))


def test_the_contract_takes_the_one_proof_by_its_public_values(made: Made, tmp_path: Path) -> None:
    system = Groth16System()
    assert isinstance(system, WritesContractOfOneProof)
    one_by_one, contract = contracts_of(made.files, workdir=tmp_path / "contract")
    assert (one_by_one.name, contract.name) == ("Verifier", "OneProofVerifier")
    assert contract.source.count("SPDX-License-Identifier: MIT") == 1
    said = (made.files, made.statement, made.result, made.one)
    call = system.call_of_one_proof(*said, workdir=tmp_path / "call")
    *points, values = ([int(str(word)) for word in words] for words in call.arguments if isinstance(words, list))
    assert call.function == "verifyProofs(uint256[8],uint256[2],uint256[2],uint256[4])"
    assert values == [210, 9] * PARTS  # the last proof fills the places behind it

    changed = [
        [*points, [211, *values[1:]]],
        [*points, [210, 8, *values[2:]]],
        [*points, [*values[:3], 8]],
        [*points, [9, 210, 9, 210]],
        [*points, [210 + BN254.modulus, *values[1:]]],
        [[0] * 8, *points[1:], values],
        [points[0], [0, 0], [0, 0], values],
        [points[0], points[2], points[1], values],
    ]
    answers = answers_of(contract, [call.calldata, *(call_of(call.function, *words).calldata for words in changed)])
    assert [answer.returned for answer in answers] == ["0x", *[None] * len(changed)]
    assert answers[0].gas < 350_000


def test_a_gateway_spells_the_same_call(made: Made, tmp_path: Path) -> None:
    """It has the parts of the task, of which the wrap is one, and no result."""
    (tmp_path / "spelled").mkdir()
    outputs: Any = made.result["outputs"]
    leaf = PartialProof(slice_index=0, input_index=0, output=JobOutput(proof=b"inside", public={"output": outputs[0]}))
    said = (made.files, made.statement, made.result, made.one)
    call = Groth16System().call_of_one_proof(*said, workdir=tmp_path / "call")
    assert spell_call("groth16", made.files, made.statement, [leaf, made.one], tmp_path / "spelled") == call.calldata
    with pytest.raises(InvalidField, match="one proof"):
        spell_call("groth16", made.files, made.statement, [leaf, leaf], tmp_path / "spelled")


def test_a_proof_has_one_spelling(made: Made, tmp_path: Path) -> None:
    bundled = ProgramFiles(replace(made.files.program, wraps=()), made.files.paths)
    system, proof = Groth16System(), made.one.output.proof
    claims = system.claims_of(bundled, made.statement, made.result)
    assert len(proof) == 192
    system.check_wrap(bundled, claims, proof, workdir=tmp_path / "check")
    flipped = [proof[:at] + bytes([proof[at] ^ 1]) + proof[at + 1 :] for at in (0, 31, 64, 127, 128, 159, 191)]
    infinity = bytes([0x40]) + bytes(31)
    for wrong in (
        *flipped,
        proof[:128],
        proof + bytes(1),
        proof[:128] + bytes([0, 0, 0, 1]) + proof[128:],
        proof[:160] + infinity,
        infinity + proof[32:],
        bytes(192),
    ):
        with pytest.raises(BadProof):
            system.check_wrap(bundled, claims, wrong, workdir=tmp_path / "check")
    for other in ([replace(claims[0], claimed=["7"])], [replace(claims[0], shown=["7"])]):
        with pytest.raises(BadProof):
            system.check_wrap(bundled, other, proof, workdir=tmp_path / "check")


def test_values_that_the_circuit_can_add_are_taken_and_those_of_another_curve_are_not(
    made: Made, tmp_path: Path
) -> None:
    system = Groth16System()
    claims = system.claims_of(made.files, made.statement, made.result)
    system.check_claims(made.files, claims, workdir=tmp_path / "check")
    zeros = [replace(claims[0], claimed=["0"], shown=["0"])]
    largest = [replace(claims[0], claimed=[str(BN254.modulus - 1)], shown=["1"])]
    for fine in (zeros, largest, zeros + largest):
        system.check_claims(made.files, fine, workdir=tmp_path / "check")
    with pytest.raises((BadProof, InvalidInput)):
        system.check_claims(made.files, [replace(claims[0], claimed=[str(BN254.modulus)])], workdir=tmp_path / "check")


def test_keys_of_another_arrangement_are_no_keys_of_wraps(made: Made, tmp_path: Path) -> None:
    system = Groth16System()
    key = made.files.paths["verifying_key"]
    for paths in (
        {**made.files.paths, "wrap_verifying_key": key},
        {**made.files.paths, "verifying_key": made.files.paths["wrap_verifying_key"]},
    ):
        with pytest.raises((InvalidField, BadProof)):
            system.contract_of_one_proof(ProgramFiles(made.files.program, paths), workdir=tmp_path / "contract")


def test_wraps_on_the_other_curve_have_no_contract(made: Made, tmp_path: Path) -> None:
    identity = {**made.files.program.identity, "curve": "bls12377"}
    files = ProgramFiles(replace(made.files.program, identity=identity), made.files.paths)
    with pytest.raises(InvalidField, match="BW6-761"):
        Groth16System().contract_of_one_proof(files, workdir=tmp_path / "contract")
