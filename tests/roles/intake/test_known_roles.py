"""Access roles that are held for a moment: a role that was taken counts no more as soon as the database tells."""

from __future__ import annotations

import asyncio

from proofgrid.primitives.clock import ManualClock
from proofgrid.primitives.ids import Address
from proofgrid.roles.intake.access_list import AccessList
from proofgrid.roles.intake.known import HOLDS_MS
from proofgrid.roles.intake.known_roles import KnownRoles
from proofgrid.rules.access.roles import Caller, Role
from proofgrid.store.access import GRANT_ROLE, REVOKE_ROLE
from proofgrid.store.database import Database
from proofgrid.store.listener import Listener
from proofgrid.store.transactions import Transaction
from tests.makers import a_key

ALICE = a_key(7).address
ADMIN = Caller(a_key(8).address, frozenset({Role.ADMIN}))
CLIENT = frozenset({Role.CLIENT})
NOBODY: frozenset[Role] = frozenset()


async def _set(database: Database, role: Role, *, given: bool, address: Address = ALICE) -> None:
    if given:
        await database.write(Transaction.CHANGE_ROLES, GRANT_ROLE, address=address, role=role.value, label="")
    else:
        await database.write(Transaction.CHANGE_ROLES, REVOKE_ROLE, address=address, role=role.value)


async def test_roles_hold_for_a_moment_and_no_longer_even_if_nobody_tells(database: Database) -> None:
    clock = ManualClock()
    known = KnownRoles(database, clock=clock)
    known.hear()
    await _set(database, Role.CLIENT, given=True)
    assert await known.of(ALICE) == CLIENT
    await _set(database, Role.CLIENT, given=False)

    await clock.sleep((HOLDS_MS - 1) / 1000)
    assert (await known.of(ALICE), await known.read(ALICE)) == (CLIENT, NOBODY)

    await _set(database, Role.CLIENT, given=True)
    await clock.sleep(HOLDS_MS / 1000)
    assert await known.of(ALICE) == CLIENT


async def test_while_notifications_may_be_lost_every_call_looks(database: Database) -> None:
    known = KnownRoles(database, clock=ManualClock())
    await _set(database, Role.CLIENT, given=True)
    assert await known.of(ALICE) == CLIENT  # deaf from the beginning
    await _set(database, Role.CLIENT, given=False)
    assert await known.of(ALICE) == NOBODY

    known.hear()
    assert await known.of(ALICE) == NOBODY
    known.deafen()
    await _set(database, Role.CLIENT, given=True)
    assert await known.of(ALICE) == CLIENT


async def test_the_database_tells_of_every_change_whoever_makes_it(database: Database) -> None:
    known = KnownRoles(database, clock=ManualClock())
    told: asyncio.Queue[str] = asyncio.Queue()

    def hear(address: str) -> None:
        known.forget(Address(address))
        told.put_nowait(address)

    listener = Listener(database.dsn, {"roles": hear})
    async with asyncio.TaskGroup() as group:
        listening = group.create_task(listener.run())
        await listener.wait_listening()
        known.hear()
        for given, expected in ((True, CLIENT), (False, NOBODY), (True, CLIENT)):
            await _set(database, Role.CLIENT, given=given)
            assert await told.get() == ALICE
            assert await known.of(ALICE) == expected
        async with database.unhurried_connection() as connection:
            await connection.execute("UPDATE identities SET role = 'operator' WHERE address = $1", ALICE)
        assert await told.get() == ALICE
        assert await known.of(ALICE) == {Role.OPERATOR}
        listening.cancel()


async def test_what_was_read_before_a_change_was_told_is_not_held(database: Database) -> None:
    known = KnownRoles(database, clock=ManualClock())
    known.hear()
    await _set(database, Role.CLIENT, given=True)
    async with database.transaction(Transaction.CHANGE_ROLES) as connection:
        await connection.run(REVOKE_ROLE, address=ALICE, role="client")
        assert await known.of(ALICE) == CLIENT  # not committed yet
        known.forget_all()
        # Reads what was, and is told of the change before it has the answer.
        async with asyncio.TaskGroup() as group:
            reading = group.create_task(known.of(ALICE))
            await asyncio.sleep(0)
            known.forget(ALICE)
        assert reading.result() == CLIENT
    assert await known.of(ALICE) == NOBODY


async def test_an_administrators_word_counts_at_once_in_the_gateway_that_heard_it(database: Database) -> None:
    known = KnownRoles(database, clock=ManualClock())
    known.hear()
    access = AccessList(database, known)
    assert await known.of(ALICE) == NOBODY
    await access.grant(ADMIN, ALICE, Role.CLIENT, label="")
    assert await known.of(ALICE) == CLIENT
    await access.revoke(ADMIN, ALICE, Role.CLIENT)
    assert await known.of(ALICE) == NOBODY
