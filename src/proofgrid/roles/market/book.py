"""What a round is made of: tasks, jobs, wishes and provers, as the orders that the rules read."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace

from proofgrid.primitives.ids import ProverId, TaskId
from proofgrid.rules.jobs.hedging import enters_round
from proofgrid.rules.jobs.waiting import Demand
from proofgrid.rules.market.counted import LoneBid
from proofgrid.rules.market.rounds import JobDemand, ProverSupply, TaskDemand
from proofgrid.rules.market.stack import Supplies
from proofgrid.rules.reputation.standing import ReputationPolicy
from proofgrid.rules.scheduling.fitness import Fitness, barred_now
from proofgrid.store.book import CheapJob, ForSale, JobForSale, TaskForSale, WishForSale
from proofgrid.store.lanes import ServingProver, price_of
from proofgrid.store.standing import bucket_now


@dataclass(frozen=True, slots=True)
class Book:
    """What waits in one lane, with all that its leases will need to know."""

    lane: str
    provers: Mapping[ProverId, ServingProver]  #: free provers that may have the lane's jobs
    fitness: Fitness  #: which jobs these provers can have
    cheapest_ask: int  #: per PU, of all that serve the lane, busy ones too
    cheapest_free_ask: int  #: per PU, of `provers`
    tasks: dict[str, TaskForSale] = field(default_factory=dict)
    demands: list[TaskDemand] = field(default_factory=list)
    jobs: dict[str, JobForSale] = field(default_factory=dict)
    wishes: dict[str, WishForSale] = field(default_factory=dict)  #: leased jobs that want a second lease
    counted: Mapping[TaskId, CheapJob] = field(default_factory=dict)  #: tasks below every ask that enter without names
    skipped: bool = False  #: a task with ready jobs was locked by somebody else

    @property
    def has_orders(self) -> bool:
        return bool(self.demands or self.wishes or self.counted)

    @property
    def waiting(self) -> int:
        """How many ready jobs are looked at."""
        return len(self.jobs) + len(self.counted)

    @property
    def units_max(self) -> int:
        """The units of the largest job that could be sold."""
        return max((job.units for jobs in (self.jobs, self.wishes) for job in jobs.values()), default=0)

    def lone_bids(self) -> Mapping[LoneBid, int]:
        """Return the bids of the counted tasks, with how often each is there."""
        return Counter([LoneBid(one.limit_price, one.units, one.program_digest) for one in self.counted.values()])


@dataclass(frozen=True, slots=True)
class StackBook:
    """What waits in the lanes of one stack that hold a round, demanding classes first."""

    books: Sequence[Book] = ()
    skipped: bool = False
    #: lanes whose constraints no connected prover meets, busy or not, and what the nearest one lacks
    unserved: Mapping[str, Sequence[Demand]] = field(default_factory=dict)
    elsewhere: bool = False  #: provers that serve other stacks as well are busy, perhaps there

    def programs(self) -> frozenset[str]:
        """All programs that somebody wants proven."""
        return frozenset(
            one.program_digest for book in self.books for tasks in (book.tasks, book.counted) for one in tasks.values()
        )

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
    for job in jobs:
        by_task[job.task_id].append(JobDemand(job_id=str(job.job_id), units=job.units, excluded=_unfit(job, book)))
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
    for job_id, wish in book.wishes.items():
        task_id = str(wish.task_id)
        # Of several wishes of one task the oldest, which stands first.
        if task_id not in wishing and enters_round(number, has_ready_jobs=task_id in demands):
            job = JobDemand(job_id=job_id, units=wish.units, excluded=_unfit(wish, book))
            wishing[task_id] = TaskDemand(
                task_id=task_id,
                jobs=(job,),
                limit_price=wish.hedge_price,
                program_digest=book.tasks[task_id].program_digest,
            )
    return list((demands | wishing).values())


def may_prove(job: ForSale, book: Book) -> bool:
    """Is there anybody free who may and can prove it?"""
    return book.fitness.fits_somebody(units=job.units, memory_bytes=job.memory_bytes, barred=barred(job))


def supply_of(prover: ServingProver, book: Book, reputation: ReputationPolicy) -> ProverSupply:
    """Return what a prover with free slots offers in a lane."""
    return ProverSupply(
        prover_id=prover.prover_id,
        operator=prover.operator,
        ask_price=price_of(prover, book.lane),
        free_slots=prover.free_slots,
        reputation_bucket=bucket_now(prover.counters, reputation, now_ms=prover.now_ms),
        cached_programs=frozenset(prover.cached_programs),
    )


def barred(job: ForSale) -> AbstractSet[str]:
    """Return the provers and operators that must not have a job; a wish is also not for whose lease is slow."""
    named = barred_now(job.excluded, now_ms=job.now_ms)
    return named | {job.hedge_operator} if isinstance(job, WishForSale) else named


def _unfit(job: ForSale, book: Book) -> frozenset[str]:
    return book.fitness.unfit(units=job.units, memory_bytes=job.memory_bytes, barred=barred(job))
