"""Canaries reach new provers as jobs like any other, the treasury pays them, and new provers earn their slots."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from proofgrid.primitives.errors import InsufficientFunds, NotAllowed
from proofgrid.rules.ledger.accounts import NETWORK_CLIENT
from proofgrid.sdk.answers.administration import Canary
from proofgrid.wire.v1 import prover_pb2 as messages
from tests.acceptance.scenarios.scripted import ScriptedProver, prove
from tests.acceptance.tasks import check_paid_once, database_of, register_toy
from tests.networks import WAIT_SECONDS, Network


async def restart_gateway(network: Network, **settings: str) -> None:
    network.settings.update(settings)
    assert network.gateway is not None
    await network.gateway.stop()
    await network.start_gateway()


async def add_canary(network: Network, program: str, text: str) -> Canary:
    """Register a canary, and wait until it was proven for the first time."""
    async with network.administrator() as client:
        await client.admin.add_canary(program, [text], limit_price=2_000)
        async with asyncio.timeout(WAIT_SECONDS):
            while True:
                canary = (await client.admin.canaries()).canaries[0]
                if canary.state == "done":
                    return canary
                await asyncio.sleep(0.1)


async def fund(network: Network, amount: int = 10**9) -> None:
    async with network.administrator() as client:
        await client.admin.fund_treasury(amount, deposit_id="test")


async def test_an_empty_treasury_pays_no_canary_and_clients_may_not_register_any(
    network: Network, tmp_path: Path
) -> None:
    async with network.client() as client:
        program = await register_toy(client, tmp_path, slices=1)
        with pytest.raises(NotAllowed):
            await client.admin.add_canary(program.digest, ["x"], limit_price=2_000)
    async with network.administrator() as admin:
        with pytest.raises(NotAllowed, match="private"):
            await admin.admin.add_canary(program.digest, ["x"], limit_price=2_000)
    async with network.client() as client:
        await client.ownership.share(program.digest, [network.admin_key.address])
    async with network.administrator() as client:
        with pytest.raises(InsufficientFunds, match="treasury cannot pay"):
            await client.admin.add_canary(program.digest, ["x"], limit_price=2_000)


async def test_a_canary_reaches_a_new_prover_looks_like_any_job_and_is_paid_by_the_treasury(
    network: Network, tmp_path: Path
) -> None:
    await restart_gateway(network, CANARY_NEW_PROVER="true")
    await fund(network)
    known = await network.start_prover("known", "alice", ask=500)
    async with network.client() as client:
        program = await register_toy(client, tmp_path, slices=1)
        await client.ownership.share(program.digest, [network.admin_key.address])
        canary = await add_canary(network, program.digest, "canary")
        await known.stop()

        async with ScriptedProver(network, "new", "bob", ask=500, slots=4) as new:
            first = await new.take_lease()
            await new.say(result=prove(first, "canary"))
            assert (await new.verdict()).accepted
            new.let_go(first)
            task = await client.submit(program.digest, ["a client's"], limit_price=1_500)
            leases = [await new.take_lease(), await new.take_lease()]  # two slots after one verified job
            real = None
            for lease in leases:
                text = "canary" if lease.small_input == first.small_input else "a client's"
                await new.say(result=prove(lease, text))
                assert (await new.verdict()).accepted
                new.let_go(lease)
                if text == "a client's":
                    real = lease
                elif real is None and lease is leases[-1]:  # a canary more came before it
                    leases.append(await new.take_lease())
            assert (await client.wait(task.task_id)).state == "done"

    assert real is not None
    assert shape(first) == shape(real)
    async with database_of(network) as connection:
        sent = await connection.fetch(
            "SELECT task_id, state FROM tasks WHERE client = $2 AND task_id::text <> $1",
            canary.first_task,
            NETWORK_CLIENT,
        )
        paid = await connection.fetch(
            """SELECT DISTINCT x.reason, x.debit = 'treasury' AS from_treasury
            FROM transfers x JOIN tasks t USING (task_id)
            WHERE t.client = $1 AND (x.debit = 'treasury' OR x.credit LIKE 'operator:%')""",
            NETWORK_CLIENT,
        )
    assert len(sent) >= 2
    assert {tuple(row) for row in paid} == {("canary", True), ("proof", False)}
    await check_paid_once(network)


def shape(lease: messages.Lease) -> list[tuple[str, str, int]]:
    """Everything about a lease but its ids and its input: which fields are there, and how long texts are."""
    sizes = {field.name: value for field, value in lease.ListFields()}
    return [
        (name, type(value).__name__, len(value) if isinstance(value, str | bytes) else 0)
        for name, value in sizes.items()
    ]


async def test_a_new_prover_earns_its_slots_with_canaries_alone(network: Network, tmp_path: Path) -> None:
    await restart_gateway(network, CANARY_NEW_PROVER="true")
    await fund(network)
    await network.start_prover("p", "alice", ask=500)
    async with network.client() as client:
        program = await register_toy(client, tmp_path, slices=1)
        await client.ownership.share(program.digest, [network.admin_key.address])
        await add_canary(network, program.digest, "canary")
    await network.until(lambda status: status.provers[0].jobs_proven >= 3)
    await check_paid_once(network)
