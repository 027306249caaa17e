"""Whatever is wrong with the ledger stops settlement; nothing is paid wrongly, and everything once in the end."""

from __future__ import annotations

import pytest

from proofgrid.primitives.clock import ManualClock
from proofgrid.primitives.errors import SettlementStopped
from proofgrid.primitives.ids import TaskId
from proofgrid.roles.settlement.ledger_check import LedgerCheck
from proofgrid.rules.jobs.lifecycle import TaskEvent
from proofgrid.rules.ledger.settlement import deposit, withdraw
from proofgrid.store.incidents import CLOSE_INCIDENT, LIST_INCIDENTS
from proofgrid.store.tasks import end_task
from proofgrid.store.transactions import Transaction
from proofgrid.store.transfers import post_transfers
from tests.roles.lanes import CLIENT, LaneUnderTest

BY_HAND = "INSERT INTO incidents (kind, subject, detail) VALUES ('test', 'x', 'by hand')"
CORRUPT = "UPDATE accounts SET balance = balance + $1 WHERE account = $2"


async def kinds(lane: LaneUnderTest) -> list[tuple[str, str]]:
    rows = await lane.fetch("SELECT kind, subject FROM incidents WHERE closed_ms IS NULL ORDER BY incident_id")
    return [(row["kind"], row["subject"]) for row in rows]


async def close_all(lane: LaneUnderTest) -> None:
    for incident in await lane.ask(LIST_INCIDENTS, closed=False, limit=100):
        await lane.database.write(
            Transaction.CLOSE_INCIDENT, CLOSE_INCIDENT, incident_id=incident.incident_id, by="0xadmin"
        )


async def test_a_ledger_at_work_has_no_violations(lane: LaneUnderTest) -> None:
    check = LedgerCheck(lane.database, ManualClock())
    session = await lane.add_prover("0xalice")
    for _ in range(3):
        await lane.add_task()
        await lane.sell()
        await lane.offer(session)
        await lane.pay(*[one for one in await lane.leases() if one["state"] == "offered"])
        assert await check.look()
    assert await check.look(full=True)
    assert await kinds(lane) == []


@pytest.mark.parametrize("account", [f"client:{CLIENT}", "mint", "treasury"])
async def test_a_corrupted_balance_stops_payments_until_it_is_repaired_and_closed(
    lane: LaneUnderTest, account: str
) -> None:
    check = LedgerCheck(lane.database, ManualClock())
    session = await lane.add_prover("0xalice")
    task_id = await lane.add_task()
    await lane.sell()
    await lane.offer(session)
    [lease] = await lane.leases()
    assert await check.look()

    await lane.fetch(CORRUPT, 5, account)
    async with lane.database.transaction(Transaction.MOVE_MONEY) as connection:
        await post_transfers(connection, deposit(deposit_id="more", client=CLIENT, amount=7))
    assert await check.look(full=account == "treasury")
    assert ("balance", account) in await kinds(lane)
    before = await lane.payments()
    with pytest.raises(SettlementStopped):
        await lane.pay(lease)
    with pytest.raises(SettlementStopped):
        async with lane.database.transaction(Transaction.END_TASK) as connection:
            await end_task(connection, TaskId(task_id), TaskEvent.CANCELLED)
    assert await lane.payments() == before
    await lane.add_task()  # money may still be set aside

    await lane.fetch(CORRUPT, -5, account)
    await close_all(lane)
    assert await check.look(full=True)
    assert await kinds(lane) == []
    await lane.pay(lease)
    await lane.pay(lease)
    assert [reason for reason, _, _ in await lane.payments()].count("proof") == 1
    await lane.check_money()


