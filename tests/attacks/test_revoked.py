"""A revoked operator won 3 of 3 further leases, and a revoked client's streams went on: what was taken is gone at once.

Pins down: with the commit that takes a role, an operator's sessions are closed, its leases are back on the market, its
streams are ended by whatever gateway has them, and a hello that was let in before is refused; a call that lasts ends
when its caller has none of the roles that it needs, and nobody else's does.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import grpc
import pytest

from proofgrid.doors.grpc.hearing import hearing
from proofgrid.doors.services.front_door import CallContext, FrontDoor, streaming
from proofgrid.primitives.clock import SystemClock
from proofgrid.primitives.errors import NotAllowed, UnknownKey
from proofgrid.primitives.ids import Address
from proofgrid.roles.intake.access_list import AccessList
from proofgrid.roles.intake.callers import Callers
from proofgrid.roles.intake.open_calls import ANY
from proofgrid.rules.access.rights import needs
from proofgrid.rules.access.roles import Caller, Role
from proofgrid.rules.jobs.limits import Limits
from proofgrid.sdk.client import Client
from proofgrid.store.access import GRANT_ROLE
from proofgrid.store.database import Database
from proofgrid.store.transactions import Transaction
from proofgrid.wire.v1 import client_pb2 as messages
from proofgrid.wire.v1 import client_pb2_grpc as services
from tests.makers import OWN, a_key, some_terms
from tests.roles.lanes import LaneUnderTest

NETWORK = a_key(2)
ADMIN = Caller(NETWORK.address, frozenset({Role.ADMIN}))
ALICE = Address("alice")


def _access(lane: LaneUnderTest) -> AccessList:
    callers = Callers(lane.database, audience=NETWORK.address, limits=Limits(), clock=SystemClock())
    return AccessList(lane.database, callers.known_roles)


# --- operators ---


async def test_with_the_role_go_sessions_and_leases(lane: LaneUnderTest) -> None:
    session = await lane.add_prover(ALICE, slots=3)
    other = await lane.add_prover("bob", ask=900)
    for _ in range(3):
        await lane.add_task()
    await lane.sell()
    await lane.offer(session)
    await _access(lane).revoke(ADMIN, ALICE, Role.OPERATOR)
    rows = await lane.fetch("SELECT session_id, open FROM sessions")
    assert {row["session_id"]: row["open"] for row in rows} == {session: False, other: True}
    rows = await lane.fetch("SELECT state, expires_ms <= now_ms() AS over FROM leases WHERE prover_id LIKE 'alice/%'")
    assert rows
    assert all(row["over"] for row in rows)


async def test_nothing_more_is_sold_to_a_revoked_operator(lane: LaneUnderTest) -> None:
    await lane.add_prover(ALICE)
    await _access(lane).revoke(ADMIN, ALICE, Role.OPERATOR)
    for _ in range(3):
        await lane.add_task()
        await lane.sell()
    assert await lane.leases() == []


async def test_taking_another_role_ends_no_session(lane: LaneUnderTest) -> None:
    await lane.add_prover(ALICE)
    await _access(lane).revoke(ADMIN, ALICE, Role.CLIENT)
    assert [row["open"] for row in await lane.fetch("SELECT open FROM sessions")] == [True]


async def test_a_hello_that_was_let_in_before_is_refused_after(lane: LaneUnderTest) -> None:
    await _access(lane).revoke(ADMIN, ALICE, Role.OPERATOR)
    with pytest.raises(NotAllowed, match="taken from this key"):
        await lane.desk.open_session(ALICE, some_terms(name="p"), OWN)
    assert await lane.fetch("SELECT 1 FROM sessions") == []


async def test_a_hello_and_a_revocation_at_once_leave_no_session(lane: LaneUnderTest) -> None:
    """Whichever comes first, and none of them waits for the other for ever."""
    hellos = [lane.desk.open_session(ALICE, some_terms(name=f"n{number}"), OWN) for number in range(4)]
    await asyncio.gather(
        *hellos[:2], _access(lane).revoke(ADMIN, ALICE, Role.OPERATOR), *hellos[2:], return_exceptions=True
    )
    assert await lane.fetch("SELECT 1 FROM sessions WHERE open") == []


async def test_the_gateway_that_has_the_stream_is_told(lane: LaneUnderTest) -> None:
    session = await lane.add_prover(ALICE)
    told: asyncio.Queue[str] = asyncio.Queue()
    listening = await asyncpg.connect(lane.database.dsn)
    await listening.add_listener("stops", lambda *heard: told.put_nowait(heard[-1]))
    await _access(lane).revoke(ADMIN, ALICE, Role.OPERATOR)
    async with asyncio.timeout(30):
        assert str(session) in await told.get()
    await listening.close()


# --- whoever has a stream open ---


class Watching(services.ClientServiceServicer):
    """A stream that lasts until somebody ends it, and a call that answers when it may."""

    def __init__(self, callers: Callers) -> None:
        self._door = FrontDoor(callers)
        self.ended = asyncio.Event()

    @needs(Role.CLIENT, Role.ADMIN)
    async def watch(self) -> None: ...

    @streaming
    async def WatchTask(  # noqa: N802
        self, request: messages.WatchTaskRequest, context: CallContext
    ) -> AsyncIterator[messages.TaskEvent]:
        await self._door.admit(context, self.watch)
        try:
            yield messages.TaskEvent(cursor=1, kind="stage", data_json="{}")
            await asyncio.Event().wait()
        finally:
            self.ended.set()


class Network:
    """One gateway's door, its callers, and clients with streams open."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.callers = Callers(database, audience=NETWORK.address, limits=Limits(), clock=SystemClock())
        self.access = AccessList(database, self.callers.known_roles)
        self.watching = Watching(self.callers)  # type: ignore[abstract]  # the one call that is made
        self.address = ""

    async def let_in(self, number: int) -> None:
        key = a_key(number)
        await self.database.write(Transaction.CHANGE_ROLES, GRANT_ROLE, address=key.address, role="client", label="")

    def client(self, number: int) -> Client:
        return Client(self.address, a_key(number), network=NETWORK.address, patience_seconds=0)


