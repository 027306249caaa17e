"""Runs rounds: collects what waits in a lane and who is free, asks the rules, writes transcript and leases.

lane wakes (job ready, prover free, prover came) -> a pause after the round before -> one transaction:
    lane lock -> lock the tasks that bid best -> orders, epoch -> rules.market.rounds -> round + leases + events

Whoever holds the lane's lock leads it for this round; the epoch in rounds and leases counts the changes of leader.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg
import structlog

from proofgrid.primitives.canonical import canonical_json
from proofgrid.primitives.clock import Clock, fresh_bytes, fresh_uuid
from proofgrid.primitives.digests import Digest, digest_of
from proofgrid.primitives.errors import LeaseLost
from proofgrid.primitives.ids import GatewayId, Lane, TaskId
from proofgrid.primitives.signatures import SigningKey
from proofgrid.roles.market.book import Book, demands_of, may_prove, supply_of, with_wishes
from proofgrid.rules.jobs.lifecycle import JobEvent, job_sources
from proofgrid.rules.jobs.phases import LeaseTimes, PhasePolicy, after_grant
from proofgrid.rules.jobs.speed import Speed
from proofgrid.rules.market.rounds import Placement, RoundInputs, RoundOutcome, run_round
from proofgrid.store.database import PASSING_TROUBLE, Database
from proofgrid.store.lanes import sessions_of_lane
from proofgrid.store.queries import QUERIES
from proofgrid.store.tasks import Event, append_events
from proofgrid.store.transactions import Transaction

JOBS_PER_ROUND_MAX = 2_000
BOOK_TASKS_MIN = 32
BOOK_TASKS_MAX = 1_000
PAUSE_ROUNDS = 1  #: after a round, as long as it took, at most the interval
PAUSE_MAX_MS = 2_500  #: a leader that is silent for so long in the middle of a round loses the round and the lane
NO_SALE_EVERY_MS = 1_000  #: at most one such event per task
STAND_BY_MS = 250  #: after finding another gateway at a lane's round
WISH_RETRY_MS = 250  #: a wish is held for a few seconds only
UNSOLD_RETRY_FIRST_SECONDS = 0.25
UNSOLD_RETRY_MAX_SECONDS = 4.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketSettings:
    """How rounds are run."""

    interval_ms: int = 100  #: the longest that a busy lane gathers orders before its next round
    phases: PhasePolicy = field(default_factory=PhasePolicy)
    reference_price: int = 1_000  #: base units per PU in a lane without a round; a lone prover sells at it


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What a round came to."""

    sold: int  #: jobs
    unsold: int  #: jobs left although somebody was there to prove them
    next_job_ms: int | None  #: until the next job that waits for its time may be sold


