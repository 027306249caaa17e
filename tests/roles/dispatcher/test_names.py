"""One live session has a prover's name; whoever else comes is refused, and nothing happens to the one that has it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from uuid import uuid4

import pytest

from proofgrid.primitives.errors import NameTaken
from proofgrid.primitives.ids import Address, GatewayId
from proofgrid.roles.dispatcher.desk import Desk
from proofgrid.roles.dispatcher.session import Session
from proofgrid.rules.access.sessions import RESTART_BEATS, Origin
from proofgrid.store.gateways import REGISTER_GATEWAY
from proofgrid.store.transactions import Transaction
from tests.makers import OWN, some_terms
from tests.roles.lanes import LaneUnderTest, held

ALICE = Address("alice")
OTHER_MACHINE = Origin(peer="10.0.0.2:1", key="0xother", run="1" * 32)
#: The same disk in another process: started again, or copied.
SAME_DISK = replace(OWN, peer="10.0.0.3:1", run="2" * 32)


async def hello(desk: Desk, origin: Origin, *held_leases: object) -> Session:
    return await desk.open_session(ALICE, some_terms(name="p", held=tuple(map(held, held_leases))), origin)


async def be_silent(lane: LaneUnderTest, milliseconds: float) -> None:
    await lane.fetch("UPDATE sessions SET seen_ms = now_ms() - $1 WHERE open", int(milliseconds))


async def open_sessions(lane: LaneUnderTest) -> list[str]:
    return [row["run"] for row in await lane.fetch("SELECT run FROM sessions WHERE open")]


@pytest.mark.parametrize("origin", [OTHER_MACHINE, SAME_DISK, Origin()], ids=["other", "copy", "earlier version"])
async def test_a_second_prover_of_a_live_name_is_refused_and_the_first_goes_on(
    lane: LaneUnderTest, origin: Origin
) -> None:
    await lane.add_prover("alice")
    await lane.add_task()
    assert await lane.sell() == 1

    with pytest.raises(NameTaken, match=r"connected from 10\.0\.0\.1:4711 for 0 s") as caught:
        await hello(lane.desk, origin)

    assert caught.value.wait_ms > 0
    assert await open_sessions(lane) == [OWN.run]
    assert [lease["state"] for lease in await lane.leases()] == ["granted"]
    assert "returned" not in [kind for kind, _ in await lane.events()]


async def test_two_copies_of_a_disk_do_not_drive_each_other_out(lane: LaneUnderTest) -> None:
    """They ask in turn, as two machines do, and the one that is connected is heard every second."""
    async with lane.running_desk() as desk:
        session = await hello(desk, OWN)
        for _ in range(5):
            await be_silent(lane, 1_500)  # a heartbeat came late
            with pytest.raises(NameTaken):
                await hello(desk, SAME_DISK)
            assert await desk.heartbeat(session, []) == []

    rows = await lane.fetch("SELECT run, open FROM sessions")
    assert [(row["run"], row["open"]) for row in rows] == [(OWN.run, True)]


async def test_a_prover_that_was_started_again_takes_over_what_it_was_never_told_of(lane: LaneUnderTest) -> None:
    """Its gateway did not notice that the old stream broke."""
    await lane.add_prover("alice")
    await lane.add_task()
    assert await lane.sell() == 1
    await be_silent(lane, RESTART_BEATS * lane.settings.heartbeat_ms)

    again = await hello(lane.desk, SAME_DISK)

    assert [lease["session_id"] for lease in await lane.leases()] == [again.session_id]


async def test_another_machine_gets_the_name_of_one_that_is_silent(lane: LaneUnderTest) -> None:
    await lane.add_prover("alice")
    await be_silent(lane, lane.settings.lease_ttl_ms - 500)
    with pytest.raises(NameTaken):
        await hello(lane.desk, OTHER_MACHINE)

    await be_silent(lane, lane.settings.lease_ttl_ms)
    await hello(lane.desk, OTHER_MACHINE)

    assert await open_sessions(lane) == [OTHER_MACHINE.run]


async def test_a_name_whose_stream_ended_is_free_at_once(lane: LaneUnderTest) -> None:
    session = await hello(lane.desk, OWN)
    await lane.desk.close_session(session)

    await hello(lane.desk, OTHER_MACHINE)

    assert await open_sessions(lane) == [OTHER_MACHINE.run]


async def test_a_prover_whose_gateway_died_comes_to_another_one_at_once(lane: LaneUnderTest) -> None:
    """The dead gateway closed nothing, and its sessions look alive for a while."""
    await lane.add_prover("alice")
    await lane.add_task()
    assert await lane.sell() == 1
    lane.gateway_id = GatewayId(uuid4())
    async with lane.database.transaction(Transaction.JOIN_NETWORK) as connection:
        await connection.run(REGISTER_GATEWAY, gateway_id=lane.gateway_id)

    back = await hello(lane.desk, OWN)

    assert [lease["session_id"] for lease in await lane.leases()] == [back.session_id]
    assert await open_sessions(lane) == [OWN.run]


async def test_of_strangers_that_come_at_once_one_gets_the_name(lane: LaneUnderTest) -> None:
    strangers = [Origin(peer=f"10.0.0.{n}:1", key=f"0x{n}", run=f"{n}" * 32) for n in range(4)]

    came = await asyncio.gather(*(hello(lane.desk, one) for one in strangers), return_exceptions=True)

    assert sorted(type(one).__name__ for one in came) == ["NameTaken"] * 3 + ["Session"]
    assert len(await open_sessions(lane)) == 1
