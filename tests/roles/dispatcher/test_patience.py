"""A connection to the database that is lost under what a prover says costs a moment, not the prover's stream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest

from proofgrid.primitives.errors import SettlementStopped, Unavailable
from proofgrid.primitives.ids import Address, LeaseId, ProverId, SessionId
from proofgrid.roles.dispatcher import patience
from proofgrid.roles.dispatcher.desk import Desk, DispatchSettings
from proofgrid.roles.dispatcher.patience import patiently
from proofgrid.roles.dispatcher.session import Session
from proofgrid.rules.jobs.offers import HeldLease, JobReport, JobTrouble, Paid, Verdict
from proofgrid.store.connection import Connection
from proofgrid.store.transactions import Transaction
from tests.roles.lanes import LaneUnderTest, held

AWAY = Unavailable("the database is away")
RIGHT = Paid(prover_id=ProverId("alice/p"), price=7)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "MOMENT_SECONDS", 0.0)
    monkeypatch.setattr(patience, "ANSWER_SECONDS", 0.05)


def the_session(lane_session: SessionId) -> Session:
    return Session(
        session_id=lane_session, prover_id=ProverId("alice/p"), operator=Address("alice"), lanes=[], dropped=[]
    )


def lose_connections(
    lane: LaneUnderTest, name: Transaction, monkeypatch: pytest.MonkeyPatch, *, times: int
) -> list[Transaction]:
    """Let the first transactions of a name lose their connections before the commit; return what was tried."""
    transaction, tried = lane.database.transaction, []

    @asynccontextmanager
    async def doomed(running: Transaction) -> AsyncIterator[Connection]:
        async with transaction(running) as connection:
            yield connection
            if running is name:
                tried.append(running)
                if len(tried) <= times:
                    await connection.raw.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    monkeypatch.setattr(lane.database, "transaction", doomed)
    return tried


async def a_told_lease(lane: LaneUnderTest) -> tuple[Session, HeldLease]:
    session_id = await lane.add_prover("alice")
    await lane.add_task()
    assert await lane.sell() == 1
    await lane.offer(session_id)
    [lease] = await lane.leases()
    return the_session(session_id), held(lease)


async def test_a_word_whose_transaction_lost_its_connection_is_noted_by_the_next_try(
    lane: LaneUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, lease = await a_told_lease(lane)
    tried = lose_connections(lane, Transaction.RETURN_JOB, monkeypatch, times=1)

    await lane.desk.trouble(session, JobTrouble(held=lease, code="PG-320", detail="died"))

    [row] = await lane.leases()
    assert (len(tried), row["state"]) == (2, "failed")


async def test_a_database_that_stays_away_ends_the_stream_with_what_it_said(
    lane: LaneUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, lease = await a_told_lease(lane)
    lose_connections(lane, Transaction.RETURN_JOB, monkeypatch, times=2)

    with pytest.raises(Unavailable, match="terminating connection"):
        await lane.desk.trouble(session, JobTrouble(held=lease, code="PG-320", detail="died"))


async def test_a_heartbeat_that_was_undone_counts_by_the_next_try(
    lane: LaneUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    session_id = await lane.add_prover("alice")
    async with lane.running_desk() as desk:
        write_heartbeats, tried = desk._hearing._heartbeats._carry_out, []

        async def undone(beats: list[object]) -> object:
            tried.append(beats)
            if len(tried) == 1:
                raise AWAY
            return await write_heartbeats(beats)  # type: ignore[arg-type]

        monkeypatch.setattr(desk._hearing._heartbeats, "_carry_out", undone)
        assert await desk.heartbeat(the_session(session_id), []) == []
    assert len(tried) == 2


async def test_only_results_that_were_undone_are_judged_again(lane: LaneUnderTest) -> None:
    judged: list[list[JobReport]] = []

    async def settle(reports: list[JobReport], operator: Address) -> list[Paid | BaseException]:
        judged.append(list(reports))
        return [RIGHT, AWAY] if len(judged) == 1 else [RIGHT]

    desk = Desk(
        lane.database,
        gateway_id=lane.gateway_id,
        settle=settle,  # type: ignore[arg-type]
        checking=lane.checking,
        settings=DispatchSettings(),
        subnetwork="default",
        clock=lane.desk._clock,
        in_hand=lane.in_hand,
    )
    first, second = (
        JobReport(
            held=HeldLease(lease_id=LeaseId(uuid4()), fence=1),
            proof=b"",
            proof_digest=None,
            public={},
            wall_ms=1,
            memory_peak_bytes=0,
        )
        for _ in range(2)
    )

    verdicts = await desk.results(the_session(SessionId(uuid4())), [first, second])

    assert verdicts == [Verdict(accepted=True, price=7)] * 2
    assert judged == [[first, second], [second]]


@pytest.mark.usefixtures("quick")
async def test_a_second_try_that_is_not_answered_is_given_up_with_the_first_reason() -> None:
    tries = 0

    async def work() -> None:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise AWAY
        await asyncio.Event().wait()

    with pytest.raises(Unavailable) as caught:
        await patiently(work)
    assert caught.value is AWAY


@pytest.mark.usefixtures("quick")
async def test_a_stopped_settlement_is_not_tried_again() -> None:
    tries = 0

    async def work() -> None:
        nonlocal tries
        tries += 1
        raise SettlementStopped

    with pytest.raises(SettlementStopped):
        await patiently(work)
    assert tries == 1
