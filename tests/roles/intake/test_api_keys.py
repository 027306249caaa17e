"""API keys in the database: made, found, spent by, revoked; and who they are when they call."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from proofgrid.primitives.account_errors import OutOfScope, SpendLimitReached, UnknownApiKey
from proofgrid.primitives.clock import ManualClock
from proofgrid.primitives.errors import (
    BadToken,
    InvalidField,
    NotAllowed,
    TokenExpired,
    TooManyOpen,
    UnknownKey,
    UnknownTask,
)
from proofgrid.primitives.ids import Address, TaskId
from proofgrid.roles.intake import api_keys as api_keys_module
from proofgrid.roles.intake.access_list import AccessList
from proofgrid.roles.intake.api_keys import ApiKeys
from proofgrid.roles.intake.callers import Callers
from proofgrid.roles.intake.heard import Heard
from proofgrid.roles.intake.tasks import Tasks
from proofgrid.rules.access.api_keys import ApiKey, Scope, WantedKey
from proofgrid.rules.access.rights import roles_needed, scopes_taken
from proofgrid.rules.access.roles import Caller, Role
from proofgrid.rules.jobs.limits import Limits
from proofgrid.rules.ledger.accounts import client_account
from proofgrid.store.access import GRANT_ROLE
from proofgrid.store.api_keys import NOTE_KEYS_USED, SPEND_BY_KEY, StoredKey, spending
from proofgrid.store.database import Database
from proofgrid.store.ledger import balance_of
from proofgrid.store.transactions import Transaction
from tests.makers import a_key, a_request
from tests.roles.intake.test_looking_around import admitting
from tests.roles.intake.test_reserving import buy, offer
from tests.roles.lanes import CLIENT, UNITS, LaneUnderTest

OWNER = Caller(CLIENT, frozenset({Role.CLIENT}))
ADMIN = Caller(a_key(2).address, frozenset({Role.ADMIN}))
PRICE = 1_000
COST = PRICE * UNITS  #: of one job at the limit price of `a_request`
NOTHING = Heard(method="", names=frozenset(), body="")
EVERYTHING = frozenset(Scope)


class Desk:
    """One gateway's callers and API keys."""

    def __init__(self, database: Database) -> None:
        self.clock = ManualClock()
        self.callers = Callers(database, audience=a_key(9).address, limits=Limits(), clock=self.clock)
        self.callers.hear()
        self.keys = ApiKeys(database, self.callers.api_keys, self.clock)
        self.database = database

    async def make(self, caller: Caller = OWNER, **changes: Any) -> tuple[StoredKey, str]:
        values: dict[str, Any] = {"label": "a server", "scopes": EVERYTHING, "spend_per_day": 10 * COST}
        return await self.keys.make(caller, WantedKey(**(values | changes)))

    async def admit(self, secret: str, use_case: Any = Tasks.submit, **how: Any) -> Caller:
        taken: dict[str, Any] = {"scopes": scopes_taken(use_case), "is_private": True, "heard": NOTHING} | how
        return await self.callers.admit(secret, roles_needed(use_case), **taken)


@pytest.fixture
async def desk(database: Database) -> Desk:
    await database.write(Transaction.CHANGE_ROLES, GRANT_ROLE, address=CLIENT, role="client", label="")
    return Desk(database)


async def spend(database: Database, key_id: str, amount: int) -> None:
    async with database.transaction(Transaction.SELL_QUOTE) as connection:
        with spending():
            await connection.run(SPEND_BY_KEY, key_id=key_id, amount=amount)


async def spent_today(desk: Desk) -> Mapping[str, int]:
    return {one.key_id: one.spent_today for one in await desk.keys.list_for(OWNER, None)}


async def test_the_secret_is_nowhere_in_the_database(desk: Desk) -> None:
    made, secret = await desk.make()
    async with desk.database.connection() as connection:
        rows = await connection.raw.fetch("SELECT * FROM api_keys")
        entries = await connection.raw.fetch("SELECT * FROM audit_entries")
    assert secret.startswith(f"pgk_{made.key_id}_")
    assert secret.rpartition("_")[2] not in repr([*map(dict, rows), *map(dict, entries)])
    assert len(entries) == 2  # the role, and the key


async def test_a_key_is_its_owner_as_a_client_and_nothing_else(desk: Desk) -> None:
    await desk.database.write(Transaction.CHANGE_ROLES, GRANT_ROLE, address=CLIENT, role="admin", label="")
    made, secret = await desk.make()
    caller = await desk.admit(secret)
    assert (caller.address, caller.roles, caller.api_key) == (CLIENT, frozenset({Role.CLIENT}), made.may)
    with pytest.raises(NotAllowed):
        await desk.admit(secret, AccessList.grant)


async def test_without_the_role_of_its_owner_a_key_is_nothing(desk: Desk) -> None:
    _, secret = await desk.make()
    await desk.admit(secret)
    await AccessList(desk.database, desk.callers.known_roles).revoke(ADMIN, CLIENT, Role.CLIENT)
    with pytest.raises(UnknownKey):
        await desk.admit(secret)


