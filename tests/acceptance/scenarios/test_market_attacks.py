"""Who attacks the market gains nothing: honest tasks are done, honest provers sell, and the treasury does not pay.

The attackers of docs/decisions/0034 and 0039, each against a real gateway and two honest provers.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from proofgrid.primitives.ids import Address
from proofgrid.rules.jobs.constraints import Constraints
from proofgrid.sdk.answers.work import Task
from proofgrid.sdk.client import Client
from tests.acceptance.scenarios.checkers import check_no_process_left, check_promises
from tests.acceptance.scenarios.conftest import SETTINGS
from tests.acceptance.scenarios.scripted import ScriptedProver, lie_for_ever, prove
from tests.acceptance.tasks import database_of, register_toy
from tests.networks import Hold, Network, running_network

HONEST = {"alice": 500, "bob": 600}  #: operator -> what its prover asks
DEAR = 1_200  #: above all honest asks, below the clients' limit
LIMIT = 1_500
FLOOR = 250  #: of a lane whose reference price is the setting
SLOTS = 4  #: of each honest prover
CANARY_BUDGET = 200_000  #: an eighth of it is two jobs of ten PU at the reference price
NEWCOMER_SLOTS = 8


@pytest.fixture
async def network(
    tmp_path: Path, database_dsn: str, toy_system_on_path: Path, srs_file: Path
) -> AsyncIterator[Network]:
    """A gateway, and mallory, who is an operator and has a client as well."""
    settings = {
        **SETTINGS,
        "SRS_FILE": str(srs_file),
        "PICK_UP_MS": "2000",
        "PAUSE_FIRST_MS": "600000",  # who is paused stays it until the test is over
        "CANARY_NEW_PROVER": "true",
        "CANARY_BUDGET": str(CANARY_BUDGET),
        "LOG_LEVEL": "debug",
    }
    async with running_network(tmp_path, database_dsn, **settings) as network:
        for name, role in (("mallory", "operator"), ("mallory-client", "client")):
            network.add_key(name)
            await network.grant(name, role)
        await network.deposit("mallory-client", 10**9)
        yield network
        await check_promises(network)
    check_no_process_left(tmp_path)


async def start_honest(network: Network) -> None:
    """Both honest provers, as real processes."""
    await asyncio.gather(
        *(network.start_prover(f"of-{name}", name, ask=ask, SLOTS=str(SLOTS)) for name, ask in HONEST.items())
    )


async def honest_task(network: Network, client: Client, root: Path, *, jobs: int = 2 * SLOTS) -> Task:
    """Submit as many jobs as there are honest slots, or more; of many, alice's take until bob has sold one.

    The dearest ask that a round needs makes the price and sells nothing. So bob sells while alice's slots are taken,
    and never when she is always done before the next round: a busy gateway's rounds may be that far apart.
    """
    if jobs > 1:
        network.hold("of-alice", "alice")
    program = await register_toy(client, root, slices=1, behaviour="slow", sleep_ms=40)
    return await client.submit(program.digest, [f"honest {n}" for n in range(jobs)], limit_price=LIMIT, hedging=False)


@asynccontextmanager
async def junk(network: Network, root: Path, *demands: Constraints, **settings: Any) -> AsyncIterator[None]:
    """Tasks of mallory's client that it never means to buy, one for each of the demands, while the test goes on."""
    price, jobs = settings.pop("limit_price"), settings.pop("jobs", 1)
    async with network.client("mallory-client") as client:
        program = await register_toy(client, root, slices=1, **settings)
        texts = [f"junk {n}" for n in range(jobs)]
        tasks = [
            await client.submit(program.digest, texts, limit_price=price, constraints=demand) for demand in demands
        ]
        yield
        for task in tasks:
            assert (await client.cancel(task.task_id)).spent == 0


async def all_done(network: Network, client: Client, task: Task) -> None:
    """Wait until every job of it is proven, of many some by bob."""
    hold = Hold(network.keys_directory("of-alice", "alice") / "toy-hold-prove")
    async with asyncio.timeout(60):
        while hold.path.exists() and not await sold_to(network, "bob"):  # noqa: ASYNC110 - derived when asked
            await asyncio.sleep(0.05)
        hold.let_go()
        assert (await client.wait(task.task_id)).state == "done"


async def earned(network: Network) -> dict[str, int]:
    """What every operator has, in base units, by its name."""
    async with database_of(network) as connection:
        rows = await connection.fetch("SELECT account, balance FROM accounts WHERE account LIKE 'operator:%'")
    balances = {row["account"].partition(":")[2]: row["balance"] for row in rows}
    return {name: balances.get(network.keys[name].address, 0) for name in (*HONEST, "mallory")}


