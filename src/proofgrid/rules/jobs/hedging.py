"""Stragglers: when a second lease is asked for, the most it may cost, and what the lease that loses is paid.

    running lease --(slower than p95 of its kind)--> wish --(sold in a round, to another operator)--> second lease
    first verified proof wins at the price of its own round; the other is stopped and paid a share of what it shows

The job's own escrow, limit price times units, pays for both. The wish bids at most what leaves room for either ending:

    hedge wins:   hedge price + straggler's share of the first price <= limit price
    first wins:   first price + hedge's share of the hedge price     <= limit price      (all per unit)

Whether to hedge reads sizes, times and former prices, never the asks of those who could get the lease.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from proofgrid.primitives.errors import InvalidField
from proofgrid.rules.jobs.lifecycle import LeaseKind, LeaseState
from proofgrid.rules.jobs.phases import remaining_ms
from proofgrid.rules.jobs.speed import WHOLE_PERMILLE

ENTERS_ROUND_IN = 2  #: of the rounds in which its task has other jobs to sell, the wish takes one in so many


@dataclass(frozen=True, slots=True, kw_only=True)
class HedgePolicy:
    """When a lease is a straggler, how many may be hedged, and who is paid which share (1/1000)."""

    samples_min: int = 20  #: of a kind; fewer say nothing about its slowest twentieth
    slow_permille: int = 1_250  #: of the p95 of its kind
    start_ms: int = 2_000  #: for files and keys, which a first lease of a program needs and others do not
    hedges_max: int = 2  #: of one job
    hedged_permille_max: int = 100  #: of all held leases: when everything is slow, nothing is a straggler
    price_least_permille: int = 500  #: of the first price; a lower bid would not be sold
    wish_ms: int = 5_000  #: then it is dropped, and may be made again
    straggler_share_permille: int = 250
    hedge_share_permille: int = 500  #: it was asked to come, and is not the late one

    def __post_init__(self) -> None:
        for field in ("straggler_share_permille", "hedge_share_permille"):
            if not 1 <= getattr(self, field) <= WHOLE_PERMILLE:
                raise InvalidField("a share lies between 1 and 1000 permille", field=field)

    def share_permille(self, kind: LeaseKind) -> int:
        """Return the share of a loser of this kind."""
        return self.straggler_share_permille if kind is LeaseKind.FIRST else self.hedge_share_permille


@dataclass(frozen=True, slots=True, kw_only=True)
class KindStats:
    """How long jobs of one kind (proof system and class) take, in microseconds per unit."""

    samples: int
    median_us_per_unit: int
    p95_us_per_unit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HedgeJob:
    """A leased job."""

    units: int
    deadline_ms: int  #: of its task
    limit_price: int  #: of its task
    hedges: int  #: wishes that were sold so far
    allowed: bool = True  #: by the client, apart from the limit price: else shading the limit would save the hedge


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningLease:
    """The lease that may be a straggler, with the prices of its round."""

    kind: LeaseKind
    state: LeaseState
    operator: str
    buy_price: int
    sell_price: int
    started_ms: int
    permille: int  #: the prover's word


@dataclass(frozen=True, slots=True, kw_only=True)
class HedgeSupply:
    """What the lane has, in sizes only."""

    free_slots_elsewhere: int  #: of provers of other operators that are not excluded for the job
    jobs_ready: int  #: jobs that nobody proves yet come first
    leases_held: int
    hedges_open: int  #: hedge leases held, and wishes


@dataclass(frozen=True, slots=True, kw_only=True)
class Hedge:
    """A wish for a second lease. It enters rounds as its task's order: one job, this price, without this operator."""

    price: int  #: the most per unit
    excluded_operator: str
    until_ms: int


def us_per_unit(units: int, wall_ms: int) -> int:
    """Return one sample of a kind: how long a lease ran per unit."""
    return max(0, wall_ms) * 1_000 // units


def kind_stats(samples: Iterable[int], policy: HedgePolicy) -> KindStats | None:
    """Return the statistics of a kind, or None while there are too few samples (microseconds per unit).

    Leases overtaken by a hedge belong among them, with the time that they had: without them the slow ones would be
    missing, p95 would sink with every hedge, and more and more leases would look slow.
    """
    ordered = sorted(samples)
    if len(ordered) < policy.samples_min or not ordered:
        return None
    return KindStats(
        samples=len(ordered),
        median_us_per_unit=_nearest_rank(ordered, 500),
        p95_us_per_unit=_nearest_rank(ordered, 950),
    )


