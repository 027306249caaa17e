"""The audit log: an act and its entry are one commit, places are given once, nothing is ever taken out."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from proofgrid.primitives.clock import ManualClock
from proofgrid.primitives.errors import InvalidField, NotAllowed, RateLimited, UnknownTask
from proofgrid.roles.audit.keeping import AuditPlacing, RefusedCalls
from proofgrid.roles.intake.audit import AuditLog
from proofgrid.rules.audit.checkpoint import verified_checkpoint
from proofgrid.rules.audit.merkle import is_consistent, leaf_hash, root_by_inclusion
from proofgrid.rules.audit.refusals import KINDS_MAX, OTHERS
from proofgrid.rules.identity.network_keys import NetworkKeys
from proofgrid.store.access import GRANT_ROLE
from proofgrid.store.database import Database
from proofgrid.store.transactions import AUDITED, Transaction
from proofgrid.telemetry.acting import Act, acting
from proofgrid.telemetry.seam import observed_by, span
from tests.makers import a_key

KEY = a_key(2)
ALICE = a_key(1).address


def _act(call: str = "Grant", **request: object) -> Act:
    act = Act(call, "ipv4:192.0.2.7:55", lambda: request)
    act.by = KEY.address
    return act


async def _grant(database: Database, address: str = ALICE) -> None:
    await database.write(Transaction.CHANGE_ROLES, GRANT_ROLE, address=address, role="client", label="")


async def _entries(database: Database) -> list[dict[str, object]]:
    async with database.connection() as connection:
        rows = await connection.raw.fetch("SELECT * FROM audit_entries ORDER BY entry_id")
    return [dict(row) for row in rows]


async def _log_of(database: Database, acts: int) -> AuditLog:
    for number in range(acts):
        with acting(_act(number=number)):
            await _grant(database)
    await AuditPlacing(database, NetworkKeys.of(KEY)).step()
    return AuditLog(database, NetworkKeys.of(KEY))


async def test_who_did_what_from_where_is_written_in_the_same_commit(database: Database) -> None:
    with acting(_act(address=ALICE, role="client", secret="hunter2", content=b"abc")):
        await _grant(database)
    (entry,) = await _entries(database)
    assert (entry["act"], entry["caller"], entry["peer"], entry["outcome"]) == (
        "Grant",
        KEY.address,
        "ipv4:192.0.2.7:55",
        "done",
    )
    what = entry["what"]
    assert isinstance(what, dict)
    assert what["address"] == ALICE
    assert what["secret"] == "(hidden)"
    assert what["content"].startswith("3 bytes sha256:ba7816bf")


async def test_what_is_rolled_back_leaves_no_entry(database: Database) -> None:
    with acting(_act()), pytest.raises(ZeroDivisionError):
        async with database.transaction(Transaction.MOVE_MONEY):
            raise ZeroDivisionError
    assert await _entries(database) == []


async def test_an_act_whose_entry_cannot_be_written_does_not_count(database: Database) -> None:
    async with database.connection() as connection:
        await connection.raw.execute("ALTER TABLE audit_entries ADD CHECK (act <> 'Grant')")
    with acting(_act()), pytest.raises(asyncpg.CheckViolationError):
        await _grant(database)
    async with database.connection() as connection:
        assert await connection.raw.fetchval("SELECT count(*) FROM identities") == 0


@pytest.mark.parametrize("name", sorted(AUDITED))
async def test_every_audited_transaction_writes_one_entry_even_where_nobody_called(
    database: Database, name: Transaction
) -> None:
    async with database.transaction(name):
        pass
    (entry,) = await _entries(database)
    assert (entry["act"], entry["caller"]) == (name, "")


async def test_other_transactions_write_none(database: Database) -> None:
    async with database.transaction(Transaction.HOLD_ROUND):
        pass
    assert await _entries(database) == []


@pytest.mark.parametrize(
    "rewriting",
    [
        "UPDATE audit_entries SET caller = 'somebody else'",
        "UPDATE audit_entries SET position = NULL, spelled = NULL, leaf = NULL",
        "DELETE FROM audit_entries",
        "TRUNCATE audit_entries",
        "UPDATE audit_checkpoints SET note = ''",
        "DELETE FROM audit_checkpoints",
        "TRUNCATE audit_checkpoints",
    ],
)
async def test_the_past_cannot_be_rewritten_by_mistake(database: Database, rewriting: str) -> None:
    await _log_of(database, 2)
    async with database.connection() as connection:
        with pytest.raises(asyncpg.RaiseError, match="only grows"):
            await connection.raw.execute(rewriting)


async def test_places_are_given_once_by_any_number_of_gateways(database: Database) -> None:
    placing = [AuditPlacing(database, NetworkKeys.of(KEY)) for _ in range(3)]
    for _ in range(4):
        with acting(_act()):
            await asyncio.gather(*(_grant(database) for _ in range(3)))
        await asyncio.gather(*(one.step() for one in placing))
    assert sorted(entry["position"] for entry in await _entries(database)) == list(range(12))  # type: ignore[type-var]
    head = await AuditLog(database, NetworkKeys.of(KEY)).head()
    assert verified_checkpoint(head.note, head.verifier, head.statement, KEY.address).size == 12


async def test_an_entry_is_proven_to_be_in_the_log_and_the_log_to_have_grown(database: Database) -> None:
    log = await _log_of(database, 3)
    head = await log.head()
    old = verified_checkpoint(head.note, head.verifier, head.statement, KEY.address)
    await _log_of(database, 4)
    shown = await log.get(1)
    now = verified_checkpoint(shown.head.note, shown.head.verifier, shown.head.statement, KEY.address)
    assert root_by_inclusion(leaf_hash(shown.entry.spelled), 1, now.size, shown.proof) == now.root
    proof, _ = await log.consistency(old.size)
    assert is_consistent(old.size, old.root, now.size, now.root, proof)


async def test_the_list_is_newest_first_and_by_caller_call_and_moment(database: Database) -> None:
    log = await _log_of(database, 5)
    assert [one.position for one in await log.list_all(limit=2)] == [4, 3]
    assert [one.position for one in await log.list_all(limit=2, before=3)] == [2, 1]
    assert len(await log.list_all(limit=0, by=KEY.address, act="Grant")) == 5
    assert await log.list_all(limit=0, by=ALICE) == []
    assert await log.list_all(limit=0, act="Revoke") == []
    assert await log.list_all(limit=0, since_ms=2**62) == []


@pytest.mark.parametrize(
    "path", ["tile/0/001", "tile/0/000.p/6", "tile/9/000", "tile/0/0", "../key", "tile/entries/000.p/5"]
)
async def test_a_tile_that_is_not_there_or_is_not_for_all_is_refused(database: Database, path: str) -> None:
    log = await _log_of(database, 5)
    with pytest.raises(InvalidField):
        await log.tile(path)


async def test_an_empty_log_has_no_entries_and_no_proofs(database: Database) -> None:
    log = AuditLog(database, NetworkKeys.of(KEY))
    assert (await log.head()).note == ""
    with pytest.raises(InvalidField, match="the log has 0 entries"):
        await log.get(0)
    with pytest.raises(InvalidField):
        await log.consistency(0)


# --- refused calls ---


def _refuse(refused: RefusedCalls, error: Exception, act: Act) -> None:
    with observed_by(refused.hear), acting(act), span("call", act.call) as ended:
        ended.error = error


async def test_refused_calls_are_counted_and_written_down_as_one(database: Database) -> None:
    refused = RefusedCalls(database, ManualClock())
    for _ in range(500):
        _refuse(refused, NotAllowed("you may not"), _act("Deposit", amount=5))
    _refuse(refused, UnknownTask("no such task"), _act("GetTask"))  # a mistake, no refusal
    await refused.write_down()
    await refused.write_down()
    (entry,) = await _entries(database)
    assert (entry["act"], entry["caller"], entry["outcome"], entry["count"]) == (
        "Deposit",
        KEY.address,
        NotAllowed.code,
        500,
    )
    assert entry["what"] == {"amount": 5}


async def test_strangers_cannot_fill_the_log(database: Database) -> None:
    refused = RefusedCalls(database, ManualClock())
    for number in range(1_000):
        act = _act()
        act.by = f"0x{number:040x}"
        _refuse(refused, RateLimited("too many"), act)
    await refused.write_down()
    entries = await _entries(database)
    assert len(entries) == KINDS_MAX + 1
    assert entries[-1]["act"] == OTHERS
    assert sum(entry["count"] for entry in entries) == 1_000  # type: ignore[misc]


async def test_refusals_wait_while_the_database_is_away(database: Database) -> None:
    refused = RefusedCalls(database, ManualClock())
    _refuse(refused, NotAllowed("you may not"), _act())
    async with database.connection() as connection:
        await connection.raw.execute("ALTER TABLE audit_entries RENAME TO away")
    with pytest.raises(asyncpg.UndefinedTableError):
        await refused.write_down()
    async with database.connection() as connection:
        await connection.raw.execute("ALTER TABLE away RENAME TO audit_entries")
    await refused.write_down()
    assert len(await _entries(database)) == 1


async def test_a_refused_call_with_a_text_that_no_database_holds_keeps_no_other_out(database: Database) -> None:
    refused = RefusedCalls(database, ManualClock())
    _refuse(refused, NotAllowed("you may not"), _act("Grant", label="a\x00b", name="\ud800", **{"\x00": 1}))
    _refuse(refused, NotAllowed("you may not"), _act("Deposit"))
    await refused.write_down()
    assert [entry["act"] for entry in await _entries(database)] == ["Grant", "Deposit"]