async def treasury_paid(network: Network) -> int:
    """What left the treasury for good, in base units: what came back of its own tasks does not count."""
    async with database_of(network) as connection:
        spent = """SELECT coalesce(sum(CASE WHEN debit = 'treasury' THEN amount ELSE -amount END), 0) FROM transfers
            WHERE debit = 'treasury' OR (credit = 'treasury' AND reason = 'canary_refund')"""
        return int(await connection.fetchval(spent))


async def sold_to(network: Network, operator: str) -> list[dict[str, Any]]:
    """Every lease of an operator's provers."""
    async with database_of(network) as connection:
        query = "SELECT prover_id, job_id, sell_price, state FROM leases WHERE operator = $1"
        return [dict(row) for row in await connection.fetch(query, network.keys[operator].address)]


async def check_honest_sold_and_mallory_did_not(network: Network) -> None:
    money = await earned(network)
    assert all(money[name] > 0 for name in HONEST), money
    assert not await sold_to(network, "mallory")
    assert money["mallory"] == 0
    assert await treasury_paid(network) == 0


def without(network: Network, *operators: str) -> Constraints:
    """A demand that these operators do not meet."""
    return Constraints(denied_operators=frozenset(Address(network.keys[name].address) for name in operators))


async def test_hopeless_bids_in_a_lane_of_rivals_take_nobody_out_of_the_market(
    network: Network, tmp_path: Path
) -> None:
    await start_honest(network)
    rivals = without(network, "mallory")
    async with (
        ScriptedProver(network, "dear", "mallory", ask=DEAR),
        junk(network, tmp_path, rivals, limit_price=1, jobs=50),
        network.client() as client,
    ):
        for _ in range(
            12
        ):  # one after the other: the first edition's reference sank round by round, for sixteen rounds
            await all_done(network, client, await honest_task(network, client, tmp_path, jobs=1))
        await all_done(network, client, await honest_task(network, client, tmp_path))
    await check_honest_sold_and_mallory_did_not(network)


async def test_a_junk_job_of_the_largest_size_leaves_small_jobs_to_all_provers(
    network: Network, tmp_path: Path
) -> None:
    await start_honest(network)
    async with (
        ScriptedProver(network, "dear", "mallory", ask=DEAR),
        junk(network, tmp_path, Constraints(), limit_price=FLOOR, units=60_000),
        network.client() as client,
    ):
        await all_done(network, client, await honest_task(network, client, tmp_path))
    async with database_of(network) as connection:
        sizes = await connection.fetchrow("SELECT min(units), max(units), count(DISTINCT lane) FROM jobs")
    assert tuple(sizes) == (10, 60_000, 1)
    await check_honest_sold_and_mallory_did_not(network)


async def test_junk_that_excludes_rivals_one_by_one_draws_few_of_them_away(network: Network, tmp_path: Path) -> None:
    await start_honest(network)
    demands = [without(network, "mallory"), *(without(network, "mallory", name) for name in HONEST)]
    async with (
        ScriptedProver(network, "dear", "mallory", ask=DEAR, slots=1) as dear,
        junk(network, tmp_path, *demands, limit_price=FLOOR, units=1, jobs=20),
        network.client() as client,
    ):
        selling = asyncio.ensure_future(work(dear))
        await all_done(network, client, await honest_task(network, client, tmp_path, jobs=4 * SLOTS))
        selling.cancel()
    money = await earned(network)
    assert all(money[name] > 0 for name in HONEST), money
    # The lot may leave it a job of a round; most of them go to whoever asks less.
    assert money["mallory"] < money["alice"] + money["bob"]
    assert await treasury_paid(network) == 0


async def work(prover: ScriptedProver) -> None:
    """Prove one job after another, at once."""
    while True:
        lease = await prover.take_lease()
        await prover.say(result=prove(lease))
        await prover.verdict()
        prover.let_go(lease)


async def test_slots_that_no_job_may_use_do_not_sink_the_price(network: Network, tmp_path: Path) -> None:
    await start_honest(network)
    async with (
        ScriptedProver(network, "little-memory", "mallory", ask=1, slots=64, memory_bytes=64 << 20),
        network.client() as client,
    ):
        await all_done(network, client, await honest_task(network, client, tmp_path))
    await check_honest_sold_and_mallory_did_not(network)
    prices = {name: {lease["sell_price"] for lease in await sold_to(network, name)} for name in HONEST}
    assert all(min(prices[name]) >= ask for name, ask in HONEST.items()), prices


