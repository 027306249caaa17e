"""A real proof, made by a network and brought to a contract that verifies it: from the request to the receipt."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from eth_hash.auto import keccak

from proofgrid.chain.devnet.anvil import running
from proofgrid.chain.devnet.downloads import NotFetched
from proofgrid.chain.devnet.network import ChainNetwork, deploy_network
from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.signatures import SigningKey
from proofgrid.proofs.bundles.contracts import contracts_in
from proofgrid.proofs.kit.contract_calls import selector_of
from proofgrid.proofs.offers import Contract
from proofgrid.proofs.systems.ezkl.proving.contract_of_slices import SLICES_FUNCTION
from proofgrid.proofs.systems.groth16.adapter import Groth16System
from proofgrid.rules.chain.delivering import DeliveryTerms, NotDelivered
from proofgrid.sdk.answers.deliveries import ProofDelivery
from proofgrid.sdk.client import Client
from proofgrid.sdk.keys import write_key
from tests.acceptance.tasks import check_paid_once
from tests.acceptance.test_staked_network import start_anchor
from tests.anchor.test_delivering import LIMIT_AT
from tests.chain.deploying import deploying
from tests.cli.commands import proofgrid
from tests.makers import a_key
from tests.networks import Network
from tests.proofs.evm.running import compiled
from tests.proofs.systems.ezkl.models import save
from tests.proofs.systems.ezkl.test_visibility import FITTING, INPUTS, a_joining_model
from tests.proofs.systems.groth16.circom import engine_or_skip, files_of, with_keys

PRICE = 7_000
GAS_MOST = 4_000_000  #: of two requests of a model in two slices, four proofs of EZKL
SECONDS = 120.0


async def test_a_contract_verifies_what_the_network_proved(network: Network, tmp_path: Path) -> None:
    engine_or_skip()
    try:
        async with running(tmp_path / "anvil.log") as anvil:
            await played(network, await deploy_network(anvil, str(network.keys["alice"].address)), tmp_path)
    except (InvalidField, NotFetched) as error:
        if "anvil" in str(error) or isinstance(error, NotFetched):
            pytest.skip(f"no local chain here: {error}")
        raise


async def played(network: Network, chain: ChainNetwork, folder: Path) -> None:
    door = str(chain.verifiers.address)
    submitter = await start_bringing(network, chain, folder, door)
    await network.start_prover("circuits", "alice", ask=500, PROOF_SYSTEMS="groth16")
    async with network.client() as client:
        terms = await told(client)
        assert terms == DeliveryTerms(31_337, submitter, (door,), PRICE, GAS_MOST)
        with pytest.raises(NotDelivered):
            await client.deliveries.check(f"chain:{a_key(4).address}")
        source = await asyncio.to_thread(with_keys, files_of("product"), folder / "keys")
        program = await client.register_program(source.files, proof_system="groth16")
        await teach(chain, program.digest, source.files, folder)

        # Whoever brings the proof is a public input of it.
        value = {"a": [2, 3, 5], "b": 7, "limit": str(int(terms.submitter, 16))}
        task = await client.submit(program.digest, [value], limit_price=2_000)
        wanted = await client.deliveries.deliver(task.task_id, f"chain:{door}")
        assert (wanted.contract, wanted.price) == (door, 0)
        receipt = await brought(client, chain, task.task_id)
        assert (receipt.state, receipt.price) == ("delivered", PRICE), receipt.detail
        [event] = [event async for event in client.watch(task.task_id) if event.kind == "delivered"]
        assert (event.data["transaction"], event.data["gas"]) == (receipt.transaction, receipt.gas)
        [log] = await chain.verifiers.events.Delivered().get_logs(from_block=receipt.block)
        assert bytes(log["args"]["task"])[16:].hex() == task.task_id.replace("-", "")
        assert bytes(log["args"]["program"]).hex() == program.digest
        assert log["args"]["submitter"] == submitter
        await typed(network, task.task_id, receipt.transaction, folder)
        other = await client.submit(program.digest, [value, value], limit_price=2_000)
        with pytest.raises(NotDelivered, match="one proof"):
            await client.deliveries.deliver(other.task_id, f"chain:{door}")
        await client.wait(other.task_id)
        await a_model_is_brought(network, chain, client, door, folder)
    await check_paid_once(network)


async def a_model_is_brought(network: Network, chain: ChainNetwork, client: Client, door: str, folder: Path) -> None:
    """The same of EZKL, of a model in two slices and two inputs: four proofs, which one contract holds together.

    Contracts are made of the bundle, as anybody can who has it.
    """
    await network.start_prover("models", "bob", ask=500, PROOF_SYSTEMS="ezkl")
    settings = FITTING | {"slices": 2}
    program = await client.register_program({"model": save(a_joining_model(), folder / "model")}, settings=settings)
    task = await client.submit(program.digest, INPUTS, limit_price=2_000)
    await client.wait(task.task_id)
    await client.fetch_result(task.task_id, folder / "model.bundle")

    (workdir := folder / "contracts").mkdir()
    bundle = folder / "model.bundle"
    *of_slices, joint = await asyncio.to_thread(contracts_in, bundle, expect_program=program.digest, workdir=workdir)
    assert len(of_slices) == 2
    await taught(chain, program.digest, joint, SLICES_FUNCTION, answers=True, submitter_at=0, of_slices=of_slices)
    await client.deliveries.deliver(task.task_id, f"chain:{door}")
    receipt = await brought(client, chain, task.task_id)
    assert (receipt.state, receipt.price) == ("delivered", PRICE), receipt.detail
    [log] = await chain.verifiers.events.Delivered().get_logs(from_block=receipt.block)
    assert bytes(log["args"]["program"]).hex() == program.digest
    assert bytes(log["args"]["task"])[16:].hex() == task.task_id.replace("-", "")
    shown = await asyncio.to_thread(proofgrid, "program", "calldata", str(bundle), "--json", home=folder)
    calls = json.loads(shown.stdout)
    assert [(one["input"], one["slice"]) for one in calls] == [(0, 0), (0, 1), (1, 0), (1, 1), (None, None)]
    assert calls[-1]["function"] == SLICES_FUNCTION
    assert calls[-1]["arguments"] == [[one["calldata"] for one in calls[:-1]]]
    assert keccak(bytes.fromhex(calls[-1]["calldata"][2:])) == bytes(log["args"]["call"])  # what was brought


async def brought(client: Client, chain: ChainNetwork, task_id: str) -> ProofDelivery:
    """Let blocks pass until a task's proof was brought, or was not."""
    async with asyncio.timeout(SECONDS):
        waiting = asyncio.ensure_future(client.deliveries.wait(task_id))
        while not waiting.done():
            await chain.chain.mine()
            await asyncio.sleep(0.2)
    return waiting.result()