def slow_at_ms(lease: RunningLease, units: int, kind: KindStats, policy: HedgePolicy) -> int:
    """Return the time from which a running lease is a straggler."""
    usual_ms = -(-kind.p95_us_per_unit * units * policy.slow_permille // (1_000 * WHOLE_PERMILLE))
    return lease.started_ms + policy.start_ms + usual_ms


def is_slow(lease: RunningLease, units: int, kind: KindStats | None, policy: HedgePolicy, *, now_ms: int) -> bool:
    """Is this running lease a straggler at `now_ms`?"""
    return kind is not None and lease.state is LeaseState.RUNNING and now_ms >= slow_at_ms(lease, units, kind, policy)


def should_hedge(
    job: HedgeJob,
    lease: RunningLease,
    kind: KindStats | None,
    supply: HedgeSupply,
    policy: HedgePolicy,
    *,
    now_ms: int,
) -> Hedge | None:
    """Return the wish for a second lease of a straggling job, or None when there is none to be made."""
    if kind is None or not is_slow(lease, job.units, kind, policy, now_ms=now_ms):
        return None
    if lease.kind is not LeaseKind.FIRST or not job.allowed or job.hedges >= policy.hedges_max:
        return None
    usual_ms = policy.start_ms + kind.median_us_per_unit * job.units // 1_000
    if now_ms + usual_ms >= job.deadline_ms or _soon_done(lease, job, kind, usual_ms, policy, now_ms=now_ms):
        return None
    if not _has_room(supply, policy):
        return None
    price = hedge_price(job.limit_price, lease, policy)
    if price < max(1, lease.buy_price * policy.price_least_permille // WHOLE_PERMILLE):
        return None
    return Hedge(price=price, excluded_operator=lease.operator, until_ms=now_ms + policy.wish_ms)


def hedge_price(limit_price: int, lease: RunningLease, policy: HedgePolicy) -> int:
    """Return the most that a second lease may cost per unit, so that both endings fit the limit; 0 or less: none."""
    if_it_wins = limit_price - _rounded_up(lease.sell_price * policy.straggler_share_permille)
    if_it_loses = (limit_price - lease.buy_price) * WHOLE_PERMILLE // policy.hedge_share_permille
    return min(if_it_wins, if_it_loses)


def enters_round(round_number: int, *, has_ready_jobs: bool) -> bool:
    """Is a task's order in this round its wish? A task has one order in a round; its other jobs wait for the next."""
    return not has_ready_jobs or round_number % ENTERS_ROUND_IN == 0


def left_of_job(*, limit_price: int, units: int, winner_buy_price: int) -> int:
    """Return what is left of a job's escrow once the proof that counts is paid."""
    return max(0, (limit_price - winner_buy_price) * units)


def loser_share(
    kind: LeaseKind, *, shown_permille: int, sell_price: int, units: int, left: int, policy: HedgePolicy
) -> int:
    """Return what the lease that was overtaken is paid: its share of the work it shows, at most what is `left`."""
    shown = max(0, min(shown_permille, WHOLE_PERMILLE))
    share = sell_price * units * shown * policy.share_permille(kind) // (WHOLE_PERMILLE * WHOLE_PERMILLE)
    return max(0, min(share, left))


def _soon_done(
    lease: RunningLease, job: HedgeJob, kind: KindStats, usual_ms: int, policy: HedgePolicy, *, now_ms: int
) -> bool:
    """Is it done before a second lease could be? Its word counts for as long again as made it a straggler."""
    patience_ms = slow_at_ms(lease, job.units, kind, policy) - lease.started_ms
    if lease.permille <= 0 or now_ms >= lease.started_ms + 2 * patience_ms:
        return False
    return remaining_ms(lease.started_ms, lease.permille, now_ms=now_ms) < usual_ms


def _has_room(supply: HedgeSupply, policy: HedgePolicy) -> bool:
    # One hedge is always allowed: a tenth of a small lane is nothing.
    allowed = max(1, supply.leases_held * policy.hedged_permille_max // WHOLE_PERMILLE)
    return supply.free_slots_elsewhere > supply.jobs_ready and supply.hedges_open < allowed


def _nearest_rank(ordered: list[int], permille: int) -> int:
    """Return the smallest sample with this share of all samples at or below it, as percentile_disc does in SQL."""
    return ordered[-(-len(ordered) * permille // WHOLE_PERMILLE) - 1]


def _rounded_up(thousandths: int) -> int:
    return -(-thousandths // WHOLE_PERMILLE)