@pytest.mark.parametrize("use_case", [Tasks.submit, ApiKeys.make, ApiKeys.revoke])
async def test_what_a_key_has_no_scope_for_it_may_not(desk: Desk, use_case: Any) -> None:
    _, secret = await desk.make(scopes=frozenset({Scope.TASKS_READ, Scope.KEYS_READ}))
    await desk.admit(secret, Tasks.get)
    with pytest.raises(OutOfScope):
        await desk.admit(secret, use_case)


async def test_a_wrong_secret_or_an_unknown_name_is_no_key(desk: Desk) -> None:
    _, secret = await desk.make()
    for wrong in (secret[:-1] + ("0" if secret[-1] != "0" else "1"), f"pgk_{'0' * 16}_{'0' * 64}", "pgk_"):
        with pytest.raises(BadToken):
            await desk.admit(wrong)


async def test_a_key_that_others_could_read_on_its_way_is_refused(desk: Desk) -> None:
    _, secret = await desk.make()
    with pytest.raises(BadToken, match="TLS"):
        await desk.admit(secret, is_private=False)


async def test_a_key_expires(desk: Desk) -> None:
    _, secret = await desk.make(expires_ms=desk.clock.now_ms() + 5_000)
    await desk.admit(secret)
    await desk.clock.sleep(5.0)
    with pytest.raises(TokenExpired):
        await desk.admit(secret)


async def test_with_a_key_go_those_that_it_made(desk: Desk) -> None:
    made, secret = await desk.make()
    maker = await desk.admit(secret, ApiKeys.make)
    child, of_child = await desk.make(maker, scopes=frozenset({Scope.TASKS_READ}), spend_per_day=0)
    assert child.maker_id == made.key_id
    await desk.admit(of_child, Tasks.get)
    assert (await desk.keys.revoke(OWNER, made.key_id)).is_revoked
    for dead in (secret, of_child):
        with pytest.raises(UnknownKey, match="revoked"):
            await desk.admit(dead, Tasks.get)
    await desk.keys.revoke(OWNER, made.key_id)  # twice is once


async def test_others_keys_are_unknown_but_to_administrators(desk: Desk) -> None:
    made, _ = await desk.make()
    stranger = Caller(Address("0xs"), frozenset({Role.CLIENT}))
    with pytest.raises(UnknownApiKey):
        await desk.keys.revoke(stranger, made.key_id)
    with pytest.raises(NotAllowed):
        await desk.keys.list_for(stranger, CLIENT)
    assert [one.key_id for one in await desk.keys.list_for(ADMIN, CLIENT)] == [made.key_id]
    assert (await desk.keys.revoke(ADMIN, made.key_id)).is_revoked


async def test_so_many_keys_however_many_gateways_make_them_at_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_keys_module, "LIVE_MAX", 3)
    made = await asyncio.gather(*(desk.make() for _ in range(8)), return_exceptions=True)
    assert [type(one) for one in made if isinstance(one, BaseException)] == [TooManyOpen] * 5
    keys = await desk.keys.list_for(OWNER, None)
    await desk.keys.revoke(OWNER, keys[0].key_id)
    await desk.make()
    monkeypatch.setattr(api_keys_module, "KEPT_MAX", 4)
    await desk.keys.revoke(OWNER, keys[1].key_id)
    with pytest.raises(TooManyOpen, match="are kept"):
        await desk.make()
    async with desk.database.transaction(Transaction.CHANGE_API_KEYS) as connection:
        await connection.raw.execute("UPDATE api_keys SET revoked_ms = 1 WHERE revoked_ms > 0")
    await desk.make()  # what ended long ago is forgotten
    assert len(await desk.keys.list_for(OWNER, None)) == 3


async def test_when_it_was_used_last_is_written_now_and_then(desk: Desk) -> None:
    made, secret = await desk.make()
    await desk.admit(secret)
    assert [one.used_ms for one in await desk.keys.list_for(OWNER, None)] == [None]
    at_ms = desk.clock.now_ms()
    await desk.callers.api_keys.note()
    assert [one.used_ms for one in await desk.keys.list_for(OWNER, None)] == [at_ms]
    # What another gateway saw later stays.
    await desk.database.write(Transaction.NOTE_KEYS_USED, NOTE_KEYS_USED, key_ids=[made.key_id], moments=[at_ms - 1])
    assert [one.used_ms for one in await desk.keys.list_for(OWNER, None)] == [at_ms]


async def test_a_subnetwork_needs_a_name_that_is_one(desk: Desk) -> None:
    with pytest.raises(InvalidField, match="no name of a subnetwork"):
        await desk.make(subnetwork="No!")


# --- money ---


async def test_two_gateways_cannot_overspend_a_key_together(desk: Desk) -> None:
    made, _ = await desk.make(spend_per_day=500)
    outcomes = await asyncio.gather(
        *(spend(desk.database, made.key_id, 100) for _ in range(20)), return_exceptions=True
    )
    assert [type(one) for one in outcomes if one is not None] == [SpendLimitReached] * 15
    assert await spent_today(desk) == {made.key_id: 500}


