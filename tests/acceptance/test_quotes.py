"""A quote beside a sale: the price now is what the next rounds take, and nothing is left behind."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from proofgrid.primitives.errors import InvalidInput, UnknownProgram, UnknownSubnetwork
from proofgrid.rules.jobs.constraints import Constraints
from tests.acceptance.tasks import database_of, register_toy, wait_for
from tests.cli.commands import proofgrid
from tests.networks import Network


async def test_a_quote_names_the_price_that_the_task_then_pays(network: Network, tmp_path: Path) -> None:
    for number, operator in enumerate(["alice", "alice", "bob"]):
        await network.start_prover(f"p{number}", operator, ask=700 + 100 * number)
    async with network.client() as client:
        program = await register_toy(client, tmp_path, slices=1)
        quote = await client.quote(program.digest, ["x"])
        async with database_of(network) as connection:
            stored = await connection.fetchval("SELECT count(*) FROM tasks")
        # Any limit above the quoted price pays the same.
        task = await client.submit(program.digest, ["x"], limit_price=3 * quote.price_now)
        task = await client.wait(task.task_id)

        # Who names no limit gets one from the market; sent again it is the same task, whatever the market says then.
        suggested, again = [await client.submit(program.digest, ["y"], idempotency_key="key") for _ in range(2)]
        accepted = await wait_for(client, suggested.task_id, "accepted")
        ended = await client.wait(suggested.task_id)

    assert stored == 0
    assert (again.task_id, again.limit_price) == (suggested.task_id, suggested.limit_price)
    assert suggested.limit_price == -(-accepted.data["estimate"] * 12 // 10)
    assert "you named none" in accepted.sentence()
    assert ended.state == "done"
    [lane] = quote.lanes
    assert (lane.lane, lane.jobs, lane.provers, lane.free_slots) == ("default/toy@1.0/small", 1, 3, 3)
    assert quote.units == task.units
    assert quote.price_now * quote.units == quote.cost_now == task.spent
    assert quote.prices[50] <= quote.prices[90] <= quote.prices[99]


async def test_without_provers_nobody_sells_and_bad_requests_are_refused_as_in_submit(
    network: Network, tmp_path: Path
) -> None:
    async with network.client() as client:
        program = await register_toy(client, tmp_path, slices=1)
        quote = await client.quote(program.digest, ["x"])
        with pytest.raises(UnknownProgram):
            await client.quote("ab" * 32, ["x"])
        with pytest.raises(InvalidInput):
            await client.quote(program.digest, [7])
    assert (quote.price_now, quote.cost_now, quote.lanes[0].provers) == (0, 0, 0)

    shown = await asyncio.to_thread(
        lambda: proofgrid(
            "quote",
            program.digest,
            "--input",
            '"x"',
            home=tmp_path,
            PROOFGRID_GATEWAY=network.address,
            PROOFGRID_KEY=str(network.root / "client.key"),
        )
    )
    assert shown.returncode == 0, shown.stderr
    assert "nobody" in shown.stdout


async def test_a_quote_for_chosen_provers_is_the_price_of_their_lane(network: Network, tmp_path: Path) -> None:
    for name, operator, region, ask in (("far", "alice", "us", 600), ("near", "bob", "eu", 900)):
        await network.start_prover(name, operator, ask=ask, REGION=region)
    there, nowhere = Constraints(regions=frozenset({"eu"})), Constraints(regions=frozenset({"mars"}))
    async with network.client() as client:
        program = await register_toy(client, tmp_path, slices=1)
        anywhere = await client.quote(program.digest, ["x"])
        quote = await client.quote(program.digest, ["x"], constraints=there)
        lost = await client.quote(program.digest, ["x"], constraints=nowhere)
        with pytest.raises(UnknownSubnetwork):
            await client.quote(program.digest, ["x"], subnetwork="no-such")
        task = await client.submit(program.digest, ["x"], limit_price=3 * quote.price_now, constraints=there)
        task = await client.wait(task.task_id)

    assert quote.lanes[0].lane == f"default/toy@1.0/small/{there.name}"
    assert (anywhere.lanes[0].provers, quote.lanes[0].provers, lost.lanes[0].provers) == (2, 1, 0)
    assert (lost.price_now, lost.firm) == (0, None)
    assert quote.cost_now == task.spent