async def test_who_takes_leases_and_never_starts_is_paused_and_others_prove(network: Network, tmp_path: Path) -> None:
    async with network.client() as client, ScriptedProver(network, "hoarder", "mallory", ask=1, slots=64) as hoarder:
        task = await honest_task(network, client, tmp_path, jobs=6 * SLOTS)
        for _ in range(NEWCOMER_SLOTS):
            await hoarder.take_lease()
        await start_honest(network)
        notice = (await hoarder.hear("notice")).notice
        await all_done(network, client, task)
    hoarded = await sold_to(network, "mallory")
    money = await earned(network)
    assert notice.code == "PAUSED"
    assert len({lease["job_id"] for lease in hoarded}) == len(hoarded)  # no job twice
    assert NEWCOMER_SLOTS <= len(hoarded) <= NEWCOMER_SLOTS + 2  # the third fault in a row pauses
    assert all(money[name] > 0 for name in HONEST), money
    assert (money["mallory"], await treasury_paid(network)) == (0, 0)


async def test_many_names_of_one_operator_hold_no_more_than_one_and_are_paused_together(
    network: Network, tmp_path: Path
) -> None:
    async with network.client() as client, AsyncExitStack() as stack:
        names = [
            await stack.enter_async_context(ScriptedProver(network, f"name-{n}", "mallory", ask=1, slots=8))
            for n in range(10)
        ]
        task = await honest_task(network, client, tmp_path, jobs=6 * SLOTS)
        await until_a_job_waits_for(client, task, "busy")
        held = await sold_to(network, "mallory")
        lying = [asyncio.ensure_future(lie_for_ever(one, ["PG-330"])) for one in names]
        await until_paused(network)
        lied = len(await sold_to(network, "mallory"))
        await stack.enter_async_context(ScriptedProver(network, "fresh", "mallory", ask=1, slots=8))
        await start_honest(network)
        await all_done(network, client, task)
        for one in lying:
            one.cancel()
    leases = await sold_to(network, "mallory")
    money = await earned(network)
    assert len(held) == NEWCOMER_SLOTS
    assert len(leases) == lied  # a name more is no chance more
    assert all(money[name] > 0 for name in HONEST), money
    assert (money["mallory"], await treasury_paid(network)) == (0, 0)


async def until_a_job_waits_for(client: Client, task: Task, reason: str) -> None:
    async with asyncio.timeout(60):
        while reason not in {job.waiting.reason for job in (await client.task(task.task_id)).jobs if job.waiting}:  # noqa: ASYNC110 - derived when asked
            await asyncio.sleep(0.05)


async def until_paused(network: Network) -> None:
    """Wait until nothing is sold to any new prover of mallory's."""
    query = "SELECT 1 FROM operator_standings WHERE operator = $1 AND paused_until_ms > now_ms()"
    async with database_of(network) as connection, asyncio.timeout(60):
        while not await connection.fetch(query, network.keys["mallory"].address):  # noqa: ASYNC110 - no event for us
            await asyncio.sleep(0.05)


async def test_five_names_of_one_new_operator_get_its_part_of_the_canary_budget_and_no_more(
    network: Network, tmp_path: Path
) -> None:
    await start_honest(network)
    async with network.administrator() as admin:
        await admin.admin.fund_treasury(10**9, deposit_id="test")
    async with network.client() as client, AsyncExitStack() as stack:
        program = await register_toy(client, tmp_path, slices=1)
        names = [
            await stack.enter_async_context(ScriptedProver(network, f"name-{n}", "mallory", ask=700)) for n in range(5)
        ]
        selling = [asyncio.ensure_future(work(one)) for one in names]
        async with network.administrator() as admin:
            await client.ownership.share(program.digest, [network.admin_key.address])
            await admin.admin.add_canary(program.digest, ["canary"], limit_price=LIMIT)
        await until_over_budget(network)
        await all_done(network, client, await honest_task(network, client, tmp_path))
        for one in selling:
            one.cancel()
    money = await earned(network)
    assert all(money[name] > 0 for name in HONEST), money
    assert await treasury_paid(network) <= CANARY_BUDGET
    assert 0 < await canaries_of(network, "mallory") <= CANARY_BUDGET // 8


async def canaries_of(network: Network, operator: str) -> int:
    """What an operator was paid by the network's own tasks, in base units."""
    async with database_of(network) as connection:
        return int(
            await connection.fetchval(
                """SELECT coalesce(sum(amount), 0) FROM transfers WHERE credit = 'operator:' || $1
                AND task_id IN (SELECT task_id FROM transfers WHERE debit = 'treasury')""",
                network.keys[operator].address,
            )
        )


async def until_over_budget(network: Network) -> None:
    """Wait until the gateway says that mallory had its part of the day's canaries."""
    assert network.gateway is not None
    async with asyncio.timeout(60):
        while not any(  # noqa: ASYNC110 - a file has no event for us
            "canary_over_budget" in line and network.keys["mallory"].address in line
            for line in network.gateway.log.read_text().splitlines()
        ):
            await asyncio.sleep(0.1)
