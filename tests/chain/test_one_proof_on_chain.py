"""One proof of many, verified on a chain by its contract behind the door of all programs; altered ones revert."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from proofgrid.chain.accounts import TransactionReverted
from proofgrid.chain.devnet.network import ChainNetwork
from proofgrid.primitives.errors import BadBundle, BadProof
from proofgrid.proofs.base import JobOutput, ProgramFiles
from proofgrid.proofs.bundles.contracts import contracts_of, spell_call
from proofgrid.proofs.kit.contract_calls import call_of
from proofgrid.proofs.offers import WritesContractOfOneProof
from proofgrid.proofs.systems.groth16.adapter import Groth16System
from tests.proofs.evm.running import compiled
from tests.proofs.systems.groth16.wraps_on_bn254 import PARTS, Wrapped, asked_for, wrapped

pytestmark = pytest.mark.asyncio(loop_scope="session")
PROGRAM, TASK = bytes(31) + b"\x04", bytes(31) + b"\x05"
SECONDS_PER_PART = 3_600  #: a setup, on a machine that others use
R = 21888242871839275222246405745257275088548364400416034343698204186575808495617


@pytest.mark.timeout(SECONDS_PER_PART * (PARTS + 1))
async def test_one_proof_is_delivered_and_altered_ones_revert(network: ChainNetwork, tmp_path: Path) -> None:
    asked_for()
    system, it = Groth16System(), wrapped(tmp_path)
    assert isinstance(system, WritesContractOfOneProof)
    assert len(it.one.output.proof) == 192
    check_lies(system, it, tmp_path)

    contract = contracts_of(it.files, workdir=tmp_path / "contract")[-1]
    assert contract.name == "OneProofVerifier"
    said = (it.files, it.statement, it.result, it.one)
    call = system.call_of_one_proof(*said, workdir=tmp_path / "contract")
    assert call.function == f"verifyProofs(uint256[8],uint256[2],uint256[2],uint256[{2 * PARTS}])"
    parts = [*it.proven, it.one]
    (tmp_path / "spelled").mkdir()
    assert spell_call("groth16", it.files, it.statement, parts, tmp_path / "spelled") == call.calldata
    words = [[int(str(word)) for word in words] for words in call.arguments if isinstance(words, list)]
    assert words[3][:2] == [30, 2]  # 1 times 2 times 3 times 5, and the limit

    owner, client = network.owner, network.chain.person(9)
    verifier = await owner.deploy([], compiled(contract))
    deploying = await owner.web3.eth.get_block("latest")
    right = bytes.fromhex(call.calldata[2:])
    await owner.call(network.verifiers, "add", PROGRAM, (verifier.address, right[:4], False, 0))
    receipt = await client.call(network.verifiers, "deliver", TASK, PROGRAM, right)
    (told,) = network.verifiers.events.Delivered().process_receipt(receipt)
    assert (told["args"]["task"], told["args"]["submitter"]) == (TASK, client.address)
    sys.stderr.write(f"gas: {deploying['gasUsed']} to deploy it, {receipt['gasUsed']} to deliver\n")

    # Every word of the call, altered: points, what is committed to, what shows that it is known, each value.
    altered = [right[:at] + bytes([right[at] ^ 1]) + right[at + 1 :] for at in range(4 + 31, len(right), 32)]
    same_below_r = [words[3][0] + R, *words[3][1:]]
    altered += [
        bytes.fromhex(call_of(call.function, *changed).calldata[2:])
        for changed in (
            [*words[:3], same_below_r],
            [*words[:3], words[3][1::-1] + words[3][2:]],
            [[0] * 8, *words[1:]],
            [words[0], [0, 0], [0, 0], words[3]],
            [words[0], words[2], words[1], words[3]],
        )
    ]
    for forged in altered:
        with pytest.raises(TransactionReverted) as caught:
            await client.call(network.verifiers, "deliver", TASK, PROGRAM, forged)
        assert caught.value.reason == "ProofRefused"


def check_lies(system: Groth16System, it: Wrapped, folder: Path) -> None:
    """Nothing that a network could say instead verifies."""
    bundled = ProgramFiles(replace(it.files.program, wraps=()), it.files.paths)

    def verify(statement: Any, result: Any, proof: bytes) -> list[str]:
        one = replace(it.one, output=JobOutput(proof=proof, public={}))
        return system.verify_whole(bundled, statement, result, [one], workdir=folder / "verify")

    proof, outputs = it.one.output.proof, list(it.result["outputs"])  # type: ignore[arg-type]
    assert "one proof verifies" in verify(it.statement, it.result, proof)[0]
    for at in (0, 40, 100, 130, 191):
        with pytest.raises(BadProof):
            verify(it.statement, it.result, proof[:at] + bytes([proof[at] ^ 1]) + proof[at + 1 :])
    shown: Any = it.statement["inputs"]
    for statement, result in (
        ({**it.statement, "inputs": [["7"], *shown[1:]]}, it.result),
        (it.statement, {**it.result, "outputs": [["7"], *outputs[1:]]}),
        ({**it.statement, "inputs": shown * 3}, {**it.result, "outputs": outputs * 3}),
    ):
        with pytest.raises((BadProof, BadBundle)):
            verify(statement, result, proof)
