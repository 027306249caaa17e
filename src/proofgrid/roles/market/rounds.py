"""Runs rounds: collects what waits in a stack's lanes and who is free, asks the rules, writes records and leases.

lane wakes (job ready, prover free, prover came) -> a pause after the round before -> one transaction:
    stack lock -> lock the tasks that bid best -> orders, epochs -> rules.market.stack -> rounds + leases + events

Whoever holds the stack's lock leads its lanes for this round; the epoch in rounds and leases counts changes of leader.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import structlog

from proofgrid.primitives.clock import Clock, fresh_bytes
from proofgrid.primitives.collector import no_collections
from proofgrid.primitives.event_loop import aside
from proofgrid.primitives.ids import GatewayId, ProverId, Stack
from proofgrid.primitives.turns import Urgency
from proofgrid.roles.chores import Chores
from proofgrid.roles.loop import Loop
from proofgrid.roles.market.bonds import check_bonds, slots_of_bonds
from proofgrid.roles.market.book import Book, StackBook, with_wishes
from proofgrid.roles.market.collecting import collect_stack
from proofgrid.roles.market.granting import ASIDE_FROM, Granting
from proofgrid.roles.market.pacing import Pacing, RoundsTally
from proofgrid.roles.market.sales import count_sales
from proofgrid.roles.market.telling import Telling
from proofgrid.rules.identity.network_keys import NetworkKeys
from proofgrid.rules.jobs.classes import is_wide, stack_of
from proofgrid.rules.jobs.phases import PhasePolicy
from proofgrid.rules.market.blinding import SECRET_BYTES, Blinding
from proofgrid.rules.market.clearing import FAST_FROM_ORDERS
from proofgrid.rules.market.rounds import RoundOutcome
from proofgrid.rules.market.stack import LaneDemands, Supplies, run_stack
from proofgrid.rules.reputation.newcomers import NEWCOMER_SLOTS
from proofgrid.rules.reputation.standing import ReputationPolicy
from proofgrid.rules.scheduling.fitness import HORIZON_MS
from proofgrid.rules.staking.bonds import BondPolicy
from proofgrid.store.book import LANES_WITH_READY_JOBS, NEXT_PUT_OFF
from proofgrid.store.connection import Connection
from proofgrid.store.database import Database
from proofgrid.store.rounds import OPEN_STACK, RoundOpening
from proofgrid.store.transactions import Transaction
from proofgrid.telemetry.metrics.of_gateway import ROUND_SECONDS

ROOM = "free"  #: behind a lane in a notification
STAND_BY_MS = 250  #: after finding another gateway at a lane's round
WISH_RETRY_MS = 250  #: a wish is held for a few seconds only

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketSettings:
    """How rounds are run."""

    interval_ms: int = 100  #: the longest that a busy lane gathers orders before its next round
    phases: PhasePolicy = field(default_factory=PhasePolicy)
    reputation: ReputationPolicy = field(default_factory=ReputationPolicy)
    newcomer_slots: int = NEWCOMER_SLOTS  #: of all new provers of an operator, before their first verified job
    reference_price: int = 1_000  #: base units per PU in a lane without a round; a lone prover sells at it
    fee_permille: int = 0  #: of what operators are paid for leases that are sold from now on
    horizon_ms: int = HORIZON_MS  #: a slot holds no more than its prover, at its measured speed, proves in this time
    bonds: BondPolicy = field(default_factory=BondPolicy)


class Market:
    """Runs the rounds of all lanes. Any number of gateways may run one: the lane lock keeps rounds apart."""

    def __init__(
        self,
        database: Database,
        *,
        gateway_id: GatewayId,
        keys: NetworkKeys,
        settings: MarketSettings,
        clock: Clock,
        chores: Chores | None = None,
        may_lead: Callable[[], bool] = lambda: True,
    ) -> None:
        self._may_lead = may_lead
        self._database = database
        self._gateway_id = gateway_id
        self._settings = settings
        self._clock = clock
        self._granting = Granting(
            gateway_id=gateway_id,
            keys=keys,
            phases=settings.phases,
            bonds=settings.bonds,
            clock=clock,
            fee_permille=settings.fee_permille,
        )
        self._stacks: dict[Stack, Pacing] = {}
        self._telling = Telling(clock)
        self._at_rest: set[Stack] = set()  #: nothing waited there at the last look: room alone makes no round
        self._hungry: set[Stack] = set()  #: with jobs, and with provers that are busy, perhaps in other stacks
        self._group: asyncio.TaskGroup | None = None
        self._chores = chores or Chores.of_one()

    def hear(self, told: str) -> None:
        """A notification says that something changed in a lane.

        Behind the lane may stand who woke its own market, or that provers have room there and nothing else is new.
        """
        lane, _, why = told.partition(" ")
        if why == ROOM and stack_of(lane) in self._at_rest:
            self._wake_hungry(stack_of(lane))
        elif why != str(self._gateway_id):
            self.wake(lane)

    def wake(self, lane: str) -> None:
        """Something changed in a lane."""
        stack = stack_of(lane)
        self._wake_hungry(stack)
        if not self._chores.are_mine(stack):
            return  # a sibling holds its rounds
        pacing = self._stacks.get(stack)
        if pacing is None:
            pacing = self._stacks[stack] = Pacing(
                stack,
                hold=self.hold_rounds,
                until_next_job=self._until_next_job,
                clock=self._clock,
                interval_ms=self._settings.interval_ms,
            )
            if self._group is not None:
                self._group.create_task(pacing.run())
        pacing.wake()

    def _wake_hungry(self, stack: Stack) -> None:
        # Somebody may have become free there who serves these as well; who had the capacity last comes last.
        for hungry in self._hungry - {stack}:
            self._stacks[hungry].wake()

    def overdue_seconds(self) -> float:
        """Return for how long a change has been waiting for its round, in the stack where that is longest."""
        return max((pacing.overdue_seconds() for pacing in self._stacks.values()), default=0.0)

    async def wake_all(self) -> None:
        """Notifications may have been missed: look at every lane with work."""
        async with self._database.connection(Urgency.ROUNDS) as connection:
            lanes = await connection.fetch(LANES_WITH_READY_JOBS)
        for lane in lanes:
            self.wake(lane)

    async def run(self) -> None:
        """Run rounds until cancelled."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            for pacing in self._stacks.values():
                group.create_task(pacing.run())
            # The database may go away at this very moment as well.
            everything = Loop("lanes", self.wake_all)
            self._chores.on_change(everything.wake)
            await everything.run()

    async def hold_rounds(self, stack: Stack) -> RoundsTally | None:
        """Hold one round of every lane of a stack in which there is something to match; None when there is nothing."""
        if not self._may_lead():
            # Its clock is wrong: others lead. It comes back by itself.
            return RoundsTally(sold=0, unsold=0, next_job_ms=STAND_BY_MS)
        if not self._chores.are_mine(stack):
            self._hungry.discard(stack)
            return RoundsTally(sold=0, unsold=0, next_job_ms=None)  # a sibling's by now
        self._at_rest.discard(stack)
        began = self._clock.running_seconds()
        async with self._database.transaction(Transaction.HOLD_ROUND) as connection:
            opened = await connection.fetch(OPEN_STACK, stack=stack, leader=self._gateway_id)
            if not opened:
                # Another gateway is at it. Should it die before it is done, this one must not come late.
                return RoundsTally(sold=0, unsold=0, next_job_ms=STAND_BY_MS)
            openings: dict[str, RoundOpening] = {one.lane: one for one in opened if one.lane}
            if not openings:
                self._at_rest.add(stack)
            found = await collect_stack(
                connection,
                stack,
                list(openings),
                horizon_ms=self._settings.horizon_ms,
                silent_ms=self._settings.phases.silent_ms,
                newcomer_slots=self._settings.newcomer_slots,
            )
            await self._telling.nobody(connection, stack, found.unserved)
            (self._hungry.add if found.elsewhere and stack in self._stacks else self._hungry.discard)(stack)
            if not found.books:
                return RoundsTally(sold=0, unsold=0, next_job_ms=self._settings.interval_ms) if found.skipped else None
            outcomes = await self._clear_and_write(connection, found, openings)
        took = self._clock.running_seconds() - began
        ROUND_SECONDS.observe(took)
        count_sales(found, outcomes, now_ms=self._clock.now_ms(), seconds=took)
        for outcome in outcomes:
            log.info(
                "round_cleared",
                lane=outcome.lane,
                number=outcome.number,
                sold=len(outcome.placements),
                buy_price=outcome.buy_price,
                sell_price=outcome.sell_price,
            )
        return self._tally(found, outcomes, [openings[book.lane].next_put_off for book in found.books])

    async def _clear_and_write(
        self, connection: Connection, found: StackBook, openings: Mapping[str, RoundOpening]
    ) -> Sequence[RoundOutcome]:
        demands = [self._demands(book, openings[book.lane]) for book in found.books]
        references = {one.lane: one.reference or self._settings.reference_price for one in demands}
        slots = await slots_of_bonds(connection, found.books, references, self._settings.bonds)
        supplies = found.supplies(self._settings.reputation, slots)
        blinding = Blinding(fresh_bytes(SECRET_BYTES))
        orders = len(supplies) + sum(len(one.demands) for one in demands)  # those that are counted cost next to nothing
        with no_collections(wanted=orders >= FAST_FROM_ORDERS):
            outcomes = await aside(
                partial(_cleared, demands, supplies, found.programs(), blinding),
                wanted=orders + sum(len(book.jobs) for book in found.books) >= ASIDE_FROM,
            )
        winners = sorted({placed.prover_id for one in outcomes for placed in one.placements})
        books = {book.lane: book for book in found.books}
        for outcome in outcomes:
            await self._granting.write(
                connection,
                outcome,
                books[outcome.lane],
                blinding,
                epoch=openings[outcome.lane].epoch or 0,
                reference=references[outcome.lane],
                winners=winners,
            )
            await self._telling.too_cheap(connection, books[outcome.lane])
        await check_bonds(connection, _sold_to(outcomes, books), self._settings.bonds)
        return outcomes

    def _tally(self, found: StackBook, outcomes: Sequence[RoundOutcome], put_off: Sequence[int | None]) -> RoundsTally:
        wishes = {job_id for book in found.books for job_id in book.wishes}
        sold = [placement.job_id for outcome in outcomes for placement in outcome.placements]
        hedged = sum(job_id in wishes for job_id in sold)
        waits = [self._settings.interval_ms] if found.skipped else [wait for wait in put_off if wait is not None]
        waits += [WISH_RETRY_MS] if hedged < len(wishes) else []
        return RoundsTally(
            sold=len(sold),
            unsold=sum(book.waiting for book in found.books) - (len(sold) - hedged),
            next_job_ms=min(waits, default=None),
            orders=sum(len(book.tasks) + len(book.counted) for book in found.books),
        )

    async def _until_next_job(self, stack: Stack) -> float | None:
        if stack in self._at_rest:
            return None
        async with self._database.connection(Urgency.ROUNDS) as connection:
            wait_ms = await connection.value(NEXT_PUT_OFF, stack=stack)
        return None if wait_ms is None else wait_ms / 1000

    def _demands(self, book: Book, opening: RoundOpening) -> LaneDemands:
        first = opening.number is None
        number = (opening.number or 0) + 1
        setting = opening.first_reference or self._settings.reference_price
        return LaneDemands(
            lane=book.lane,
            number=number,
            previous=opening.transcript_hash,
            reference=setting if first else opening.next_reference,
            anchor=setting if is_wide(book.lane) else opening.wide_reference or setting,
            backed=bool(opening.backed),
            demands=with_wishes(book, number) if book.wishes else book.demands,
            counted=book.lone_bids(),
        )


def _cleared(
    demands: Sequence[LaneDemands], supplies: Sequence[Supplies], programs: frozenset[str], blinding: Blinding
) -> list[RoundOutcome]:
    """Hold the rounds of a stack's lanes under names that say nothing to strangers."""
    blinded = [
        replace(one, demands=blinding.demands(one.demands), counted=blinding.lone_bids(one.counted)) for one in demands
    ]
    offered = [blinding.supplies(one, demanded=programs) for one in supplies]
    # Drawn after the orders are fixed, so that nobody can choose an id that ranks well.
    return [blinding.opened(one) for one in run_stack(blinded, offered, beacon=fresh_bytes(32))]


def _sold_to(outcomes: Sequence[RoundOutcome], books: Mapping[str, Book]) -> list[str]:
    """Return the operators who got leases."""
    return sorted(
        {books[one.lane].provers[ProverId(placed.prover_id)].operator for one in outcomes for placed in one.placements}
    )
