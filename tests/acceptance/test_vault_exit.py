"""Money in a vault: paid in, earned, claimed; then the network is deleted, and everybody gets what it owed."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncpg
import pytest
from typer.testing import CliRunner, Result

from proofgrid.chain.devnet.anvil import running
from proofgrid.chain.devnet.downloads import NotFetched
from proofgrid.chain.devnet.network import LEDGER_UNIT, ChainNetwork, Terms, deploy_network
from proofgrid.cli.main import whole_command_line
from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.ids import Address
from proofgrid.primitives.signatures import SigningKey
from proofgrid.rules.ledger.vault_batches import parse_batch
from proofgrid.sdk.client import Client
from proofgrid.sdk.keys import write_key
from tests.acceptance.tasks import register_toy
from tests.acceptance.test_staked_network import start_anchor
from tests.anchor.life import FINAL_AFTER
from tests.networks import Network

SECONDS = 400.0
SILENCE = 200  #: blocks
PAYS_GAS = 9  #: among the people of the chain; anybody may for everybody
PAID_IN = 5_000_000_000


async def test_everybody_gets_what_the_last_batch_owes_them(
    tmp_path: Path, database_dsn: str, toy_system_on_path: Path, srs_file: Path
) -> None:
    network = Network(tmp_path, database_dsn, {"SRS_FILE": str(srs_file)})
    try:
        async with running(tmp_path / "anvil.log") as anvil:
            await network.start_gateway()
            await network.let_in()
            await played(
                network,
                await deploy_network(anvil, str(network.keys["alice"].address), terms=Terms(vault_silence=SILENCE)),
                tmp_path,
            )
    except (InvalidField, NotFetched) as error:
        if "anvil" in str(error) or isinstance(error, NotFetched):
            pytest.skip(f"no local chain here: {error}")
        raise
    finally:
        await network.stop()


async def played(network: Network, chain: ChainNetwork, folder: Path) -> None:
    client_address, alice = network.keys["client"].address, network.keys["alice"].address
    held = (await network.check_ledger()).held
    await chain.owner.call(chain.staked.token, "mint", chain.vault.address, held * LEDGER_UNIT)
    await chain.chain.mine(FINAL_AFTER + 1)  # what is brought by hand is there when it is final
    await pay_in(chain, client_address, PAID_IN)
    slasher, gas = folder / "slasher.json", folder / "gas.json"
    write_key(SigningKey(bytes(chain.slasher.account.key)), slasher)
    write_key(SigningKey(bytes(chain.chain.person(PAYS_GAS).account.key)), gas)
    settings = {"RPC": chain.chain.url, "AVS": chain.service.avs, "VAULT": str(chain.vault.address)}
    await start_anchor(
        network,
        SLASHER_KEY=str(slasher),
        BATCH_SECONDS="0",
        BATCH_FOLDER=str(folder / "batches"),
        LEASE_BLOCKS="1",
        **settings,
    )
    await network.start_prover("one", "alice", ask=500)

    async with network.client() as client, network.client("alice") as operator:
        before = (await client.account()).balance
        await until(chain, lambda: _credited(client, before + PAID_IN))
        program = await register_toy(client, folder, slices=1)
        task = await client.submit(program.digest, ["a text"], limit_price=2_000)
        assert (await client.wait(task.task_id)).state == "done"
        earned = (await operator.account()).earned
        payout = earned // 2
        await operator.vaults.request_payout(payout, earned=True, payout_id="first")
        await operator.vaults.request_payout(payout, earned=True, payout_id="first")
        await until(chain, lambda: _claimable(operator, payout))
        proof = await operator.vaults.proof()
        stored = await client.vaults.batch(number=proof.number)
        left = (await client.account()).balance
    batch = parse_batch(stored.file)
    assert batch.payouts == {alice: payout * LEDGER_UNIT}
    assert proof.proof == tuple(batch.paid.proof(alice))
    await _deleted(network)
    await pay_in(chain, chain.chain.person(PAYS_GAS).address, 7_000)
    await chain.chain.mine(chain.terms.vault_silence + 2)
    # What was posted last may be a later batch; the anchor has written its file before.
    files = sorted((folder / "batches").iterdir(), key=lambda path: int(path.stem))
    posted = await chain.vault.functions.batches().call()
    file = files[posted - 1]
    batch = parse_batch(file.read_text())

    chain_flags = ["--rpc", chain.chain.url, "--vault", str(chain.vault.address), "--chain-key", str(gas)]
    for whose in (client_address, alice, chain.chain.person(PAYS_GAS).address):
        out = await typed("vault", "exit", whose, "--file", str(file), "--yes", *chain_flags)
        assert out.exit_code == 0, out.output
    assert await tokens(chain, client_address) == left * LEDGER_UNIT == batch.balances[client_address]
    assert await tokens(chain, alice) == earned * LEDGER_UNIT
    assert await tokens(chain, chain.chain.person(PAYS_GAS).address) == 7_000 * LEDGER_UNIT
    said = json.loads((await typed("vault", "proof", alice, "--file", str(file), "--json")).stdout)
    assert int(said["balance"]) == (earned - payout) * LEDGER_UNIT


async def _deleted(network: Network) -> None:
    await network.stop()
    shutil.rmtree(network.root / "gateway")
    connection = await asyncpg.connect(network.dsn)
    await connection.execute("DROP SCHEMA public CASCADE")
    await connection.close()


async def pay_in(chain: ChainNetwork, account: str, amount: int) -> None:
    """Pay so many units of the ledger into the vault for an account."""
    person, units = chain.chain.person(PAYS_GAS), amount * LEDGER_UNIT
    await person.call(chain.staked.token, "mint", person.address, units)
    await person.call(chain.staked.token, "approve", chain.vault.address, units)
    await person.call(chain.vault, "deposit", account, units)


async def until(chain: ChainNetwork, holds: Callable[[], Awaitable[bool]]) -> None:
    """Let blocks come until something holds."""
    async with asyncio.timeout(SECONDS):
        while not await holds():
            await chain.chain.mine()
            await asyncio.sleep(0.5)


async def _credited(client: Client, balance: int) -> bool:
    return (await client.account()).balance == balance


async def _claimable(operator: Client, amount: int) -> bool:
    try:
        return int((await operator.vaults.proof()).cumulative) == amount * LEDGER_UNIT
    except InvalidField:
        return False


async def tokens(chain: ChainNetwork, account: str) -> int:
    return int(await chain.staked.token.functions.balanceOf(Address(account)).call())


async def typed(*words: str) -> Result:
    return await asyncio.to_thread(CliRunner().invoke, whole_command_line(), list(words))
