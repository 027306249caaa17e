"""From what waits in a lane to the sealed orders of one round.

    demands --(jobs somebody may run)----> first jobs up to half the capacity --> one bid per task
    supplies --(free slots, not absent)--> slots x lot -------------------------> one ask per prover

One ask per prover, not per operator: machines of one operator differ in price, speed and rank, so one order cannot
speak for them. The price is that an operator with several provers holds several orders, and such an owner can gain
by sacrificing one for the others (dara.md, section 3, "What does NOT hold"); stake per machine limits it.

The lot, the capacity that a bid may cover and the number of sellers count the orders within the public floor and
ceiling only, exactly as step 1 of the clearing does. Otherwise a few asks above the ceiling would inflate the
capacity, and every bid cut to half of it would be refused as too large, round after round.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from proofgrid.primitives.digests import Digest
from proofgrid.primitives.errors import InvalidField
from proofgrid.rules.market.edition_1.capacity import capacity_units, covered_jobs, draws_one_job, lot_units
from proofgrid.rules.market.edition_1.exclusion import entering, sitting_out
from proofgrid.rules.market.edition_1.supplies import ProverSupply
from proofgrid.rules.market.orders import Ask, Bid, ClearingRules, price_limits
from proofgrid.rules.scheduling.demand_and_supply import JobDemand, TaskDemand
from proofgrid.rules.scheduling.rank import RankHashes, ask_ranks, bid_ranks

NUMBER_MAX = 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundInputs:
    """Everything a round is made of. Two rounds with equal inputs have equal outcomes."""

    lane: str
    number: int
    previous: Digest | None  #: hash of the transcript of the lane's round before, None for the first
    beacon: bytes  #: drawn after the orders were sealed
    reference: int | None
    demands: Sequence[TaskDemand]
    supplies: Sequence[ProverSupply]
    floor_least: int = 0  #: the reference of the lane below, whose work these provers could do instead

    def __post_init__(self) -> None:
        if type(self.number) is not int or not 0 <= self.number <= NUMBER_MAX:
            raise InvalidField("a round's number is a whole number from 0", field="number")
        _check_unique([demand.task_id for demand in self.demands], field="demands.task_id")
        _check_unique([job.job_id for demand in self.demands for job in demand.jobs], field="demands.jobs.job_id")
        _check_unique([supply.prover_id for supply in self.supplies], field="supplies.prover_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundOrders:
    """The orders of a round and how they came about, sorted by id. Either both sides have orders or neither has."""

    demands: Sequence[TaskDemand]  #: those that entered, with the jobs that entered
    supplies: Sequence[ProverSupply]  #: those that entered
    absent: Sequence[ProverSupply]  #: those that sit this round out
    covered: Mapping[str, tuple[JobDemand, ...]]  #: task id -> the jobs that its bid is for
    bids: Sequence[Bid]
    asks: Sequence[Ask]
    hashes: Mapping[str, str]  #: what the beacon drew for every order, by id
    lot: int  #: units in one slot
    rules: ClearingRules


def orders_of(inputs: RoundInputs) -> RoundOrders:
    """Return the orders of a round, independent of the order in which the inputs are listed."""
    hashes = RankHashes(inputs.beacon)
    free = sorted((supply for supply in inputs.supplies if supply.free_slots), key=lambda supply: supply.prover_id)
    demands = sorted(entering(inputs.demands, free), key=lambda demand: demand.task_id)
    out = sitting_out(demands, free, hashes=hashes)
    supplies = [supply for supply in free if supply.prover_id not in out] if demands else []
    if out:
        demands = entering(demands, supplies)

    floor, ceil = price_limits(inputs.reference)
    floor = max(floor, inputs.floor_least)
    admitted = [supply for supply in supplies if supply.ask_price <= ceil]
    # When no demand is admitted nothing trades, yet the orders need sizes to be on record.
    lot = lot_units(demand for demand in demands if demand.limit_price >= floor) or lot_units(demands)
    capacity = sum(capacity_units(supply, lot=lot) for supply in admitted)
    covered = {demand.task_id: _covered(demand, capacity, hashes) for demand in demands}

    return RoundOrders(
        demands=demands,
        supplies=supplies,
        absent=[supply for supply in free if supply.prover_id in out],
        covered=covered,
        bids=_bids(demands, covered, hashes),
        asks=_asks(supplies, demands, lot, hashes),
        hashes=hashes,
        lot=lot,
        rules=replace(ClearingRules.suggested(inputs.reference, sellers=len(admitted)), floor=floor),
    )


def _covered(demand: TaskDemand, capacity: int, hashes: RankHashes) -> tuple[JobDemand, ...]:
    one_job = draws_one_job(hashes[demand.task_id])
    return covered_jobs(demand.jobs, capacity=capacity, one_job=one_job)


def _bids(demands: Sequence[TaskDemand], covered: Mapping[str, tuple[JobDemand, ...]], hashes: RankHashes) -> list[Bid]:
    ranks = bid_ranks(demands, hashes=hashes)
    return [
        Bid(
            order_id=demand.task_id,
            units=sum([job.units for job in covered[demand.task_id]]),
            price=demand.limit_price,
            rank=ranks[demand.task_id],
        )
        for demand in demands
    ]


def _asks(supplies: Sequence[ProverSupply], demands: Sequence[TaskDemand], lot: int, hashes: RankHashes) -> list[Ask]:
    ranks = ask_ranks(supplies, demanded=demanded_programs(demands), hashes=hashes)
    return [
        Ask(
            order_id=supply.prover_id,
            units=capacity_units(supply, lot=lot),
            price=supply.ask_price,
            rank=ranks[supply.prover_id],
        )
        for supply in supplies
    ]


def demanded_programs(demands: Iterable[TaskDemand]) -> frozenset[str]:
    """Return the programs of all tasks in the round."""
    return frozenset(demand.program_digest for demand in demands)


def _check_unique(ids: Sequence[str], *, field: str) -> None:
    if len(set(ids)) < len(ids):
        twice = next(order_id for order_id, times in Counter(ids).items() if times > 1)
        raise InvalidField(f"every id enters a round once; {twice!r} is there twice", field=field)
