"""Slots that provers offer ahead, cleared for one firm quote by the rule of the live market.

    the request's jobs, one slot each ------------------------> one bid, in slots
    reserves (slots offered ahead, as far as bonds carry them) -> one ask per prover, in slots
    dara.clear -> prices per PU, and who holds how many slots --> one seat for each job

A prover's reserve counts when it may have every job of the request, so one clearing decides for all of its lanes. The
client's limit is compared afterwards: a lone bid moves no price, it trades at the price or not at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from proofgrid.primitives.canonical import canonical_json
from proofgrid.primitives.money import PRICE_MAX
from proofgrid.rules.jobs.speed import UNMEASURED, Speed, expected_ms
from proofgrid.rules.market.clearing import clear_book
from proofgrid.rules.market.dara import Clearing
from proofgrid.rules.market.orders import Ask, Bid, ClearingRules, price_limits
from proofgrid.rules.market.quote import UNITS_PER_SECOND
from proofgrid.rules.scheduling.rank import RankHashes

_BID = "quote"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReservedJob:
    """A job that will come; its place in the request is its place in the list."""

    lane: str
    units: int
    memory_bytes: int
    sizes: int = 0  #: number of the correction that its units and memory come out of (rules/jobs/sizes.py); 0: of none
    depends_on: tuple[int, ...] = ()  #: places of the jobs whose proofs it takes, all before its own


@dataclass(frozen=True, slots=True, kw_only=True)
class Reserve:
    """What a prover offers ahead."""

    prover_id: str
    operator: str
    price: int  #: the least it takes, per PU
    slots: int  #: that are free, and that its operator's bond carries
    memory_bytes: int  #: for all of them together
    units_min: int  #: of one job
    units_max: int  #: of one job, so that it takes no longer than the horizon
    reputation_bucket: int
    speeds: Mapping[str, Speed]  #: lane -> what it did there

    def slots_for(self, jobs: Sequence[ReservedJob]) -> int:
        """Return how many of its slots may have one of these jobs: more slots than jobs are no supply."""
        if any(not self.units_min <= job.units <= self.units_max for job in jobs):
            return 0
        largest = max((job.memory_bytes for job in jobs), default=0)
        return min(len(jobs), self.slots, self.memory_bytes // largest if largest else self.slots)

    def expected_ms(self, job: ReservedJob) -> int:
        """Return how long it takes for a job, by what it did so far; by one reference core before."""
        speed = self.speeds.get(job.lane, UNMEASURED)
        least = 1 if speed.is_measured else UNITS_PER_SECOND
        return expected_ms(job.units, speed, least_units_per_second=least)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """A slot that a firm quote reserves for one job of the task that redeems it."""

    position: int  #: of the job in its request
    lane: str
    units: int
    memory_bytes: int
    prover_id: str
    operator: str
    sizes: int = 0  #: of its job
    starts_ms: int = 0  #: when its job is expected to begin, after the redemption: when what it takes is proven
    ends_ms: int = 0  #: when it is expected to be proven, where others wait for it; 0: nobody does


@dataclass(frozen=True, slots=True, kw_only=True)
class SoldAhead:
    """What the reserves were sold for: prices per PU, and a seat for each job."""

    buy_price: int
    sell_price: int
    seats: tuple[Seat, ...]
    expected_ms: int  #: until all is proven: of the job, or chain of jobs that wait for each other, that takes longest
    record: str  #: canonical JSON of all that went into the clearing, and of what came out


def price_top(reference: int) -> int:
    """Return the price per unit above which no reserve is sold: the upper end of the window around the reference."""
    return ClearingRules.suggested(reference, sellers=2).window(sellers=2)[1]


def offered_slots(jobs: Sequence[ReservedJob], reserves: Sequence[Reserve], *, reference: int) -> tuple[int, int]:
    """Return how many slots are offered within the price limits, and the most of them that one request may have."""
    _, ceil = price_limits(reference)
    slots = [most for one in reserves if one.price <= ceil and (most := one.slots_for(jobs))]
    part, whole = ClearingRules.suggested(reference, sellers=len(slots)).share
    return sum(slots), sum(slots) * part // whole


def sell_ahead(
    jobs: Sequence[ReservedJob], reserves: Sequence[Reserve], *, reference: int, beacon: bytes
) -> SoldAhead | None:
    """Clear reserves for a request's jobs, at least one; None when they are not sold at any limit.

    `reference`: per PU, from the live market's earlier rounds. `beacon`: drawn after the orders were fixed.
    """
    able = {one.prover_id: one for one in reserves if one.slots_for(jobs)}
    asks = _asks(able, jobs, beacon)
    _, ceil = price_limits(reference)
    rules = ClearingRules.suggested(reference, sellers=sum(ask.price <= ceil for ask in asks))
    bid = Bid(order_id=_BID, units=len(jobs), price=PRICE_MAX - 1, rank=0)
    clearing = clear_book([bid], asks, rules)
    if not clearing.bought:
        return None
    holders = [able[prover_id] for prover_id, slots in clearing.sold for _ in range(slots)]
    starts, ends = _times(jobs, holders)
    waited_for = {place for job in jobs for place in job.depends_on}
    return SoldAhead(
        buy_price=clearing.buy_price,
        sell_price=clearing.sell_price,
        seats=tuple(
            Seat(
                position=position,
                lane=job.lane,
                units=job.units,
                memory_bytes=job.memory_bytes,
                prover_id=holder.prover_id,
                operator=holder.operator,
                sizes=job.sizes,
                starts_ms=starts[position],
                ends_ms=ends[position] if position in waited_for else 0,
            )
            for position, (job, holder) in enumerate(zip(jobs, holders, strict=True))
        ),
        expected_ms=max(ends),
        record=_record(bid, asks, clearing, reference=reference, beacon=beacon),
    )


def _times(jobs: Sequence[ReservedJob], holders: Sequence[Reserve]) -> tuple[list[int], list[int]]:
    """Return when each job is expected to begin, and to be proven, in ms after the first ones begin."""
    starts: list[int] = []
    ends: list[int] = []
    for job, holder in zip(jobs, holders, strict=True):
        starts.append(max((ends[place] for place in job.depends_on), default=0))
        ends.append(starts[-1] + holder.expected_ms(job))
    return starts, ends


def _asks(able: Mapping[str, Reserve], jobs: Sequence[ReservedJob], beacon: bytes) -> list[Ask]:
    """Return one ask per prover; ranks as in a round: the better bucket first, then by lot."""
    hashes = RankHashes(beacon)
    ranked = sorted(able.values(), key=lambda one: (one.reputation_bucket, hashes[one.prover_id], one.prover_id))
    return [
        Ask(order_id=one.prover_id, units=one.slots_for(jobs), price=one.price, rank=rank)
        for rank, one in enumerate(ranked)
    ]


def _record(bid: Bid, asks: Sequence[Ask], clearing: Clearing, *, reference: int, beacon: bytes) -> str:
    return canonical_json(
        {
            "asks": [{"id": one.order_id, "price": one.price, "rank": one.rank, "slots": one.units} for one in asks],
            "beacon": beacon.hex(),
            "buy_price": clearing.buy_price,
            "reference": reference,
            "sell_price": clearing.sell_price,
            "slots": bid.units,
            "sold": [[prover_id, slots] for prover_id, slots in clearing.sold],
        }
    ).decode()
