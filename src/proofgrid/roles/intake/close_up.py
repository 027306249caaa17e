"""A task with all that belongs to it, for its client; an operator's provers, what they earn, why nothing is sold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from proofgrid.primitives.ids import JobId, TaskId
from proofgrid.primitives.pages import before_uuid
from proofgrid.roles.intake.bond_moves import Stake
from proofgrid.roles.intake.bonds import Bonds
from proofgrid.roles.intake.reputation import Reputation
from proofgrid.roles.intake.tasks import Tasks
from proofgrid.rules.access.rights import needs
from proofgrid.rules.access.roles import Caller, Role
from proofgrid.rules.jobs.limits import LIST_MAX
from proofgrid.rules.jobs.waiting import Waits
from proofgrid.rules.ledger.accounts import operator_account
from proofgrid.rules.reputation.reports import ProverReport
from proofgrid.store import close_up as stored
from proofgrid.store.database import Database
from proofgrid.store.evidence import LIST_EVIDENCE, Evidence
from proofgrid.store.gateways import DATABASE_TIME
from proofgrid.store.lanes import GATEWAY_SILENT_MS
from proofgrid.store.ledger import PostedTransfer, balance_of
from proofgrid.store.task_views import EventView, JobView, TaskView

EVENTS_MAX = 500
DAY_MS = 86_400_000
EARNED_DAYS = 30
ROUNDS_READ_MAX = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskCloseUp:
    """A task at one moment of the database."""

    now_ms: int
    task: TaskView
    jobs: Sequence[JobView]
    waits: Mapping[JobId, Waits]
    leases: Sequence[stored.LeaseOfTask]
    transfers: Sequence[PostedTransfer]
    events: Sequence[EventView]


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorCloseUp:
    """What an operator sees of itself; amounts are base units."""

    now_ms: int
    provers: Sequence[ProverReport]
    sessions: Sequence[stored.SessionOfOperator]
    bids: Mapping[str, stored.BidsOfLane]
    sales: Mapping[str, stored.SalesAtAsk]  #: of the last day, by lane, at the least price that it asks there
    earned: int
    by_day: Sequence[stored.EarnedOnDay]
    stake: Stake
    evidence: Sequence[Evidence]


class CloseUp:
    """Nothing of others."""

    def __init__(
        self, database: Database, tasks: Tasks, reputation: Reputation, bonds: Bonds, *, silent_ms: int
    ) -> None:
        self._database = database
        self._tasks = tasks
        self._reputation = reputation
        self._bonds = bonds
        self._silent_ms = silent_ms

    @needs(Role.CLIENT, Role.ADMIN)
    async def of_task(self, caller: Caller, task_id: TaskId) -> TaskCloseUp:
        """Return a task with its leases, its money and its timeline; raise UnknownTask for another's."""
        task, jobs, waits = await self._tasks.get(caller, task_id)
        events = await self._tasks.timeline(caller, task_id, limit=EVENTS_MAX)
        async with self._database.connection() as connection:
            return TaskCloseUp(
                now_ms=await connection.value(DATABASE_TIME),
                task=task,
                jobs=jobs,
                waits=waits,
                leases=await connection.fetch(stored.LEASES_OF_TASK, task_id=task_id, limit=LIST_MAX),
                transfers=await connection.fetch(stored.TRANSFERS_OF_TASK, task_id=task_id, limit=LIST_MAX),
                events=events,
            )

    @needs(Role.OPERATOR)
    async def of_operator(self, caller: Caller, *, ask: int | None = None) -> OperatorCloseUp:
        """Return an operator's provers and what they meet. `ask`: a price per PU to ask about instead of its own."""
        operator = caller.address
        reports = await self._reputation.operators(operator)
        stake = await self._bonds.get(caller, None)
        async with self._database.connection() as connection:
            sessions = await connection.fetch(
                stored.SESSIONS_OF_OPERATOR,
                operator=operator,
                silent_ms=self._silent_ms,
                gateway_silent_ms=GATEWAY_SILENT_MS,
            )
            asks = _least_asks(sessions, ask)
            account = operator_account(operator)
            bids = await connection.fetch(stored.BIDS_OF_LANES, lanes=list(asks))
            sales = await connection.fetch(
                stored.SALES_AT_ASK,
                lanes=list(asks),
                asks=list(asks.values()),
                rounds=ROUNDS_READ_MAX,
                window_ms=DAY_MS,
            )
            return OperatorCloseUp(
                now_ms=await connection.value(DATABASE_TIME),
                provers=[prover for report in reports for prover in report.provers],
                sessions=sessions,
                bids={one.lane: one for one in bids},
                sales={one.lane: one for one in sales},
                earned=await balance_of(connection, account),
                by_day=await connection.fetch(stored.EARNED_BY_DAY, account=account, days=EARNED_DAYS),
                stake=stake,
                evidence=await connection.fetch(
                    LIST_EVIDENCE, operator=operator, state="", limit=LIST_MAX, **before_uuid("", "evidence")
                ),
            )


def _least_asks(sessions: Sequence[stored.SessionOfOperator], ask: int | None) -> dict[str, int]:
    asks: dict[str, int] = {}
    for session in sessions:
        for lane, price in session.asks_by_lane().items():
            asks[lane] = min(asks.get(lane, price), price) if ask is None else ask
    return asks
