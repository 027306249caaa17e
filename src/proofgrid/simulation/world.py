"""The world around the rules: jobs come, rounds are cleared, leases run and end, money moves; all out of one seed.

    heap:  round ---- leases end ---- slots are free ---- jobs return ---- round ...
             |            '-> pay, or slash and ask rules.jobs.retry what comes next
             '-> books -> rules: run_stack_columns, next_reference -> leases

What the real market does and this one does not: programs in caches, tasks of several jobs, hedges, sitting out, lanes
with constraints, fair share between clients (docs/decisions/0016).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from proofgrid.rules.jobs.retry import GiveUp, decide_retry
from proofgrid.rules.market.columns import Column, column_of
from proofgrid.rules.market.fast_stack import ClearedRound, run_stack_columns
from proofgrid.rules.scheduling.placement_columns import UNSOLD
from proofgrid.simulation import chance, griefing, leases
from proofgrid.simulation.books import Book, Orders
from proofgrid.simulation.clock import Clock
from proofgrid.simulation.demand import imagine
from proofgrid.simulation.history import History
from proofgrid.simulation.leases import NO_JOB, REASONS, Leases, Outcome
from proofgrid.simulation.money import Accounts
from proofgrid.simulation.population import CLASSES, Provers, comings_and_goings, populate, real_cost
from proofgrid.simulation.references import following_round
from proofgrid.simulation.scenario import WHOLE_PERMILLE, Scenario, Strategy
from proofgrid.simulation.standing import Standing

Cleared = tuple[ClearedRound, ...]
Watch = Callable[["World", Book, Cleared], None]
LANES = range(len(CLASSES))
NEVER = -1
DECOY = -1
GRIEFER_FUNDS = 2**60


@dataclass(frozen=True, slots=True)
class _Round:
    number: int


@dataclass(frozen=True, slots=True)
class _SlotsFree:
    provers: Column


@dataclass(frozen=True, slots=True)
class _JobsReturn:
    jobs: Column


_Fact = _Round | Leases | _SlotsFree | _JobsReturn


class World:
    """One run. `record`, `jobs`, `accounts` and the columns below tell what happened."""

    def __init__(
        self, scenario: Scenario, *, changed: Mapping[int, Strategy] | None = None, watch: Watch | None = None
    ) -> None:
        self.scenario, self._watch = scenario, watch
        provers = populate(scenario, changed)
        self.jobs, self.duration_ms = imagine(scenario, speed_per_second=provers.speed_per_second())
        joins, leaves = comings_and_goings(scenario, duration_ms=self.duration_ms)
        self.provers: Provers = replace(provers, joins_ms=joins[provers.machine], leaves_ms=leaves[provers.machine])
        self.real_cost = real_cost(provers.cost, provers.failure, scenario)
        self.history, self.clock = History(), Clock[_Fact]()

        count = len(self.jobs)
        self.attempts, self.returns = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.int64)
        self.sold_ms, self.done_ms = np.full(count, NEVER), np.full(count, NEVER)
        self.buy_price = np.zeros(count, dtype=np.int64)
        self.open_jobs, self._arrived = count, 0
        self._waiting: list[Column] = [column_of([]) for _ in LANES]
        self._excluded: dict[int, list[tuple[int, int]]] = {}

        machines = scenario.provers
        self.work_cost, self.slashed, self.proofs = (np.zeros(machines, dtype=np.int64) for _ in range(3))
        self.standing = Standing.of(self.provers)
        self._running = np.zeros(len(LANES), dtype=np.int64)  #: leases of each lane
        self.references = [scenario.reference_price for _ in LANES]
        self._orders = Orders.of(
            limits=self.jobs.limit, units=self.jobs.units, asks=self.provers.ask, lane_of=self.provers.lane
        )
        self.accounts = self._opened()
        self.clock.at(scenario.round_ms, _Round(1))

    @property
    def griefer(self) -> int:
        """The account of the griefing buyer, after those of all clients."""
        return self.scenario.clients

    def profit(self) -> Column:
        """Return what each machine was paid, less its costs and what was taken from its bond."""
        return self.accounts.machine - self.work_cost - self.slashed

    def run(
        self,
        *,
        should_stop: Callable[[], bool] = lambda: False,
        progress: Callable[[World], None] = lambda _world: None,
    ) -> bool:
        """Let everything happen; return whether it came to its end or was stopped before."""
        while (fact := self.clock.take_next()) is not None:
            self._happen(fact)
            if type(fact) is _Round:
                progress(self)
                if should_stop():
                    return False
        return True

    def _happen(self, fact: _Fact) -> None:
        match fact:
            case _Round():
                self._hold_round(fact.number)
            case Leases():
                self._end_leases(fact)
            case _SlotsFree():
                np.subtract.at(self.standing.busy, fact.provers, 1)
            case _JobsReturn():
                self._wait(fact.jobs)

    # --- a round ---------------------------------------------------------------------------------

    def _hold_round(self, number: int) -> None:
        now_ms = self.clock.now_ms
        self._take_arrivals(now_ms)
        self._expire(now_ms)
        book = self._orders.book(
            number=number,
            now_ms=now_ms,
            waiting=self._waiting,
            free_slots=self.standing.free_slots(now_ms, self.accounts.bond),
            references=self.references,
            beacon=chance.beacon(self.scenario.seed, number),
        )
        if book.is_two_sided:
            self._sell(book)
        self._note_round(now_ms)
        if self.open_jobs:
            self.clock.at(now_ms + self.scenario.round_ms, _Round(number + 1))

    def _sell(self, book: Book) -> None:
        self.history.two_sided += 1
        if self.scenario.griefing:
            book = _attacked(book)
        cleared = run_stack_columns(
            book.lanes,
            lots=book.lots,
            excluded=lambda lane, bought, still_in: self._excluded_on(book.jobs[lane][bought], book.provers[still_in]),
        )
        if self._watch is not None:
            self._watch(self, book, cleared)
        for lane, done in enumerate(cleared):
            following = following_round(
                self.references[lane],
                book.lanes[lane].bids,
                done,
                anchor=self.scenario.reference_price,
                backed=self._running[lane] > 0,
            )
            if following is not None:
                self.references[lane] = following
        sales = [self._sales(book, lane, done) for lane, done in enumerate(cleared)]
        self._lease(book, *(np.concatenate(columns) for columns in zip(*sales, strict=True)))
        self._note_lanes(book, cleared)

    def _sales(self, book: Book, lane: int, done: ClearedRound) -> tuple[Column, Column, Column, Column, Column]:
        """Return job, prover, units, buy price and sell price of all that a lane sold."""
        line = book.provers[done.still_in]
        jobs = book.jobs[lane][done.cleared.bought]
        places = done.places
        provers = np.where(places == UNSOLD, DECOY, line[places]) if len(line) else places
        is_job = (jobs != NO_JOB) & (provers != DECOY)
        units = book.lanes[lane].job_units[done.cleared.bought]
        sales = [jobs[is_job], provers[is_job], units[is_job], done.sell_prices[places[is_job]]]
        if self.scenario.griefing:
            blocked = self._blocked(jobs, line, done, units)
            sales = [np.concatenate((column, more)) for column, more in zip(sales, blocked, strict=True)]
        job, prover, units, sell_price = sales
        return job, prover, units, np.full(len(job), done.cleared.buy_price), sell_price

    def _blocked(self, jobs: Column, line: Column, done: ClearedRound, job_units: Column) -> list[Column]:
        """Return the jobs that the griefing buyer had to buy, one for each slot."""
        cleared = done.cleared
        hers = (jobs[cleared.slice_buyers] == NO_JOB) & (line[cleared.slice_sellers] != DECOY)
        slots = cleared.slice_units[hers]
        sellers = np.repeat(cleared.slice_sellers[hers], slots)
        units = np.repeat(job_units[cleared.slice_buyers[hers]], slots)
        prices = done.sell_prices[sellers]
        machines = self.provers.machine[line[sellers]]
        buy = np.full(len(units), cleared.buy_price)
        self.history.attacker_paid += self.accounts.pay_at_once(self.griefer, machines, units, buy, prices)
        return [np.full(len(units), NO_JOB), line[sellers], units, prices]

    def _lease(
        self, book: Book, job: Column, prover: Column, units: Column, buy_price: Column, sell_price: Column
    ) -> None:
        real = job[job != NO_JOB]
        self.sold_ms[real] = np.where(self.sold_ms[real] == NEVER, book.now_ms, self.sold_ms[real])
        is_sold = np.zeros(len(self.jobs), dtype=np.bool_)
        is_sold[real] = True
        self._waiting = [jobs[~is_sold[jobs]] for jobs in self._waiting]

        made, slots_of, slots_until = leases.run(
            self.scenario,
            self.provers,
            job=job,
            prover=prover,
            units=units,
            buy_price=buy_price,
            sell_price=sell_price,
            attempt=np.where(job == NO_JOB, book.number, self.returns[job]),
            free_slots=self.standing.free_slots(book.now_ms, self.accounts.bond),
            real_free_slots=self.standing.real_free_slots(),
            now_ms=book.now_ms,
        )
        np.add.at(self.standing.busy, slots_of, 1)
        for moment_ms, rows in leases.by_moment(slots_until, round_ms=self.scenario.round_ms):
            self.clock.at(moment_ms, _SlotsFree(slots_of[rows]))
        made = made.rows(made.job != NO_JOB)
        self._running += self._by_lane(made.job)
        for moment_ms, rows in leases.by_moment(made.end_ms, round_ms=self.scenario.round_ms):
            self.clock.at(moment_ms, made.rows(rows), count=len(rows))

    def _by_lane(self, jobs: Column) -> Column:
        return np.bincount(self.jobs.lane[jobs], minlength=len(LANES)).astype(np.int64)

    def _excluded_on(self, jobs: Column, line: Column) -> dict[int, set[int]]:
        if not self._excluded:
            return {}
        hindered = [(place, job) for place, job in enumerate(jobs.tolist()) if job in self._excluded]
        if not hindered:
            return {}
        place_of = {row: place for place, row in enumerate(line.tolist())}
        found = {
            place: {
                place_of[row]
                for row, until_ms in self._excluded[job]
                if until_ms > self.clock.now_ms and row in place_of
            }
            for place, job in hindered
        }
        if DECOY in place_of:
            for places in found.values():
                places.add(place_of[DECOY])
        return found

    # --- what leases come to ---------------------------------------------------------------------

    def _end_leases(self, ended: Leases) -> None:
        machine = self.provers.machine[ended.prover]
        self._running -= self._by_lane(ended.job)
        work = self.provers.cost[ended.prover] * ended.units * ended.worked_permille // WHOLE_PERMILLE
        np.add.at(self.work_cost, machine, work)
        is_proven = ended.outcome == Outcome.PROVEN
        self.standing.note(ended.prover, is_proven=is_proven)
        for outcome, count in zip(*np.unique(ended.outcome, return_counts=True), strict=True):
            self.history.outcomes[Outcome(int(outcome)).name.lower()] += int(count)

        in_time = ended.end_ms <= self.jobs.deadline_ms[ended.job]
        self._pay(ended.rows(is_proven & in_time))
        late = ended.job[is_proven & ~in_time]
        self._close(late, "too_late")
        self._try_again(ended.rows(~is_proven))

    def _pay(self, proven: Leases) -> None:
        machine, clients = self.provers.machine[proven.prover], self.jobs.client[proven.job]
        self.accounts.pay(proven.job, clients, machine, proven.units, proven.buy_price, proven.sell_price)
        np.add.at(self.proofs, machine, 1)
        self.done_ms[proven.job] = proven.end_ms
        self.buy_price[proven.job] = proven.buy_price
        self.open_jobs -= len(proven)
        self.history.endings["proven"] += len(proven)

    def _try_again(self, failed: Leases) -> None:
        now_ms = self.clock.now_ms
        given_up: list[int] = []
        for job, prover, outcome, units, price in zip(
            *(column.tolist() for column in (failed.job, failed.prover, failed.outcome, failed.units)),
            failed.sell_price.tolist(),
            strict=True,
        ):
            machine = int(self.provers.machine[prover])
            due = units * price * self.scenario.slash_permille // WHOLE_PERMILLE
            self.slashed[machine] += self.accounts.slash(machine, due)
            decision = decide_retry(
                REASONS[Outcome(outcome)],
                detail="",
                attempts=int(self.attempts[job]),
                returns=int(self.returns[job]),
                attempts_max=self.scenario.attempts_max,
                now_ms=now_ms,
            )
            self.returns[job] += 1
            self.attempts[job] = decision.attempts
            if isinstance(decision, GiveUp):
                given_up.append(job)
            else:
                self._excluded.setdefault(job, []).append((prover, decision.excluded_until_ms))
                self.clock.at(decision.not_before_ms, _JobsReturn(column_of([job])))
        self._close(column_of(given_up), "given_up")

    def _take_arrivals(self, now_ms: int) -> None:
        until = int(np.searchsorted(self.jobs.arrival_ms, now_ms, side="right"))
        came = np.arange(self._arrived, until, dtype=np.int64)
        self._arrived, self.clock.facts = until, self.clock.facts + len(came)
        amounts = self.jobs.limit[came] * self.jobs.units[came]
        self.accounts.set_aside(came, self.jobs.client[came], amounts)
        self._wait(came)

    def _wait(self, jobs: Column) -> None:
        lane = self.jobs.lane[jobs]
        self._waiting = [np.concatenate((waiting, jobs[lane == one])) for one, waiting in enumerate(self._waiting)]

    def _expire(self, now_ms: int) -> None:
        for lane, jobs in enumerate(self._waiting):
            is_over = self.jobs.deadline_ms[jobs] <= now_ms
            if is_over.any():
                self._waiting[lane] = jobs[~is_over]
                self._close(jobs[is_over], "expired")

    def _close(self, jobs: Column, ending: str) -> None:
        """End jobs without a proof in time; what was set aside for them goes back."""
        self.accounts.refund(jobs, self.jobs.client[jobs])
        self.open_jobs -= len(jobs)
        self.history.endings[ending] += len(jobs)

    # --- what is written down --------------------------------------------------------------------

    def _note_round(self, now_ms: int) -> None:
        self.accounts.check()
        self.history.checks += 1
        self.history.rounds += 1
        self.history.utilisation.append((now_ms, self.standing.utilisation(now_ms, len(CLASSES))))
        self.history.treasury.append((now_ms, self.accounts.treasury))
        self._orders.note_buckets(self.standing.buckets())

    def _note_lanes(self, book: Book, cleared: Sequence[ClearedRound]) -> None:
        for lane, done in enumerate(cleared):
            hers = book.jobs[lane][done.cleared.bought] == NO_JOB
            units = int(done.cleared.bought_units[~hers].sum())
            bids, asks = len(book.lanes[lane].bids), len(done.asks)
            waiting = len(self._waiting[lane])
            prices = (done.cleared.buy_price, done.cleared.sell_price)
            if bids and asks:
                row = (book.now_ms, lane, self.references[lane], *prices, units, bids, asks, waiting)
                self.history.lanes.append(row)

    def _opened(self) -> Accounts:
        funds = np.zeros(self.scenario.clients + 1, dtype=np.int64)
        np.add.at(funds, self.jobs.client, self.jobs.limit * self.jobs.units)
        funds[self.griefer] = GRIEFER_FUNDS if self.scenario.griefing else 0
        bonds = np.zeros(self.scenario.provers, dtype=np.int64)
        np.add.at(bonds, self.provers.machine, self.provers.bond)
        return Accounts.opened(funds=funds, jobs=len(self.jobs), bonds=bonds)


def _attacked(book: Book) -> Book:
    """Return the book with a griefing buyer and her decoy in each lane that has jobs."""
    lanes = list(book.lanes)
    jobs, provers, turns = list(book.jobs), [], []
    first = above = 0
    top_rank = int(max((lane.asks.rank.max(initial=-1) for lane in lanes), default=-1))
    for number, lane in enumerate(book.lanes):
        rows = book.provers[first : first + len(lane.asks)]
        turn = book.lots.turns[first : first + len(lane.asks)]
        first += len(lane.asks)
        if len(lane.bids) and len(lane.asks) + above:
            attacked = griefing.attack_slots(book.lanes, number, slots_above=above)
            top_rank += 1
            attacked.asks.rank[-1] = top_rank  # sellers of all lanes share one order of ranks
            lanes[number] = attacked
            jobs[number] = np.append(jobs[number], NO_JOB)
            rows, turn = np.append(rows, DECOY), np.append(turn, len(book.provers))
        above += int(lane.asks.units.sum())
        provers.append(rows)
        turns.append(turn)
    lots = replace(book.lots, turns=np.concatenate(turns))
    return replace(book, lanes=lanes, jobs=jobs, provers=np.concatenate(provers), lots=lots)