class Market:
    """Runs the rounds of all lanes. Any number of gateways may run one: the lane lock keeps rounds apart."""

    def __init__(
        self, database: Database, *, gateway_id: GatewayId, key: SigningKey, settings: MarketSettings, clock: Clock
    ) -> None:
        self._database = database
        self._gateway_id = gateway_id
        self._key = key
        self._settings = settings
        self._clock = clock
        self._dirty: dict[Lane, asyncio.Event] = {}
        self._told: dict[Lane, dict[str, tuple[int, int]]] = {}  #: task -> (cheapest ask it was told of, when)
        self._group: asyncio.TaskGroup | None = None

    def wake(self, lane: str) -> None:
        """Something changed in a lane."""
        event = self._dirty.get(Lane(lane))
        if event is None:
            event = self._dirty[Lane(lane)] = asyncio.Event()
            if self._group is not None:
                self._group.create_task(self._run_lane(Lane(lane), event))
        event.set()

    async def wake_all(self) -> None:
        """Notifications may have been missed: look at every lane with work."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(QUERIES["lanes_with_ready_jobs"])
        for row in rows:
            self.wake(row["lane"])

    async def run(self) -> None:
        """Run rounds until cancelled."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            for lane, event in self._dirty.items():
                group.create_task(self._run_lane(lane, event))
            await self.wake_all()
            await asyncio.Event().wait()

    async def _run_lane(self, lane: Lane, dirty: asyncio.Event) -> None:
        loop = asyncio.get_running_loop()
        retry_seconds = UNSOLD_RETRY_FIRST_SECONDS
        wait_seconds: float | None = None
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_seconds):
                    await dirty.wait()
            dirty.clear()
            started = loop.time()
            try:
                held = await self.hold_round(lane)
                if held is None:
                    wait_seconds = await self._until_next_job(lane)
                    continue
            except PASSING_TROUBLE as error:
                log.warning("round_failed", lane=lane, reason=str(error))
                held = Held(sold=0, unsold=1, next_job_ms=None)
            # With unsold orders on both sides the reference price moves, so the next round may trade.
            retry_seconds = (
                UNSOLD_RETRY_FIRST_SECONDS if held.sold else min(2 * retry_seconds, UNSOLD_RETRY_MAX_SECONDS)
            )
            waits = [retry_seconds] if held.unsold else []
            waits += [held.next_job_ms / 1000] if held.next_job_ms is not None else []
            wait_seconds = min(waits, default=None)
            await asyncio.sleep(self._pause_seconds(loop.time() - started))

    def _pause_seconds(self, round_seconds: float) -> float:
        """Rounds take a fixed share of the time: a calm lane sells at once, a busy one gathers orders meanwhile."""
        return min(PAUSE_ROUNDS * round_seconds, self._settings.interval_ms / 1000)

    async def hold_round(self, lane: Lane) -> Held | None:
        """Hold one round of a lane, or none when there is nothing to match."""
        async with self._database.transaction(Transaction.HOLD_ROUND) as connection:
            if not await connection.fetchval(QUERIES["lock_lane"], lane, str(PAUSE_MAX_MS)):
                # Another gateway is at it. Should it die before it is done, this one must not come late.
                return Held(sold=0, unsold=0, next_job_ms=STAND_BY_MS)
            book = await self._collect(connection, lane)
            if not book.demands and not book.wishes:
                return Held(sold=0, unsold=0, next_job_ms=self._settings.interval_ms) if book.skipped else None
            opening = await connection.fetchrow(QUERIES["open_round"], lane, self._gateway_id)
            outcome = run_round(self._inputs(opening, lane, book))
            hashed = await self._record(connection, outcome, opening["epoch"])
            await self._grant(connection, outcome, hashed, book, opening["epoch"])
            await self._tell_unsold(connection, lane, book)
        sold = len(outcome.placements)
        log.info(
            "round_cleared",
            lane=lane,
            number=outcome.number,
            sold=sold,
            buy_price=outcome.buy_price,
            sell_price=outcome.sell_price,
        )
        next_job_ms = self._settings.interval_ms if book.skipped else opening["next_put_off"]
        hedged = sum(placement.job_id in book.wishes for placement in outcome.placements)
        if hedged < len(book.wishes):
            next_job_ms = WISH_RETRY_MS if next_job_ms is None else min(WISH_RETRY_MS, next_job_ms)
        return Held(sold=sold, unsold=len(book.jobs) - (sold - hedged), next_job_ms=next_job_ms)

    async def _until_next_job(self, lane: Lane) -> float | None:
        async with self._database.connection() as connection:
            wait_ms = await connection.fetchval(QUERIES["next_put_off"], lane)
        return None if wait_ms is None else wait_ms / 1000

    async def _collect(self, connection: Any, lane: Lane) -> Book:
        sessions = await sessions_of_lane(connection, lane)
        free = {row["prover_id"]: row for row in sessions if row["slots"] > row["busy"]}
        if not free:
            return Book()
        slots = sum(row["slots"] - row["busy"] for row in free.values())
        found = await connection.fetch(
            QUERIES["lock_tasks_for_sale"],
            lane,
            book_tasks(slots),
            list(free),
            [row["memory_bytes"] - row["memory_busy"] for row in free.values()],
        )
        tasks = [row for row in found if row["limit_price"] is not None]
        if not tasks:
            return Book(skipped=bool(found))
        wished = [job_id for task in tasks for job_id in task["wished"] or ()]
        jobs = await connection.fetch(
            QUERIES["jobs_for_sale"],
            [task["task_id"] for task in tasks],
            [task["limit_price"] for task in tasks],
            lane,
            slots // 2 + 1,  # a bid covers at most half of what is free
            JOBS_PER_ROUND_MAX,
        )
        wishes = await connection.fetch(QUERIES["wishes_for_sale"], wished) if wished else []
        return Book(
            tasks={str(task["task_id"]): task for task in tasks},
            demands=demands_of(tasks, jobs, free),
            supplies=[supply_of(row) for row in free.values()],
            jobs={str(job["job_id"]): job for job in jobs},
            sessions=free,
            wishes={str(wish["job_id"]): wish for wish in wishes if may_prove(wish, free)},
            skipped=len(tasks) < len(found),
        )

    def _inputs(self, opening: asyncpg.Record, lane: Lane, book: Book) -> RoundInputs:
        first = opening["number"] is None
        number = 1 if first else opening["number"] + 1
        return RoundInputs(
            lane=lane,
            number=number,
            previous=None if first else Digest(opening["transcript_hash"]),
            # Drawn after the orders are fixed, so that nobody can choose an id that ranks well.
            beacon=fresh_bytes(32),
            reference=self._settings.reference_price if first else opening["next_reference"],
            demands=with_wishes(book, number) if book.wishes else book.demands,
            supplies=book.supplies,
        )

    async def _record(self, connection: Any, outcome: RoundOutcome, epoch: int) -> Digest:
        text = canonical_json(outcome.transcript)
        hashed = digest_of(text)
        recorded = await connection.fetchval(
            QUERIES["insert_round"],
            outcome.lane,
            outcome.number,
            text.decode(),
            hashed,
            self._key.sign(bytes.fromhex(hashed)),
            outcome.buy_price if outcome.placements else 0,
            outcome.sell_price if outcome.placements else 0,
            sum(placement.units for placement in outcome.placements),
            len(outcome.transcript["bids"]),
            len(outcome.transcript["asks"]),
            outcome.next_reference,
            epoch,
            self._gateway_id,
        )
        if recorded is None:
            raise LeaseLost(f"another gateway leads {outcome.lane}")
        return hashed

    async def _grant(self, connection: Any, outcome: RoundOutcome, hashed: Digest, book: Book, epoch: int) -> None:
        hedges = [one for one in outcome.placements if one.job_id in book.wishes]
        firsts = [one for one in outcome.placements if one.job_id not in book.wishes] if hedges else outcome.placements
        if firsts:
            await self._write_leases(connection, QUERIES["grant_leases"], JobEvent.SOLD, outcome, firsts, book, epoch)
        if hedges:
            await self._write_leases(connection, QUERIES["grant_hedges"], JobEvent.HEDGED, outcome, hedges, book, epoch)
        prices = {
            "lane": outcome.lane,
            "round": outcome.number,
            "round_hash": hashed,
            "buy_price": outcome.buy_price,
            "sell_price": outcome.sell_price,
        }
        sold = [("sold", one, book.jobs[one.job_id]) for one in firsts]
        sold += [("hedged", one, book.wishes[one.job_id]) for one in hedges]
        await append_events(
            connection,
            [
                Event(
                    TaskId(job["task_id"]),
                    kind,
                    {"slice": job["slice"], "input": job["input"], "prover": placement.prover_id, **prices},
                )
                for kind, placement, job in sold
            ],
        )

    async def _write_leases(
        self,
        connection: Any,
        query: str,
        event: JobEvent,
        outcome: RoundOutcome,
        placements: Sequence[Placement],
        book: Book,
        epoch: int,
    ) -> None:
        jobs = book.wishes if event is JobEvent.HEDGED else book.jobs
        times: dict[tuple[str, int, int], LeaseTimes] = {}  # many jobs of a round are alike
        rows = []
        for placement in placements:
            session = book.sessions[placement.prover_id]
            memory_bytes = jobs[placement.job_id]["memory_bytes"]
            alike = (placement.prover_id, placement.units, memory_bytes)
            timers = times.get(alike)
            if timers is None:
                timers = times[alike] = after_grant(
                    units=placement.units,
                    memory_bytes=memory_bytes,
                    speed=Speed(units=session["units"], wall_ms=session["wall_ms"], samples=session["samples"]),
                    policy=self._settings.phases,
                    now_ms=0,
                )
            rows.append(
                {
                    "lease_id": str(fresh_uuid(self._clock)),
                    "job_id": placement.job_id,
                    "task_id": placement.task_id,
                    "prover_id": placement.prover_id,
                    "operator": session["operator"],
                    "session_id": str(session["session_id"]),
                    "gateway_id": str(session["gateway_id"]),
                    "units": placement.units,
                    "pick_up_ms": timers.phase_until_ms,
                    "limit_ms": timers.until_ms,
                    "prove_ms": timers.prove_ms,
                }
            )
        granted = await connection.fetch(
            query,
            rows,
            outcome.lane,
            outcome.number,
            outcome.buy_price,
            outcome.sell_price,
            job_sources(event),
            epoch,
        )
        if sum(row["number"] for row in granted) != len(rows):
            raise LeaseLost(f"a job of {outcome.lane} was sold by somebody else")

    async def _tell_unsold(self, connection: Any, lane: Lane, book: Book) -> None:
        """Tell the tasks that bid less than everybody asks; again when the cheapest ask is another, once a second."""
        cheapest = min(supply.ask_price for supply in book.supplies)
        now_ms = self._clock.now_ms()
        before, after = self._told.get(lane, {}), {}
        events = []
        for demand in book.demands:
            if demand.limit_price >= cheapest:
                continue
            ask, at_ms = before.get(demand.task_id, (None, 0))
            if ask != cheapest and now_ms - at_ms >= NO_SALE_EVERY_MS:
                said = {"lane": lane, "cheapest_ask": cheapest, "limit_price": demand.limit_price}
                events.append(Event(TaskId(UUID(demand.task_id)), "no_sale", said))
                ask, at_ms = cheapest, now_ms
            if ask is not None:
                after[demand.task_id] = (ask, at_ms)
        await append_events(connection, events)
        self._told[lane] = after


def book_tasks(slots: int) -> int:
    """How many tasks a round looks at, from the best bid down, when so many slots are free.

    Every task bids for one job at least, so beyond the slots there is no room for more; twice as many leaves room for
    tasks that are locked or excluded. A bid below these cannot win: the clocks would ask it to leave first (0010).
    """
    return min(max(2 * slots, BOOK_TASKS_MIN), BOOK_TASKS_MAX)
