"""What a request would cost and take: the real clearing run on the live book with one more bid, and recent prices.

    live book + the request's jobs at the highest admitted limit --run_stack, several beacons--> price now
    buy prices of recent rounds that traded --------------------------------------------------> price for a chance
    waiting units, free slots, measured speeds -----------------------------------------------> expected time

A bid does not move its own price (dara.md, section 2), so what the highest limit pays is what any winning limit pays.
A quote says nothing of single orders: only the price of a round that may never be held.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from proofgrid.primitives.money import PRICE_MAX
from proofgrid.rules.market.stack import LaneDemands, Supplies, anchored, run_stack
from proofgrid.rules.scheduling.demand_and_supply import JobDemand, TaskDemand

BEACONS = 7  #: rounds that are tried: lots decide ties and which bids cover one job only
CHANCES_PERCENT = (50, 90, 99)
LIKELY_PERCENT = 90
WHOLE_PERMILLE, SUGGESTED_PERMILLE = 1_000, 1_200  #: of the estimate
UNITS_PER_SECOND = 1_000  #: of a prover that is not measured: one reference core
_WHO = "quote"


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneQuote:
    """What one lane says to the jobs of a request."""

    lane: str
    jobs: int
    units: int
    memory_bytes_max: int
    price_now: int | None  #: per PU; None: nobody would sell now
    prices: Mapping[int, int]  #: chance in percent -> the limit that traded in that share of the recent rounds
    provers: int  #: that may serve it
    free_slots: int
    wait_ms: int  #: until those who wait before it are served
    prove_ms: int  #: of its own jobs, side by side as far as there are slots


def price_now(
    lanes: Sequence[LaneDemands], provers: Sequence[Supplies], lane: str, jobs: Sequence[JobDemand], *, program: str
) -> int | None:
    """Return the median price per unit at which the first of the jobs would be sold now; None when it would not.

    `lanes`: what waits in the stack, the request's lane among them, perhaps with nothing in it.
    """
    demands = [_with_bid(one, lane, jobs, program) for one in anchored(lanes)]
    beacons = [hashlib.sha256(f"{lane} {number}".encode()).digest() for number in range(BEACONS)]
    prices = [
        outcome.buy_price
        for beacon in beacons
        for outcome in run_stack(demands, provers, beacon=beacon)
        if outcome.lane == lane and any(placed.task_id == _WHO for placed in outcome.placements)
    ]
    # More often sold than not, or it would be a lucky draw.
    return sorted(prices)[len(prices) // 2] if 2 * len(prices) > BEACONS else None


def prices_for_chances(buy_prices: Sequence[int], *, reference: int) -> dict[int, int]:
    """Return for each chance the lowest limit that was at or above the price in that share of the rounds."""
    known = sorted(buy_prices) or [reference]
    return {percent: known[-(-percent * len(known) // 100) - 1] for percent in CHANCES_PERCENT}


def estimate(lanes: Sequence[LaneQuote]) -> int:
    """Return what the market says that a limit price must be, per PU: one limit holds for all jobs of a task.

    The dearest lane's price now; where a lane would not sell at once, what sold in nine of ten of its recent rounds.
    """
    return max((lane.price_now or lane.prices[LIKELY_PERCENT] for lane in lanes), default=0)


def suggested_limit(estimate_price: int, *, units: int, budget: int, balance: int) -> int:
    """Return the limit price of a request whose client names none: a fifth above the estimate, rounded up.

    It stays within the client's budget (0: none), and within its balance as long as that pays for the estimate; a
    client who cannot pay that is refused for its funds. At least 1. Amounts in base units.
    """
    most = max(1, -(-estimate_price * SUGGESTED_PERMILLE // WHOLE_PERMILLE))
    if balance < most * units:
        most = max(estimate_price, balance // units)
    if budget:
        most = min(most, budget // units)
    return max(1, most)


def expected_ms(units: Sequence[int], *, waiting_units: int, slots: int, units_per_second: int) -> tuple[int, int]:
    """Return how long the jobs wait and how long they are proven; `units_per_second`: of one slot."""
    if not slots:
        return 0, 0
    speed = max(1, units_per_second)
    wait_ms = waiting_units * 1_000 // (speed * slots)
    longest = max(units, default=0)
    side_by_side = max(longest, -(-sum(units) // slots))
    return wait_ms, -(-side_by_side * 1_000 // speed)


def _with_bid(one: LaneDemands, lane: str, jobs: Sequence[JobDemand], program: str) -> LaneDemands:
    if one.lane != lane:
        return one
    _, ceil = one.limits
    bid = TaskDemand(
        task_id=_WHO, jobs=tuple(jobs), limit_price=min(ceil, PRICE_MAX - 1), program_digest=program, share=0
    )
    return replace(one, demands=[*one.demands, bid])
