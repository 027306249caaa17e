"""What a round is made of: tasks, jobs, wishes and provers, as the orders that the rules read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from proofgrid.primitives.ids import ProverId, TaskId
from proofgrid.rules.jobs.hedging import enters_round
from proofgrid.rules.market.rounds import JobDemand, ProverSupply, TaskDemand
from proofgrid.rules.market.stack import Supplies
from proofgrid.rules.reputation.standing import ReputationPolicy
from proofgrid.store.book import ForSale, JobForSale, TaskForSale, WishForSale
from proofgrid.store.lanes import ServingProver, price_of, speed_of
from proofgrid.store.standing import bucket_now

NOBODY: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Book:
    """What waits in one lane, with all that its leases will need to know."""

    lane: str
    provers: Mapping[ProverId, ServingProver]  #: free provers that may have the lane's jobs
    slot_units: Mapping[ProverId, int]  #: prover -> the largest job that it can prove within the horizon, if measured
    tasks: dict[str, TaskForSale] = field(default_factory=dict)
    demands: list[TaskDemand] = field(default_factory=list)
    jobs: dict[str, JobForSale] = field(default_factory=dict)
    wishes: dict[str, WishForSale] = field(default_factory=dict)  #: leased jobs that want a second lease
    skipped: bool = False  #: a task with ready jobs was locked by somebody else

    @property
    def has_orders(self) -> bool:
        return bool(self.demands or self.wishes)


@dataclass(frozen=True, slots=True)
class StackBook:
    """What waits in the lanes of one stack that hold a round, demanding classes first."""

    books: Sequence[Book] = ()
    skipped: bool = False
    unserved: Sequence[str] = ()  #: lanes whose constraints no connected prover meets, busy or not
    elsewhere: bool = False  #: provers that serve other stacks as well are busy, perhaps there

    def programs(self) -> frozenset[str]:
        """All programs that somebody wants proven."""
        return frozenset(task.program_digest for book in self.books for task in book.tasks.values())

    def supplies(self, reputation: ReputationPolicy, slots: Mapping[str, int] | None = None) -> list[Supplies]:
        """Return what every free prover offers, lane by lane; `slots`: at most so many, where bonds are asked for."""
        provers: dict[str, dict[str, ProverSupply]] = defaultdict(dict)
        for book in self.books:
            for prover_id, prover in book.provers.items():
                supply = supply_of(prover, book, reputation)
                if slots is not None:
                    supply = replace(supply, free_slots=min(supply.free_slots, slots[prover_id]))
                provers[prover_id][book.lane] = supply
        return list(provers.values())


def demands_of(
    book: Book, tasks: Sequence[TaskForSale], jobs: Sequence[JobForSale], in_flight: Mapping[str, int]
) -> list[TaskDemand]:
    """Return the orders of tasks with ready jobs; of each client's the oldest comes first."""
    by_task: dict[TaskId, list[JobDemand]] = defaultdict(list)
    limits = _Limits(book)
    for job in jobs:
        by_task[job.task_id].append(JobDemand(job_id=str(job.job_id), units=job.units, excluded=limits.excluded(job)))
    shares: dict[str, int] = defaultdict(int, in_flight)
    demands = []
    for task in sorted((task for task in tasks if by_task[task.task_id]), key=lambda task: str(task.task_id)):
        demands.append(
            TaskDemand(
                task_id=str(task.task_id),
                jobs=tuple(by_task[task.task_id]),
                limit_price=task.limit_price,
                program_digest=task.program_digest,
                share=shares[task.client],
            )
        )
        shares[task.client] += 1
    return demands


def with_wishes(book: Book, number: int) -> list[TaskDemand]:
    """Return the orders of a round with wishes: a wish is its task's only order, in every second round at least."""
    demands = {demand.task_id: demand for demand in book.demands}
    wishing: dict[str, TaskDemand] = {}
    limits = _Limits(book)
    for job_id, wish in book.wishes.items():
        task_id = str(wish.task_id)
        # Of several wishes of one task the oldest, which stands first.
        if task_id not in wishing and enters_round(number, has_ready_jobs=task_id in demands):
            job = JobDemand(job_id=job_id, units=wish.units, excluded=limits.excluded(wish))
            wishing[task_id] = TaskDemand(
                task_id=task_id,
                jobs=(job,),
                limit_price=wish.hedge_price,
                program_digest=book.tasks[task_id].program_digest,
            )
    return list((demands | wishing).values())


def may_prove(job: ForSale, book: Book) -> bool:
    """Is there anybody free who may and can prove it?"""
    return not _Limits(book).excluded(job).issuperset(book.provers)


def supply_of(prover: ServingProver, book: Book, reputation: ReputationPolicy) -> ProverSupply:
    """Return what a prover with free slots offers in a lane."""
    return ProverSupply(
        prover_id=prover.prover_id,
        operator=prover.operator,
        ask_price=price_of(prover, book.lane),
        free_slots=prover.free_slots,
        reputation_bucket=bucket_now(prover.counters, reputation, now_ms=prover.now_ms),
        cached_programs=frozenset(prover.cached_programs),
        slot_units_max=book.slot_units.get(prover.prover_id),
    )


def slot_units_of(provers: Mapping[ProverId, ServingProver], lane: str, *, horizon_ms: int) -> dict[ProverId, int]:
    """Return the most units that one slot of each measured prover proves within the horizon."""
    units = {}
    for prover_id, prover in provers.items():
        speed = speed_of(prover, lane)
        if speed.is_measured:
            units[prover_id] = max(1, speed.units_per_second_milli * horizon_ms // 1_000_000)
    return units


class _Limits:
    """Which provers cannot have a job, whatever it pays."""

    def __init__(self, book: Book) -> None:
        self._book = book
        provers = book.provers.values()
        self._room = min((prover.room_bytes for prover in provers), default=0)
        self._units_min = max((prover.units_min for prover in provers), default=0)
        self._slot_units = min(book.slot_units.values(), default=None)

    def excluded(self, job: ForSale) -> frozenset[str]:
        """Return the provers that may not have a job; a wish is also not for the operator whose lease is slow."""
        until = job.excluded  # of most jobs nobody is
        named = {name for name, until_ms in until.items() if until_ms > job.now_ms} if until else set()
        if isinstance(job, WishForSale):
            named.add(job.hedge_operator)
        if not named and self._suits_all(job):
            return NOBODY
        return frozenset(
            prover_id
            for prover_id, prover in self._book.provers.items()
            if prover_id in named or prover.operator in named or not self._suits(job, prover)
        )

    def _suits_all(self, job: ForSale) -> bool:
        return (
            job.memory_bytes <= self._room
            and job.units >= self._units_min
            and (self._slot_units is None or job.units <= self._slot_units)
        )

    def _suits(self, job: ForSale, prover: ServingProver) -> bool:
        # What a prover cannot hold in memory beside its other jobs, or not finish in time, it cannot prove.
        slot_units = self._book.slot_units.get(prover.prover_id)
        return (
            prover.room_bytes >= job.memory_bytes
            and prover.units_min <= job.units
            and (slot_units is None or job.units <= slot_units)
        )
