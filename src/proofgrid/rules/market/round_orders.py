"""From what waits in a lane to the sealed orders of one round, in slots: a job takes one, whatever its size.

    demands --(admitted by the floor; jobs that somebody here may run)--> first jobs up to half the slots --> one bid
    supplies --(admitted by the ceiling; may run one of these jobs)--> slots that such jobs wait for ---> one ask

One ask per prover: machines of one operator differ in price, speed and rank, so one order cannot speak for them. But
where sellers are counted, an operator is one: its provers do not compete with each other. What is left to an owner of
several orders is to sacrifice one for the others (dara.md, section 3, "What does NOT hold").

An order that cannot trade moves nothing (dara.md, section 7): a bid below the floor, an ask above the ceiling, an order
that nobody on the other side may have. Such orders are on record as idle; no count, no lot and no limit knows them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from proofgrid.primitives.digests import Digest
from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.money import PRICE_MAX
from proofgrid.primitives.quick_values import maker_of
from proofgrid.rules.jobs.classes import is_wide
from proofgrid.rules.market.counted import NOTHING_COUNTED, CountedBids
from proofgrid.rules.market.draw_record import DrawRecord
from proofgrid.rules.market.orders import Ask, Bid, ClearingRules, price_limits
from proofgrid.rules.scheduling.capacity import covered_jobs, draws_one_job
from proofgrid.rules.scheduling.demand_and_supply import JobDemand, ProverSupply, TaskDemand
from proofgrid.rules.scheduling.exclusion import JobCounts, jobs_for, sitting_out
from proofgrid.rules.scheduling.rank import RankHashes, ask_ranks, bid_ranks

NUMBER_MAX = 2**63 - 1
_bid, _ask = maker_of(Bid), maker_of(Ask)  # of demands and supplies that were checked


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
    anchor: int | None = None  #: the wide lane's reference; of a wide lane, the network's setting
    backed: bool = (
        False  #: jobs of the lane are being proven, or somebody in another lane asks no more than its ceiling
    )
    draw: DrawRecord | None = None  #: how these supplies came here; None: there was one lane
    counted: CountedBids = NOTHING_COUNTED  #: bids below every ask, beside the demands

    def __post_init__(self) -> None:
        if type(self.number) is not int or not 0 <= self.number <= NUMBER_MAX:
            raise InvalidField("a round's number is a whole number from 0", field="number")
        if self.anchor is not None and (type(self.anchor) is not int or not 0 <= self.anchor <= PRICE_MAX):
            raise InvalidField(f"an anchor is a whole number from 0 to {PRICE_MAX}", field="anchor")
        _check_unique([demand.task_id for demand in self.demands], field="demands.task_id")
        _check_unique([job.job_id for demand in self.demands for job in demand.jobs], field="demands.jobs.job_id")
        _check_unique([supply.prover_id for supply in self.supplies], field="supplies.prover_id")
        self.counted.check(self.demands, self.supplies)


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundOrders:
    """The orders of a round and how they came about, sorted by id. Either both sides have orders or neither has."""

    demands: Sequence[TaskDemand]  #: that bid
    supplies: Sequence[ProverSupply]  #: that ask
    absent: Sequence[ProverSupply]  #: that sit this round out
    idle_demands: Sequence[TaskDemand]  #: that cannot trade
    idle_supplies: Sequence[ProverSupply]
    covered: Mapping[str, tuple[JobDemand, ...]]  #: task id -> the jobs that its bid is for
    bids: Sequence[Bid]
    asks: Sequence[Ask]
    counted: Sequence[Bid]  #: bids below every ask, which have no names; they rank behind the others
    demanded: frozenset[str]  #: programs of all that bid
    hashes: Mapping[str, str]  #: what the beacon drew for every order, by id
    rules: ClearingRules
    is_wanted: bool  #: a bid is admitted that somebody here may serve, whatever that one asks
    is_offered: bool  #: an ask is admitted that may serve somebody here, whatever that one bids

    @property
    def all_bids(self) -> Sequence[Bid]:
        return [*self.bids, *self.counted] if self.counted else self.bids


def limits_of(lane: str, *, reference: int | None, anchor: int | None) -> tuple[int, int]:
    """Return floor and ceiling of a lane: those of its reference, or where bids have constraints of the wide lane's.

    So a few bids that only one prover may serve cannot talk the lane's limits up or down.
    """
    return price_limits(reference if is_wide(lane) or anchor is None else anchor)


def admitted_demands(demands: Iterable[TaskDemand], floor: int, ceil: int) -> list[TaskDemand]:
    """Return the demands that bid the floor or more; with the floor above the ceiling there are none."""
    return [demand for demand in demands if floor <= min(ceil, demand.limit_price)]


def orders_of(inputs: RoundInputs) -> RoundOrders:
    """Return the orders of a round, independent of the order in which the inputs are listed."""
    hashes = RankHashes(inputs.beacon)
    floor, ceil = limits_of(inputs.lane, reference=inputs.reference, anchor=inputs.anchor)
    admitted = sorted(admitted_demands(inputs.demands, floor, ceil), key=lambda demand: demand.task_id)
    offered = sorted(
        [supply for supply in inputs.supplies if supply.free_slots and supply.ask_price <= ceil],
        key=lambda supply: supply.prover_id,
    )
    counted = inputs.counted.admitted(floor, ceil)
    able = met = _Meeting.of(admitted, offered, counted)
    out = sitting_out(able.jobs, {one.prover_id: one.free_slots for one in able.supplies}, hashes=hashes)
    if out:
        met = _Meeting.of(able.demands, [supply for supply in able.supplies if supply.prover_id not in out], counted)

    here = {supply.prover_id for supply in met.supplies}
    could = {supply.prover_id for supply in able.supplies}
    asks = _asks(met, hashes)
    sellers = len({supply.operator for supply in met.supplies})
    covered = _covered(met, sum([ask.units for ask in asks]), hashes)
    return RoundOrders(
        demands=met.demands,
        supplies=met.supplies,
        absent=[supply for supply in able.supplies if supply.prover_id not in here],
        idle_demands=sorted(
            [one for one in inputs.demands if one.task_id not in met.jobs], key=lambda one: one.task_id
        ),
        idle_supplies=sorted(
            [one for one in inputs.supplies if one.prover_id not in could], key=lambda one: one.prover_id
        ),
        covered=covered,
        bids=_bids(met.demands, covered, hashes),
        asks=asks,
        counted=met.counted.bids(first_rank=len(met.demands)),
        demanded=met.demanded,
        hashes=hashes,
        rules=replace(ClearingRules.suggested(inputs.reference, sellers=sellers), floor=floor, ceil=ceil),
        is_wanted=bool(able.demands or _is_wanted(admitted, counted, inputs.supplies)),
        is_offered=bool(able.supplies)
        or any(
            map(
                JobCounts(inputs.demands, others=inputs.counted.total).may_run,
                [supply.prover_id for supply in offered],
            )
        ),
    )


def _is_wanted(admitted: Sequence[TaskDemand], counted: CountedBids, supplies: Sequence[ProverSupply]) -> bool:
    free = [supply for supply in supplies if supply.free_slots]
    return bool(jobs_for(admitted, free) or (free and counted.prices))


@dataclass(frozen=True, slots=True)
class _Meeting:
    """Orders that somebody on the other side may have."""

    demands: Sequence[TaskDemand]
    supplies: Sequence[ProverSupply]
    jobs: Mapping[str, tuple[JobDemand, ...]]  #: task id -> those that somebody may run
    counts: JobCounts
    counted: CountedBids

    @classmethod
    def of(cls, demands: Sequence[TaskDemand], supplies: Sequence[ProverSupply], counted: CountedBids) -> _Meeting:
        jobs = jobs_for(demands, supplies)
        served = [demand for demand in demands if demand.task_id in jobs]
        counted = counted if supplies else NOTHING_COUNTED
        # A job that nobody may run is nobody's reason to be here, so it may be counted.
        counts = JobCounts(served, others=counted.total)
        return cls(served, [one for one in supplies if counts.may_run(one.prover_id)], jobs, counts, counted)

    @property
    def demanded(self) -> frozenset[str]:
        return demanded_programs(self.demands) | self.counted.programs


def demanded_programs(demands: Iterable[TaskDemand]) -> frozenset[str]:
    """Return the programs of all these tasks."""
    return frozenset(demand.program_digest for demand in demands)


def _covered(met: _Meeting, capacity: int, hashes: RankHashes) -> dict[str, tuple[JobDemand, ...]]:
    return {
        task_id: covered_jobs(jobs, capacity=capacity, one_job=draws_one_job(hashes[task_id]))
        for task_id, jobs in met.jobs.items()
    }


def _bids(demands: Sequence[TaskDemand], covered: Mapping[str, tuple[JobDemand, ...]], hashes: RankHashes) -> list[Bid]:
    ranks = bid_ranks(demands, hashes=hashes)
    return [
        _bid(demand.task_id, len(covered[demand.task_id]), demand.limit_price, ranks[demand.task_id])
        for demand in demands
    ]


def _asks(met: _Meeting, hashes: RankHashes) -> list[Ask]:
    ranks = ask_ranks(met.supplies, demanded=met.demanded, hashes=hashes)
    return [
        _ask(
            supply.prover_id,
            min(supply.free_slots, met.counts.may_run(supply.prover_id)),
            supply.ask_price,
            ranks[supply.prover_id],
        )
        for supply in met.supplies
    ]


def _check_unique(ids: Sequence[str], *, field: str) -> None:
    if len(set(ids)) < len(ids):
        twice = next(order_id for order_id, times in Counter(ids).items() if times > 1)
        raise InvalidField(f"every id enters a round once; {twice!r} is there twice", field=field)