@pytest.fixture
async def network(database: Database) -> AsyncIterator[Network]:
    network = Network(database)
    server = grpc.aio.server()
    network.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    heard = hearing(server, {network.address})
    services.add_ClientServiceServicer_to_server(network.watching, heard)
    await server.start()
    async with asyncio.TaskGroup() as group:
        running = group.create_task(network.callers.calls.run())
        yield network
        running.cancel()
    await server.stop(0)


@pytest.mark.parametrize("told", ["by name", "anybody"])
async def test_a_stream_of_a_revoked_client_ends_and_nobody_elses_does(network: Network, told: str) -> None:
    await network.let_in(1)
    await network.let_in(3)
    revoked, other = a_key(1).address, a_key(3).address
    async with network.client(1) as client, network.client(3) as beside, asyncio.timeout(30):
        stream, others = client.watch("t"), beside.watch("t")
        assert (await anext(stream)).cursor == 1
        assert (await anext(others)).cursor == 1
        await network.access.revoke(ADMIN, revoked, Role.CLIENT)
        network.callers.roles_changed(revoked if told == "by name" else ANY)  # as the database tells
        with pytest.raises(UnknownKey):
            await anext(stream)
        waiting = asyncio.ensure_future(anext(others))
        network.callers.roles_changed(other)
        network.callers.roles_changed(ANY)
        await network.database.write(Transaction.CHANGE_ROLES, GRANT_ROLE, address=other, role="operator", label="")
        assert not waiting.done()
        waiting.cancel()


async def test_a_client_that_hangs_up_is_no_revocation(network: Network) -> None:
    await network.let_in(1)
    async with network.client(1) as client, asyncio.timeout(30):
        stream = client.watch("t")
        await anext(stream)
        await stream.aclose()
        await network.watching.ended.wait()


async def test_one_of_several_roles_that_a_call_takes_is_enough(network: Network) -> None:
    await network.let_in(1)
    address = a_key(1).address
    await network.database.write(Transaction.CHANGE_ROLES, GRANT_ROLE, address=address, role="admin", label="")
    async with network.client(1) as client, asyncio.timeout(30):
        stream = client.watch("t")
        await anext(stream)
        await network.access.revoke(ADMIN, address, Role.CLIENT)
        network.callers.roles_changed(address)
        waiting = asyncio.ensure_future(anext(stream))
        await network.access.revoke(ADMIN, address, Role.ADMIN)
        network.callers.roles_changed(address)
        with pytest.raises(UnknownKey):
            await waiting