async def test_a_day_ends_at_midnight_utc(desk: Desk) -> None:
    made, _ = await desk.make(spend_per_day=500)
    await spend(desk.database, made.key_id, 500)
    async with desk.database.transaction(Transaction.CHANGE_API_KEYS) as connection:
        await connection.raw.execute("UPDATE api_keys SET spent_day = spent_day - 1")
    assert await spent_today(desk) == {made.key_id: 0}
    await spend(desk.database, made.key_id, 400)
    assert await spent_today(desk) == {made.key_id: 400}


async def test_a_key_made_by_a_key_spends_from_its_makers_day(desk: Desk) -> None:
    made, secret = await desk.make(spend_per_day=500)
    maker = await desk.admit(secret, ApiKeys.make)
    children = [(await desk.make(maker, scopes=frozenset({Scope.TASKS_WRITE}), spend_per_day=400))[0] for _ in "ab"]
    await spend(desk.database, children[0].key_id, 300)
    with pytest.raises(SpendLimitReached, match=made.key_id):
        await spend(desk.database, children[1].key_id, 300)
    await spend(desk.database, children[1].key_id, 200)
    assert await spent_today(desk) == {made.key_id: 500, children[0].key_id: 300, children[1].key_id: 200}


async def test_money_that_a_revoked_key_is_about_to_spend_stays(desk: Desk) -> None:
    made, _ = await desk.make()
    await desk.keys.revoke(OWNER, made.key_id)
    with pytest.raises(UnknownKey):
        await spend(desk.database, made.key_id, 1)


@pytest.mark.usefixtures("toy_system_on_path")
async def test_a_key_submits_until_its_day_is_spent_and_nobody_else_of_the_batch_fails(lane: LaneUnderTest) -> None:
    desk = Desk(lane.database)
    made, _ = await desk.make(spend_per_day=2 * COST)
    async with admitting(lane) as (admission, _):
        requests = [
            a_request(program_digest="p", idempotency_key=f"k{number}", limit_price=PRICE) for number in range(4)
        ]
        by_key = [admission.submit(CLIENT, one, api_key=made.key_id) for one in requests]
        signed = admission.submit(CLIENT, replace(requests[0], idempotency_key="signed"))
        outcomes = await asyncio.gather(*by_key, signed, return_exceptions=True)
        again = await admission.submit(CLIENT, replace(requests[0], idempotency_key="signed"))
    refused = [one for one in outcomes if isinstance(one, BaseException)]
    assert [type(one) for one in refused] == [SpendLimitReached] * 2
    assert not isinstance(outcomes[-1], BaseException)
    assert again == outcomes[-1]
    assert await spent_today(desk) == {made.key_id: 2 * COST}
    async with lane.database.connection() as connection:
        assert await balance_of(connection, client_account(CLIENT)) == 10**12 - 3 * COST


@pytest.mark.usefixtures("toy_system_on_path")
async def test_the_same_request_twice_is_spent_once(lane: LaneUnderTest) -> None:
    desk = Desk(lane.database)
    made, _ = await desk.make(spend_per_day=COST)
    request = a_request(program_digest="p", limit_price=PRICE)
    async with admitting(lane) as (admission, _):
        first = await admission.submit(CLIENT, request, api_key=made.key_id)
        second = await admission.submit(CLIENT, request, api_key=made.key_id)
    assert first.task_id == second.task_id
    assert await spent_today(desk) == {made.key_id: COST}


def by(key: ApiKey) -> Caller:
    return Caller(CLIENT, frozenset({Role.CLIENT}), key)


async def test_a_key_of_a_subnetwork_sees_that_ones_tasks_only(lane: LaneUnderTest) -> None:
    task_id = await lane.add_task()
    nobody: Any = None
    tasks = Tasks(lane.database, nobody, nobody, why_waiting=nobody)
    key = ApiKey(key_id="k", owner=CLIENT, scopes=EVERYTHING, subnetwork="acme")
    assert [one.task_id for one in await tasks.list_own(by(replace(key, subnetwork="default")), limit=9)] == [task_id]
    assert await tasks.list_own(by(key), limit=9) == []
    assert await tasks.list_own(by(key), limit=9, begins=str(task_id)[:8]) == []
    with pytest.raises(UnknownTask):
        await tasks.cancel(by(key), TaskId(task_id))


async def test_a_firm_quote_is_spent_when_it_is_bought(lane: LaneUnderTest) -> None:
    await offer(lane, Address("alice"), 800, slots=4)
    desk = Desk(lane.database)
    made, _ = await desk.make(spend_per_day=2 * COST)
    assert await buy(lane, "one", api_key=made.key_id) is not None
    [spent] = (await spent_today(desk)).values()
    async with lane.database.connection() as connection:
        assert await balance_of(connection, client_account(CLIENT)) == 10**12 - spent < 10**12
    with pytest.raises(SpendLimitReached):
        await buy(lane, "two", api_key=made.key_id)
    assert await spent_today(desk) == {made.key_id: spent}