async def test_what_was_not_repaired_opens_again_and_an_open_incident_only_once(lane: LaneUnderTest) -> None:
    check = LedgerCheck(lane.database, ManualClock())
    await lane.fetch(CORRUPT, 5, "treasury")
    await check.look(full=True)
    await check.look(full=True)
    assert len(await kinds(lane)) == 2  # the balance, and the sum
    await close_all(lane)
    await check.look(full=True)
    assert len(await kinds(lane)) == 2
    assert len(await lane.ask(LIST_INCIDENTS, closed=True, limit=100)) == 4


async def test_withdrawals_are_refused_and_deposits_are_taken_while_settlement_is_stopped(lane: LaneUnderTest) -> None:
    await lane.fetch(BY_HAND)
    async with lane.database.transaction(Transaction.MOVE_MONEY) as connection:
        await post_transfers(connection, deposit(deposit_id="e", client=CLIENT, amount=1))
    with pytest.raises(SettlementStopped):
        async with lane.database.transaction(Transaction.MOVE_MONEY) as connection:
            await post_transfers(
                connection,
                withdraw(withdrawal_id="w", account=f"client:{CLIENT}", amount=1),  # type: ignore[arg-type]
            )


async def test_a_second_payment_of_a_job_and_a_payment_beyond_the_escrow_are_found(lane: LaneUnderTest) -> None:
    check = LedgerCheck(lane.database, ManualClock())
    task_id = await lane.add_task()
    assert await check.look()
    await lane.fetch(
        "SELECT post_transfers(jsonb_build_array(jsonb_build_object('transfer_id', 'forged', 'debit', 'escrow:' || $1,"
        " 'credit', 'operator:0xmallory', 'amount', 3, 'reason', 'proof', 'task_id', $1, 'job_id',"
        " (SELECT job_id FROM jobs WHERE task_id = $1::uuid))))",
        str(task_id),
    )
    assert await check.look()
    assert await kinds(lane) == [("payment", str(task_id))]


async def test_a_proof_that_was_never_paid_is_found(lane: LaneUnderTest) -> None:
    check = LedgerCheck(lane.database, ManualClock())
    session = await lane.add_prover("0xalice", slots=2)
    paid, unpaid = await lane.add_task(), await lane.add_task()
    await lane.sell()
    await lane.offer(session)
    await lane.pay(*await lane.leases())
    await lane.fetch("DELETE FROM transfers WHERE task_id = $1 AND reason = 'proof'", unpaid)
    assert await check.look(full=True)
    found = await kinds(lane)
    assert ("payment", str(unpaid)) in found
    assert ("payment", str(paid)) not in found


class SlowCheck(LedgerCheck):
    """Each look takes so long, and reads so many rows."""

    def __init__(self, lane: LaneUnderTest, clock: ManualClock) -> None:
        super().__init__(lane.database, clock, look_seconds=2.0)
        self.clock, self.took_ms, self.reads = clock, 0, 0

    async def look(self, *, full: bool = False) -> bool:
        self.clock.advance(self.took_ms)
        looked = await super().look(full=full)
        self._rows = self.reads
        return looked


async def test_a_look_that_takes_long_is_followed_by_a_long_pause(lane: LaneUnderTest) -> None:
    check = SlowCheck(lane, ManualClock())
    check.took_ms = 10
    assert await check.step() == 2.0
    check.took_ms, check.reads = 1_000, 10_000
    assert await check.step() == 19.0  # a twentieth of the time
    check.reads = 3
    assert await check.step() == 2.0  # it waited for others: so little is read in no time


async def test_the_watch_lets_nothing_expire_that_waits_to_be_paid(lane: LaneUnderTest) -> None:
    session = await lane.add_prover("0xalice")
    await lane.add_task()
    await lane.sell()
    await lane.offer(session)
    await lane.fetch("UPDATE leases SET state = 'reported', reported_ms = 1, expires_ms = now_ms() + 100")
    await lane.fetch(BY_HAND)

    seconds = await lane.watch._until_next()

    [lease] = await lane.leases()
    assert seconds == 1.0
    assert lease["expires_ms"] > lease["now_ms"] + 100_000
