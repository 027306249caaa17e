"""What the provers of this gateway say while they work: that they live and hold leases, and how far they are.

Both are written down together for all that speak at about the same time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from proofgrid.primitives.ids import LeaseId, SessionId
from proofgrid.rules.jobs.events import Stage
from proofgrid.rules.jobs.offers import HeldLease, StageReport
from proofgrid.rules.jobs.phases import LeaseTimes, PhasePolicy, after_progress
from proofgrid.rules.jobs.told import Told, after_telling
from proofgrid.store.batches import Batches
from proofgrid.store.connection import Connection
from proofgrid.store.database import Database
from proofgrid.store.leases import LEASES_OF_PROGRESS, NOTE_PROGRESS, TASKS_OF_LEASES, HeardLease, LockedLease
from proofgrid.store.sessions import HEARTBEATS
from proofgrid.store.tasks import LOCK_TASKS, append_events
from proofgrid.store.transactions import Transaction

BATCH_MAX = 1_000
TOLD_MAX = 100_000  #: leases of which it is remembered what was told
NOTHING = Told()

_Beat = tuple[SessionId, list[HeldLease]]
_Said = tuple[SessionId, StageReport]


class Hearing:
    """Needs its `run` in a TaskGroup."""

    def __init__(self, database: Database, phases: PhasePolicy) -> None:
        self._database = database
        self._phases = phases
        self._told: dict[LeaseId, Told] = {}
        self._heartbeats: Batches[_Beat, list[LeaseId]] = Batches(
            self._write_heartbeats, size_max=BATCH_MAX, of="heartbeats"
        )
        self._progress: Batches[_Said, None] = Batches(self._write_progress, size_max=BATCH_MAX, of="progress")

    async def run(self) -> None:
        """Write down what is heard until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._heartbeats.run())
            group.create_task(self._progress.run())

    async def heartbeat(self, session_id: SessionId, held: list[HeldLease]) -> list[LeaseId]:
        """Let a session and its leases live on; return the leases that are not its own any more."""
        return await self._heartbeats.add((session_id, held))

    async def progress(self, session_id: SessionId, report: StageReport) -> None:
        """Note how far a job is; the first word of a lease says that it has started."""
        await self._progress.add((session_id, report))

    async def _write_heartbeats(self, beats: list[_Beat]) -> list[list[LeaseId]]:
        leases = [(one.lease_id, one.fence, session_id) for session_id, held in beats for one in held]
        ids, fences, sessions = ([lease[side] for lease in leases] for side in range(3))
        alive = set(
            await self._database.write(
                Transaction.HEARTBEAT,
                HEARTBEATS,
                session_ids=[session_id for session_id, _ in beats],
                lease_ids=ids,
                fences=fences,
                lease_sessions=sessions,
                silent_ms=self._phases.silent_ms,
            )
        )
        return [[one.lease_id for one in held if one.lease_id not in alive] for _, held in beats]

    async def _write_progress(self, said: list[_Said]) -> list[None]:
        # Of several words about one lease the last counts.
        last = {report.held.lease_id: (session_id, report) for session_id, report in said}
        async with self._database.transaction(Transaction.NOTE_PROGRESS) as connection:
            tasks = await connection.fetch(TASKS_OF_LEASES, lease_ids=list(last))
            await connection.run(LOCK_TASKS, task_ids=tasks)
            rows = await connection.fetch(
                LEASES_OF_PROGRESS,
                lease_ids=list(last),
                fences=[report.held.fence for _, report in last.values()],
                session_ids=[session_id for session_id, _ in last.values()],
            )
            heard = [(row, last[row.lease_id][1]) for row in rows]
            await self._note_times(connection, heard)
            news = self._news_of(heard)
            events = [(row.task_id, _stage_event(row, report)) for row, report in heard if row.lease_id in news]
            await append_events(connection, events)
        self._remember(news)  # what was undone is news the next time
        return [None] * len(said)

    def _news_of(self, heard: Sequence[tuple[HeardLease, StageReport]]) -> dict[LeaseId, Told]:
        told = {
            row.lease_id: after_telling(self._told.get(row.lease_id, NOTHING), report.stage, report.permille)
            for row, report in heard
        }
        return {lease_id: one for lease_id, one in told.items() if one is not None}

    def _remember(self, news: Mapping[LeaseId, Told]) -> None:
        for lease_id, one in news.items():
            self._told.pop(lease_id, None)
            self._told[lease_id] = one  # re-inserted, so that the first one is the longest unheard
            if len(self._told) > TOLD_MAX:
                self._told.pop(next(iter(self._told)))

    async def _note_times(self, connection: Connection, heard: Sequence[tuple[HeardLease, StageReport]]) -> None:
        times = [
            after_progress(lease_times(row), report.permille, policy=self._phases, now_ms=row.now_ms)
            for row, report in heard
        ]
        await connection.run(
            NOTE_PROGRESS,
            lease_ids=[row.lease_id for row, _ in heard],
            states=[one.state for one in times],
            expires_ms=[one.expires_ms for one in times],
            phase_until_ms=[one.phase_until_ms for one in times],
            until_ms=[one.until_ms for one in times],
            started_ms=[one.started_ms for one in times],
            permilles=[one.permille for one in times],
            stages=[report.stage for _, report in heard],
        )


def lease_times(row: HeardLease | LockedLease) -> LeaseTimes:
    """Return the timers in a lease's row."""
    return LeaseTimes(
        state=row.state,
        expires_ms=row.expires_ms,
        phase_until_ms=row.phase_until_ms,
        until_ms=row.until_ms,
        prove_ms=row.prove_ms,
        started_ms=row.started_ms,
        permille=row.permille,
    )


def _stage_event(row: HeardLease, report: StageReport) -> Stage:
    return Stage(
        slice=row.slice,
        input=row.input,
        stage=report.stage,
        permille=report.permille,
        prover=row.prover_id,
    )
