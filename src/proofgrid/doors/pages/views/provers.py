"""An operator's own page: what it earns, how its provers stand, and why nothing is sold to one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from proofgrid.doors.pages.views.operators import ProverCard, prover_card
from proofgrid.roles.intake.bond_moves import Stake
from proofgrid.roles.intake.close_up import OperatorCloseUp
from proofgrid.rules.market.why_unsold import LaneMet, ProverNow, WhyUnsold, why_lane_unsold, why_prover_unsold
from proofgrid.store.close_up import SalesAtAsk, SessionOfOperator
from proofgrid.store.evidence import Evidence


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneLine:
    """What a prover meets in one lane; prices in base units per PU."""

    lane: str
    ask: int
    jobs: int
    best_bid: int | None
    why: WhyUnsold


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnProver:
    """A prover as its operator sees it."""

    card: ProverCard
    why: WhyUnsold | None  #: what holds in all of its lanes
    busy: int
    slots: int
    lanes: Sequence[LaneLine]


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """What a day brought, in base units."""

    day_ms: int
    amount: int
    jobs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProversPage:
    """What an operator's page shows; amounts in base units."""

    now_ms: int
    provers: Sequence[OwnProver]
    earned: int
    days: Sequence[Day]  #: newest first
    day_most: int
    stake: Stake
    asked: int | None  #: the price that was asked about
    sales: Sequence[SalesAtAsk]
    evidence: Sequence[Evidence]


def provers_page(seen: OperatorCloseUp, *, asked: int | None) -> ProversPage:
    """Return what an operator's page shows. `asked`: a price per PU that it wants to know of."""
    sessions = {one.prover_id: one for one in seen.sessions}
    lacks_bond = seen.stake.policy.is_asked and not seen.stake.removable
    days = _days(seen)
    return ProversPage(
        now_ms=seen.now_ms,
        provers=[
            _own(prover_card(report, {}), sessions.get(report.prover_id), seen, lacks_bond=lacks_bond)
            for report in seen.provers
        ],
        earned=seen.earned,
        days=days,
        day_most=max((one.amount for one in days), default=1),
        stake=seen.stake,
        asked=asked,
        sales=[seen.sales[lane] for lane in sorted(seen.sales)],
        evidence=seen.evidence,
    )


def _own(card: ProverCard, session: SessionOfOperator | None, seen: OperatorCloseUp, *, lacks_bond: bool) -> OwnProver:
    if session is None:
        why = why_prover_unsold(ProverNow(is_connected=False))
        return OwnProver(card=card, why=why, busy=0, slots=0, lanes=())
    now = ProverNow(
        is_silent=session.is_silent,
        is_draining=session.draining,
        paused_ms=max(0, session.paused_until_ms - seen.now_ms),
        slots=session.slots,
        busy=session.busy,
        lacks_bond=lacks_bond,
    )
    lanes = [_lane(lane, ask, seen) for lane, ask in sorted(session.asks_by_lane().items())]
    return OwnProver(card=card, why=why_prover_unsold(now), busy=session.busy, slots=session.slots, lanes=lanes)


def _lane(lane: str, ask: int, seen: OperatorCloseUp) -> LaneLine:
    bids, sales = seen.bids.get(lane), seen.sales.get(lane)
    met = LaneMet(
        ask=ask,
        jobs=0 if bids is None else bids.jobs,
        best_bid=0 if bids is None else bids.best_bid,
        sales=0 if sales is None else sales.sales,
        within=0 if sales is None else sales.within,
        best_price=0 if sales is None else sales.best_price,
    )
    best_bid = None if bids is None else bids.best_bid
    return LaneLine(lane=lane, ask=ask, jobs=met.jobs, best_bid=best_bid, why=why_lane_unsold(met))


def _days(seen: OperatorCloseUp) -> list[Day]:
    amounts: Mapping[int, list[int]] = defaultdict(lambda: [0, 0])
    for one in seen.by_day:
        amounts[one.day_ms][0] += one.amount
        amounts[one.day_ms][1] += one.number
    return [Day(day_ms=day_ms, amount=amount, jobs=jobs) for day_ms, (amount, jobs) in sorted(amounts.items())][::-1]
