"""A batch that a network proves, wraps into one proof on BN254, and brings to a contract: one call for all of it.

Keys of such wraps take ten minutes of processor time a proof, so this runs when it is asked for: `make test-wraps`.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from proofgrid.chain.devnet.anvil import running
from proofgrid.chain.devnet.network import ChainNetwork, deploy_network
from proofgrid.proofs.bundles.contracts import contracts_in
from proofgrid.proofs.systems.groth16.adapter import Groth16System
from tests.acceptance.tasks import check_paid_once, fetch_and_verify
from tests.acceptance.test_delivered_proof import PRICE, brought, start_bringing, taught, told
from tests.networks import Network
from tests.proofs.systems.groth16.wraps_on_bn254 import PARTS, SETTINGS, a_source, asked_for

SECONDS_PER_PART = 3_600  #: a setup, on a machine that others use
FUNCTION = f"verifyProofs(uint256[8],uint256[2],uint256[2],uint256[{2 * PARTS}])"
LIMIT_AT = 4 + 12 * 32 + 32  #: where the first limit stands in the call: behind the proof, and the first product


@pytest.mark.skipif(
    not PARTS, reason="keys of wraps on BN254 take ten minutes of processor time a proof: make test-wraps"
)
@pytest.mark.timeout(SECONDS_PER_PART * (PARTS + 1))
@pytest.mark.parametrize("network", [{"UPLOAD_BYTES": str(2 << 30), "STORED_BYTES": str(8 << 30)}], indirect=True)
async def test_one_call_verifies_what_the_network_proved_many_times(network: Network, tmp_path: Path) -> None:
    asked_for()
    source = await asyncio.to_thread(a_source, Groth16System(), tmp_path)
    async with running(tmp_path / "anvil.log") as anvil:
        await played(network, await deploy_network(anvil, str(network.keys["alice"].address)), source, tmp_path)


async def played(network: Network, chain: ChainNetwork, source: dict[str, Path], folder: Path) -> None:
    door = str(chain.verifiers.address)
    submitter = await start_bringing(network, chain, folder, door)
    for number, operator in enumerate(["alice", "bob"]):
        await network.start_prover(f"p{number}", operator, ask=500 + number, MEMORY_BYTES=str(1 << 40))
    async with network.client() as client:
        await told(client)
        program = await client.register_program(source, proof_system="groth16", settings=SETTINGS)
        limit = str(int(submitter, 16))
        inputs = [{"a": [number, 2, 3], "b": 5, "limit": limit} for number in range(1, PARTS + 1)]
        task = await client.submit(program.digest, inputs, limit_price=2_000, aggregate=True)
        done = await client.wait(task.task_id)
        report = await fetch_and_verify(client, network, done, folder)
        assert report.manifest.wrapped is not None
        bundle = folder / f"{task.task_id}.bundle"
        (workdir := folder / "contract").mkdir()
        *_, contract = await asyncio.to_thread(contracts_in, bundle, expect_program=program.digest, workdir=workdir)
        await taught(chain, program.digest, contract, FUNCTION, answers=False, submitter_at=LIMIT_AT)
        await client.deliveries.deliver(task.task_id, f"chain:{door}")
        receipt = await brought(client, chain, task.task_id)
        assert (receipt.state, receipt.price) == ("delivered", PRICE), receipt.detail
        sys.stderr.write(f"gas: {receipt.gas} for {PARTS} proofs in one\n")
        [log] = await chain.verifiers.events.Delivered().get_logs(from_block=receipt.block)
        assert bytes(log["args"]["task"])[16:].hex() == task.task_id.replace("-", "")
        assert (bytes(log["args"]["program"]).hex(), log["args"]["submitter"]) == (program.digest, submitter)
    await check_paid_once(network)
