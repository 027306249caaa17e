"""The sealed book of a round: what waits and who is free, as the columns that the rules clear.

Ranks and the depth of the book are the network's: a book is read from the best bid down and is twice as deep as there
are free slots (docs/decisions/0010).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from proofgrid.rules.market.columns import Column, OrderColumns, column_of
from proofgrid.rules.market.fast_stack import Lots, SlotLane
from proofgrid.rules.scheduling.demand_and_supply import ProverSupply, TaskDemand
from proofgrid.rules.scheduling.lots import rounding_lot
from proofgrid.rules.scheduling.rank import RankHashes, ask_ranks, bid_ranks

DEPTH_PER_SLOT, DEPTH_LEAST = 2, 32
NO_PROGRAMS: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Book:
    """The orders of all lanes in one round."""

    number: int
    now_ms: int
    lanes: Sequence[SlotLane]
    jobs: Sequence[Column]  #: of each lane: the job of every bid
    provers: Column  #: the row of every seller, numbered through all lanes
    lots: Lots

    @property
    def is_two_sided(self) -> bool:
        """Is there anything to clear?"""
        return len(self.provers) > 0 and any(len(jobs) for jobs in self.jobs)


@dataclass(slots=True)
class Orders:
    """Makes books. Keeps what `rank` wants to know of each prover."""

    limits: Column  #: of every job
    units: Column
    asks: Column  #: of every prover
    lane_of: Column
    _supplies: list[ProverSupply]
    _buckets: Column

    @classmethod
    def of(cls, *, limits: Column, units: Column, asks: Column, lane_of: Column) -> Orders:
        buckets = np.zeros(len(asks), dtype=np.int64)
        supplies = [_supply(row, 0) for row in range(len(asks))]
        return cls(limits, units, asks, lane_of, supplies, buckets)

    def note_buckets(self, buckets: Column) -> None:
        """Take over reputation buckets that changed."""
        for row in np.flatnonzero(buckets != self._buckets).tolist():
            self._supplies[row] = _supply(row, int(buckets[row]))
        self._buckets = buckets.copy()

    def book(
        self,
        *,
        number: int,
        now_ms: int,
        waiting: Sequence[Column],
        free_slots: Column,
        references: Sequence[int],
        beacon: bytes,
    ) -> Book:
        """Return the orders of a round."""
        free = [np.flatnonzero((free_slots > 0) & (self.lane_of == lane)) for lane in range(len(waiting))]
        provers = np.concatenate(free)
        hashes = RankHashes(beacon)
        ranks = self._ask_ranks(provers.tolist(), hashes)

        lanes: list[SlotLane] = []
        jobs: list[Column] = []
        first = 0
        for lane, rows in enumerate(free):
            slots = int(free_slots[np.concatenate(free[: lane + 1])].sum())
            chosen = self._from_the_top(waiting[lane], max(DEPTH_PER_SLOT * slots, DEPTH_LEAST))
            one_slot = np.ones(len(chosen), dtype=np.int64)
            bids = OrderColumns(units=one_slot, price=self.limits[chosen], rank=_bid_ranks(chosen, hashes))
            asks = OrderColumns(units=free_slots[rows], price=self.asks[rows], rank=ranks[first : first + len(rows)])
            lanes.append(SlotLane(bids=bids, job_units=self.units[chosen], asks=asks, reference=references[lane]))
            jobs.append(chosen)
            first += len(rows)
        lots = Lots(
            turns=_turns(provers, hashes), rounding=[rounding_lot(hashes, str(lane)) for lane in range(len(lanes))]
        )
        return Book(number=number, now_ms=now_ms, lanes=lanes, jobs=jobs, provers=provers, lots=lots)

    def _ask_ranks(self, rows: list[int], hashes: RankHashes) -> Column:
        ranks = ask_ranks([self._supplies[row] for row in rows], demanded=NO_PROGRAMS, hashes=hashes)
        return column_of([ranks[prover_id(row)] for row in rows])

    def _from_the_top(self, jobs: Column, depth: int) -> Column:
        if len(jobs) <= depth:
            return jobs
        # Jobs are numbered as they come, so a stable sort is "first come, first served" among equals.
        best = jobs[np.argsort(-self.limits[jobs], kind="stable")[:depth]]
        return np.sort(best)


def job_id(job: int) -> str:
    """Return the name under which a job's lot is drawn."""
    return f"job/{job}"


def prover_id(row: int) -> str:
    """Return the name under which a prover's lot is drawn."""
    return f"prover/{row}"


def _supply(row: int, bucket: int) -> ProverSupply:
    return ProverSupply(
        prover_id=prover_id(row), operator=f"operator/{row}", ask_price=0, free_slots=1, reputation_bucket=bucket
    )


def _turns(rows: Column, hashes: RankHashes) -> Column:
    """Return whose turn it is first to be given a lane."""
    lots = [hashes[f"{prover_id(row)} draws"] for row in rows.tolist()]
    turns = np.empty(len(lots), dtype=np.int64)
    turns[sorted(range(len(lots)), key=lots.__getitem__)] = np.arange(len(lots))
    return turns


def _demand(job: int) -> TaskDemand:
    """Return what `rank` reads of a bid: its name, and no share of its client's, so the lot alone decides."""
    return TaskDemand(task_id=job_id(job), jobs=(), limit_price=0, program_digest="")


def _bid_ranks(jobs: Column, hashes: RankHashes) -> Column:
    demands = [_demand(job) for job in jobs.tolist()]
    ranks: Mapping[str, int] = bid_ranks(demands, hashes=hashes)
    return column_of([ranks[demand.task_id] for demand in demands])
