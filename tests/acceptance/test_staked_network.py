"""A network whose operators stake on EigenLayer: its rounds, a prover that is lost, and what the chain takes for it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from proofgrid.chain.devnet.anvil import running
from proofgrid.chain.devnet.downloads import NotFetched
from proofgrid.chain.devnet.network import TOKEN, ChainNetwork, deploy_network
from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.signatures import SigningKey
from proofgrid.sdk.client import Client
from proofgrid.sdk.keys import write_key
from tests.acceptance.tasks import check_paid_once, register_toy
from tests.anchor.life import TAKEN, join
from tests.networks import Network, Process

SECONDS = 60.0


@pytest.mark.parametrize("network", [{"STAKE_PERMILLE": "500", "HEARTBEAT_MS": "300"}], indirect=True)
async def test_who_has_staked_is_sold_to_and_who_is_lost_is_slashed_there(network: Network, tmp_path: Path) -> None:
    try:
        async with running(tmp_path / "anvil.log") as anvil:
            await played(network, await deploy_network(anvil, str(network.keys["alice"].address)), tmp_path)
    except (InvalidField, NotFetched) as error:
        if "anvil" in str(error) or isinstance(error, NotFetched):
            pytest.skip(f"no local chain here: {error}")
        raise


async def played(network: Network, chain: ChainNetwork, folder: Path) -> None:
    alice, bob = network.keys["alice"], network.keys["bob"]
    for number, hot in ((2, alice), (3, bob)):
        await join(chain, number, hot)
    await chain.chain.mine(5)
    slasher = folder / "slasher.json"
    write_key(SigningKey(bytes(chain.slasher.account.key)), slasher)
    settings = {"RPC": chain.chain.url, "AVS": chain.service.avs, "STAKE_MODE": "eigenlayer", "LEASE_BLOCKS": "1"}
    anchor = await start_anchor(network, SLASHER_KEY=str(slasher), **settings)

    doomed = await network.start_prover("doomed", "alice", ask=500)
    async with network.client() as client, network.client("alice") as me:
        await seen(me, staked=100 * TOKEN // 10**9)
        program = await register_toy(client, folder, slices=1)
        hold = network.hold("doomed", "alice")
        task = await client.submit(program.digest, ["a text"], limit_price=2_000)
        await hold.until_held()
        doomed.kill()
        await doomed.process.wait()
        hold.let_go()
        await network.start_prover("other", "bob", ask=700)
        assert (await client.wait(task.task_id)).state == "done"

        anchor.kill()
        await anchor.process.wait()
        await start_anchor(network, SLASHER_KEY=str(slasher), **settings)
        async with asyncio.timeout(SECONDS):
            while [debt.state for debt in (await me.bonds.show()).debts] != ["final"]:
                await chain.chain.mine()
                await asyncio.sleep(0.1)
        [debt] = (await me.bonds.show()).debts
    [slash] = [await chain.avs.functions.slashOf(0).call()]
    assert (slash[0], slash[1]) == (str(chain.chain.person(2).address), TAKEN)
    assert slash[4] == slash[3] == debt.amount * 10**9 == debt.taken * 10**9
    await check_paid_once(network)


async def start_anchor(network: Network, **settings: str) -> Process:
    """Start what holds the network to a chain; returns when it has said so."""
    anchor = await network._start("anchor", ["anchor", "--json"], {"DSN": network.dsn, "POLL_MS": "100", **settings})
    await network._first_line(anchor)
    return anchor


async def seen(client: Client, *, staked: int) -> None:
    """Wait until the anchor has told what the stake stands for."""
    async with asyncio.timeout(SECONDS):
        while (await client.bonds.show()).staked != staked:  # noqa: ASYNC110 - another process's database row
            await asyncio.sleep(0.1)
