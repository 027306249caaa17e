"""The contract of a circuit, in an EVM: a proof of the network is taken, forged ones are not."""

from __future__ import annotations

from pathlib import Path

from proofgrid.proofs.kit.contract_calls import call_of
from proofgrid.proofs.kit.rehearsal import rehearse
from proofgrid.proofs.offers import WritesContract
from proofgrid.proofs.systems.plonk.adapter import PlonkSystem
from tests.proofs.evm.placing import placed
from tests.proofs.evm.running import answers_of
from tests.proofs.systems.groth16.test_groth16_contracts import INPUTS
from tests.proofs.systems.plonk.circuits import built

TRUE = "0x" + (1).to_bytes(32).hex()


def test_the_contract_takes_proofs_of_the_network_and_no_forged_ones(tmp_path: Path) -> None:
    system, files = PlonkSystem(), built("product", tmp_path)
    done = rehearse(system, files, INPUTS, cache=tmp_path / "cache", workdir=tmp_path / "jobs")
    assert isinstance(system, WritesContract)
    (contract,) = system.contracts(files, workdir=tmp_path / "contract")
    calls = system.contract_calls(files, done.request.statement, done.parts, workdir=tmp_path / "contract")
    assert [call.function for call in calls] == ["Verify(bytes,uint256[])"] * 2
    assert calls[0].arguments[1] == ["210", "9"]

    first, second = (call.calldata for call in calls)
    whole = calls[0].arguments[0]
    assert isinstance(whole, str)
    proof = bytes.fromhex(whole[2:])
    function = calls[0].function
    forged = [
        call_of(function, proof, public).calldata
        for public in ([211, 9], [210, 8], [6, 4], [210, 9, 0], [210], [210 + (1 << 255), 9])
    ]
    forged += [
        call_of(function, wrong, [210, 9]).calldata
        for wrong in (
            bytes(len(proof)),
            proof[:-32],
            proof[64:128] + proof[:64] + proof[128:],
            proof[:-1] + bytes([proof[-1] ^ 1]),
            proof[: 12 * 32] + (int.from_bytes(proof[12 * 32 : 13 * 32]) + 1).to_bytes(32) + proof[13 * 32 :],
        )
    ]
    nothing = bytes(len(proof))
    forged.append(placed(calls[0], named=nothing, usual=proof))
    moved = placed(calls[0], named=proof, usual=nothing)
    answers = answers_of(contract, [first, second, moved, *forged])
    assert [one.returned for one in answers[:3]] == [TRUE, TRUE, TRUE]
    assert TRUE not in [one.returned for one in answers[3:]]
    assert answers[0].gas < 400_000, answers