async def start_bringing(network: Network, chain: ChainNetwork, folder: Path, door: str) -> str:
    """Start an anchor that brings proofs to a contract; return who brings them."""
    slasher = folder / "slasher.json"
    write_key(SigningKey(bytes(chain.slasher.account.key)), slasher)
    settings = {"RPC": chain.chain.url, "AVS": chain.service.avs, "SLASHER_KEY": str(slasher), "LEASE_BLOCKS": "1"}
    settings |= {"STAKE_MODE": "ledger", "DELIVER_TO": door, "DELIVER_PRICE": str(PRICE), "DELIVER_GAS": str(GAS_MOST)}
    await start_anchor(network, **settings)
    return chain.slasher.address


async def told(client: Client) -> DeliveryTerms:
    """Wait until the anchor has said on which terms it brings proofs."""
    async with asyncio.timeout(SECONDS):
        while not (terms := await client.deliveries.terms()).contracts:  # noqa: ASYNC110 - another process's row
            await asyncio.sleep(0.1)
    return terms


async def teach(chain: ChainNetwork, program: str, source: Mapping[str, Path], folder: Path) -> None:
    """Deploy the program's contract, and let the door know it, and where it finds the submitter."""

    def made() -> Contract:
        system = Groth16System()
        (folder / "build").mkdir()
        files = system.build_program(source, {}, trust={}, workdir=folder / "build", report=lambda *_: None)
        assert files.program.digest == program
        (contract,) = system.contracts(files, workdir=folder / "contract")
        return contract

    contract = await asyncio.to_thread(made)
    await taught(chain, program, contract, "verifyProof(uint256[8],uint256[2])", answers=False, submitter_at=LIMIT_AT)


async def taught(
    chain: ChainNetwork,
    program: str,
    contract: Contract,
    function: str,
    *,
    answers: bool,
    submitter_at: int,
    of_slices: Sequence[Contract] = (),
) -> None:
    """Deploy a program's contract, and let the door know it; `submitter_at`: where in a call, 0: nowhere.

    `of_slices`: those that it holds together, which are deployed before it.
    """
    codes = [await asyncio.to_thread(compiled, one) for one in (*of_slices, contract)]
    *_, verifier = [one async for one in deploying(chain.owner, codes)]
    named = (verifier.address, selector_of(function), answers, submitter_at)
    await chain.owner.call(chain.verifiers, "add", bytes.fromhex(program), named)


async def typed(network: Network, task_id: str, transaction: str, folder: Path) -> None:
    """What somebody at a terminal sees of it."""
    key = folder / "typing.key"
    write_key(network.keys["client"], key)
    where = ["--gateway", network.address, "--key", str(key), "--json"]
    shown = await asyncio.to_thread(proofgrid, "deliver", task_id, *where, home=folder)
    assert json.loads(shown.stdout)["transaction"] == transaction, shown.stderr
