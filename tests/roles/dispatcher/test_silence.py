"""A prover that says nothing is sold nothing; its next heartbeat brings it back and starts a round."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from proofgrid.primitives.ids import Address, ProverId, SessionId, Stack
from proofgrid.roles.dispatcher.desk import Desk
from proofgrid.roles.dispatcher.session import Session
from proofgrid.roles.market.rounds import Market
from proofgrid.rules.jobs.offers import HeldLease
from proofgrid.store.canaries import OPERATORS_TO_TRY
from proofgrid.store.lanes import GATEWAY_SILENT_MS
from proofgrid.store.listener import Listener
from proofgrid.store.status import LIST_PROVERS
from proofgrid.store.tasks import WAKE_LANES
from proofgrid.store.transactions import Transaction
from tests.roles.lanes import STACK, LaneUnderTest, held

PATIENCE_SECONDS = 60


async def fall_silent(lane: LaneUnderTest, *sessions: SessionId) -> None:
    """Let the last heartbeat of these be so long ago that a lease may have been lost by it."""
    await lane.fetch(
        "UPDATE sessions SET seen_ms = now_ms() - $2 * 3 / 4 WHERE session_id = ANY($1::uuid[])",
        sessions,
        lane.silent_ms,
    )


async def beat(desk: Desk, session_id: SessionId, *held: HeldLease) -> None:
    """Let a prover say that it lives and holds these."""
    session = Session(session_id=session_id, prover_id=ProverId("a/p"), operator=Address("a"), lanes=[], dropped=[])
    assert await desk.heartbeat(session, list(held)) == []


@asynccontextmanager
async def heard(lane: LaneUnderTest, channel: str) -> AsyncIterator[asyncio.Queue[str]]:
    """Yield what is notified on a channel from now on."""
    told: asyncio.Queue[str] = asyncio.Queue()
    async with asyncio.TaskGroup() as group:
        listener = Listener(lane.database.dsn, {channel: told.put_nowait})
        listening = group.create_task(listener.run())
        await listener.wait_listening()
        yield told
        listening.cancel()


async def told_so_far(lane: LaneUnderTest, told: asyncio.Queue[str]) -> set[str]:
    """Return what was notified; notifications arrive in the order of their commits."""
    await lane.database.write(Transaction.WAKE, WAKE_LANES, lanes=["the end"])
    async with asyncio.timeout(PATIENCE_SECONDS):
        return {payload async for payload in _until(told, "the end")}


async def _until(told: asyncio.Queue[str], last: str) -> AsyncIterator[str]:
    while (payload := await told.get()) != last:
        yield payload


def a_market_that_sleeps(lane: LaneUnderTest) -> tuple[Market, asyncio.Event]:
    """Return a market, and an event: it looked, found nothing to do, and nothing but a notification will wake it."""
    market, sleeping = lane.market, asyncio.Event()
    until_next_job = market._until_next_job

    async def noted(stack: Stack) -> float | None:
        seconds = await until_next_job(stack)
        assert seconds is None
        sleeping.set()
        return seconds

    market._until_next_job = noted  # type: ignore[method-assign]
    return market, sleeping


async def test_a_silent_prover_gets_no_lease_while_another_can(lane: LaneUnderTest) -> None:
    silent = await lane.add_prover("alice", ask=500)
    await lane.add_prover("bob", ask=900)
    await fall_silent(lane, silent)
    await lane.add_task()

    assert await lane.sell() == 1

    assert [lease["operator"] for lease in await lane.leases()] == ["bob"]


async def test_whose_lease_was_taken_back_for_silence_gets_no_other(lane: LaneUnderTest) -> None:
    lane.silent_ms = lane.settings.lease_ttl_ms
    session = await lane.add_prover("alice")
    await lane.add_task()
    assert await lane.sell() == 1
    (lease,) = await lane.leases()
    await lane.offer(session)
    async with lane.running_desk() as desk:
        await lane.say(desk, lease, 0)
        # The last heartbeat comes when the lease has just three quarters left, and is not written into its row.
        await lane.fetch("UPDATE leases SET expires_ms = now_ms() + $1 * 3 / 4 + 200", lane.silent_ms)
        await beat(desk, session, held(lease))
    # Time passes, and no sooner than now does the lease run out.
    await lane.fetch(
        "WITH later AS (UPDATE leases SET expires_ms = now_ms() RETURNING $1 - expires_ms AS ms)"
        " UPDATE sessions SET seen_ms = seen_ms - ms FROM later",
        (await lane.leases())[0]["expires_ms"],
    )

    await lane.watch.take_back_expired()
    await lane.add_task()

    assert [data["reason"] for kind, data in await lane.events() if kind == "returned"] == ["prover_lost"]
    assert await lane.market.hold_rounds(STACK) is None


async def test_where_everybody_is_silent_nobody_is_sold_to(lane: LaneUnderTest) -> None:
    await fall_silent(lane, await lane.add_prover("alice"))
    await lane.add_task()

    assert await lane.market.hold_rounds(STACK) is None


async def test_who_is_silent_or_paused_is_shown_as_such_and_gets_no_canary(lane: LaneUnderTest) -> None:
    for operator in ("alice", "bob", "carol", "dora"):
        session = await lane.add_prover(operator)
        if operator == "alice":
            await fall_silent(lane, session)
        if operator == "carol":
            await lane.fetch("UPDATE sessions SET draining = true WHERE session_id = $1", session)
    await lane.fetch("UPDATE provers SET paused_until_ms = now_ms() + 60_000 WHERE operator = 'dora'")

    shown = await lane.ask(LIST_PROVERS, gateway_silent_ms=GATEWAY_SILENT_MS, silent_ms=lane.silent_ms)
    to_try = await lane.ask(OPERATORS_TO_TRY, gateway_silent_ms=GATEWAY_SILENT_MS, silent_ms=lane.silent_ms)

    assert [prover.state for prover in shown] == ["silent", "serving", "draining", "paused"]
    assert [one.operator for one in to_try] == ["bob"]


async def test_the_first_heartbeat_after_a_silence_starts_a_round(lane: LaneUnderTest) -> None:
    sessions = [await lane.add_prover("alice"), await lane.add_prover("bob", ask=900)]
    await fall_silent(lane, *sessions)
    await lane.add_task()
    market, sleeping = a_market_that_sleeps(lane)
    async with asyncio.TaskGroup() as group, heard(lane, "leases") as granted, lane.running_desk() as desk:
        listener = Listener(lane.database.dsn, {"lanes": market.wake})
        working = [group.create_task(listener.run())]
        await listener.wait_listening()
        working += [group.create_task(market.run())]
        async with asyncio.timeout(PATIENCE_SECONDS):
            await sleeping.wait()
            assert granted.empty()
            await beat(desk, sessions[1])
            await granted.get()
        for task in working:
            task.cancel()

    assert [lease["operator"] for lease in await lane.leases()] == ["bob"]


async def test_heartbeats_in_time_wake_nobody(lane: LaneUnderTest) -> None:
    session = await lane.add_prover("alice")
    async with heard(lane, "lanes") as told, lane.running_desk() as desk:
        await beat(desk, session)
        await beat(desk, session)
        assert await told_so_far(lane, told) == set()


@pytest.mark.parametrize(
    ("serves", "stacks"),
    [
        ({}, {"default/toy"}),
        ({"classes": ("large", "small")}, {"default/toy"}),
        (
            {"systems": ("toy", "ezkl"), "subnetworks": ("default", "acme")},
            {"default/toy", "default/ezkl", "acme/toy", "acme/ezkl"},
        ),
    ],
)
async def test_whoever_comes_back_wakes_every_stack_that_it_serves_once(
    lane: LaneUnderTest, serves: dict[str, Any], stacks: set[str]
) -> None:
    await lane.add_subnetwork("acme", is_open=True)
    sessions = [await lane.add_prover(name, **serves) for name in ("alice", "bob")]
    await fall_silent(lane, *sessions)

    async with heard(lane, "lanes") as told, lane.running_desk() as desk:
        await asyncio.gather(*(beat(desk, session) for session in sessions))
        first = await told_so_far(lane, told)
        await asyncio.gather(*(beat(desk, session) for session in sessions))
        again = await told_so_far(lane, told)

    assert {lane.rpartition("/")[0] for lane in first} == stacks
    assert len(first) == len(stacks)
    assert again == set()


async def test_a_gateway_that_comes_back_wakes_what_its_provers_serve(lane: LaneUnderTest) -> None:
    """After the database was away no gateway counts until it said that it lives, and its provers do not either."""
    session = await lane.add_prover("alice")
    await lane.add_task()
    await lane.fetch("UPDATE gateways SET seen_ms = now_ms() - $1", GATEWAY_SILENT_MS)
    assert await lane.market.hold_rounds(STACK) is None

    async with heard(lane, "lanes") as told, keeping_alive(lane, session):
        async with asyncio.timeout(PATIENCE_SECONDS):
            assert await told.get() == "default/toy/small"

    assert await lane.sell() == 1


@asynccontextmanager
async def keeping_alive(lane: LaneUnderTest, session_id: SessionId) -> AsyncIterator[None]:
    """Let the gateway say that it lives."""
    async with asyncio.TaskGroup() as group:
        living = group.create_task(lane.desk.keep_alive())
        yield
        living.cancel()
