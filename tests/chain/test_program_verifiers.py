"""Real proofs, verified on a chain by their programs' own contracts behind one door; altered ones revert."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from proofgrid.chain.accounts import TransactionReverted
from proofgrid.chain.devnet.network import ChainNetwork
from proofgrid.primitives.canonical import Json
from proofgrid.proofs.base import PartialProof
from proofgrid.proofs.kit.rehearsal import build
from proofgrid.proofs.offers import Contract
from proofgrid.proofs.systems.ezkl.adapter import EzklProofSystem
from proofgrid.proofs.systems.groth16.adapter import Groth16System
from proofgrid.proofs.systems.noir.adapter import NoirSystem
from tests.proofs.evm.running import compiled
from tests.proofs.systems.groth16 import circom
from tests.proofs.systems.groth16.test_groth16 import built as built_circom
from tests.proofs.systems.noir import programs

pytestmark = pytest.mark.asyncio(loop_scope="session")
PROGRAM, TASK = bytes(31) + b"\x02", bytes(31) + b"\x03"
INPUT: dict[str, Json] = {"a": [2, 3, 5], "b": 7, "limit": 9}


def groth16(workdir: Path) -> tuple[Contract, str]:
    """Return a circuit's contract and the call that its proof is verified by."""
    circom.engine_or_skip()
    return _proven(Groth16System(), built_circom("product", workdir), INPUT, workdir)


def noir(workdir: Path) -> tuple[Contract, str]:
    """As groth16, of a Noir program."""
    programs.engine_or_skip()
    return _proven(NoirSystem(), programs.built("product", workdir), INPUT | {"unused": 1}, workdir)


def ezkl(workdir: Path) -> tuple[Contract, str]:
    """As groth16, of a model of two numbers."""
    system = EzklProofSystem()
    samples = system.samples(workdir)
    files = build(system, samples.source, samples.trust, workdir=workdir / "build")
    return _proven(system, files, samples.inputs[0], workdir)


def _proven(system: Any, files: Any, value: Json, workdir: Path) -> tuple[Contract, str]:
    request = system.normalise(files, [value], workdir=workdir / "normalise")
    held = programs.of_a_slice(files, workdir / "files") if isinstance(system, NoirSystem) else files
    output = system.run_job(
        held, 0, request.jobs[0].input, cache=workdir / "cache", workdir=workdir / "job", report=programs.unheard
    )
    part = PartialProof(slice_index=0, input_index=0, output=output)
    (contract,) = system.contracts(files, workdir=workdir / "contract")
    (call,) = system.contract_calls(files, request.statement, [part], workdir=workdir / "contract")
    return contract, call.calldata


@pytest.mark.parametrize(
    ("proven", "answers"), [(groth16, False), pytest.param(noir, True, marks=pytest.mark.thorough), (ezkl, True)]
)
async def test_a_proof_is_delivered_and_altered_ones_revert(
    network: ChainNetwork, tmp_path: Path, proven: Any, answers: bool
) -> None:
    contract, call = proven(tmp_path)
    owner, client = network.owner, network.chain.person(9)
    verifier = await owner.deploy([], compiled(contract))
    right = bytes.fromhex(call[2:])

    async def refused(by: int, name: str, *arguments: object) -> str:
        with pytest.raises(TransactionReverted) as caught:
            await network.chain.person(by).call(network.verifiers, name, *arguments)
        return caught.value.reason

    named = (verifier.address, right[:4], answers, 0)
    assert await refused(9, "add", PROGRAM, named) == "OwnableUnauthorizedAccount"
    assert await refused(0, "add", PROGRAM, (client.address, right[:4], answers, 0)) == "NoContract"
    assert await refused(9, "deliver", TASK, PROGRAM, right) == "UnknownProgram"
    await owner.call(network.verifiers, "add", PROGRAM, named)
    assert await refused(0, "add", PROGRAM, named) == "AlreadyThere"
    receipt = await client.call(network.verifiers, "deliver", TASK, PROGRAM, right)
    (told,) = network.verifiers.events.Delivered().process_receipt(receipt)
    assert (told["args"]["task"], told["args"]["submitter"]) == (TASK, client.address)
    for at in (len(right) - 1, len(right) // 2, 40):
        altered = right[:at] + bytes([right[at] ^ 1]) + right[at + 1 :]
        assert await refused(9, "deliver", TASK, PROGRAM, altered) == "ProofRefused", at
    assert await refused(9, "deliver", TASK, PROGRAM, b"\0" * 4 + right[4:]) == "OtherFunction"
    assert await refused(9, "deliver", TASK, PROGRAM, b"") == "OtherFunction"
