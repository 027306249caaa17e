"""What a firm quote promises and what it costs (docs/decisions/0019).

held --redeemed--> redeemed --kept------> kept       (the bundle was there in time)
  |                        `--missed----> missed     (cost back, and the penalty)
  |                        `--given_up--> given_up   (by the client: what work was paid is charged)
  `--expired--> expired                              (cost back)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from proofgrid.primitives.errors import InvalidField, NoFirmQuote, TaskCancelled, Unprovable
from proofgrid.primitives.money import AMOUNT_MAX, PRICE_MAX
from proofgrid.rules.access.subnetworks import DEFAULT
from proofgrid.rules.jobs.lifecycle import TaskState
from proofgrid.rules.jobs.request import ProofRequest
from proofgrid.rules.market.quote import LaneQuote

HOLD_MS_MIN = 1_000
HOLD_MS_DEFAULT = 600_000
CHANCE_PERCENT = 90  #: the price that sold in so many of the recent rounds is the least that is asked
TIMES_EXPECTED = 3
SLACK_MS = 30_000
_MINUTE_MS = 60_000


class QuoteState(StrEnum):
    HELD = "held"
    REDEEMED = "redeemed"
    KEPT = "kept"
    MISSED = "missed"
    GIVEN_UP = "given_up"
    EXPIRED = "expired"


class QuoteEvent(StrEnum):
    REDEEMED = "redeemed"
    KEPT = "kept"
    MISSED = "missed"
    GIVEN_UP = "given_up"
    EXPIRED = "expired"


QUOTE_TRANSITIONS: dict[tuple[QuoteState, QuoteEvent], QuoteState] = {
    (QuoteState.HELD, QuoteEvent.REDEEMED): QuoteState.REDEEMED,
    (QuoteState.HELD, QuoteEvent.EXPIRED): QuoteState.EXPIRED,
    (QuoteState.REDEEMED, QuoteEvent.KEPT): QuoteState.KEPT,
    (QuoteState.REDEEMED, QuoteEvent.MISSED): QuoteState.MISSED,
    (QuoteState.REDEEMED, QuoteEvent.GIVEN_UP): QuoteState.GIVEN_UP,
}

QUOTE_OPEN = (QuoteState.HELD, QuoteState.REDEEMED)


def quote_sources(event: QuoteEvent) -> list[str]:
    """Return the states in which `event` may happen to a firm quote."""
    return [state.value for (state, on) in QUOTE_TRANSITIONS if on is event]


def event_of_ended_task(state: TaskState, failure_code: str) -> QuoteEvent:
    """Return what the end of its task means for a quote: who cancels, or sends what no one can prove, gave up."""
    if state is TaskState.DONE:
        return QuoteEvent.KEPT
    if state is TaskState.CANCELLED or failure_code in (TaskCancelled.code, Unprovable.code):
        return QuoteEvent.GIVEN_UP
    return QuoteEvent.MISSED


@dataclass(frozen=True, slots=True, kw_only=True)
class FirmPolicy:
    """On which terms a network sells firm quotes."""

    are_sold: bool = False
    margin_permille: int = 100  #: on top of the price
    premium_permille: int = 5  #: of the cost, for every minute of the hold
    penalty_permille: int = 200  #: of the cost
    limit_permille: int = 2_000  #: of the highest lane's price: what the network bids for the client at most
    hold_ms_max: int = 3_600_000
    within_ms_max: int = 86_400_000  #: nothing is promised that would take longer


@dataclass(frozen=True, slots=True, kw_only=True)
class FirmTerms:
    """What is promised, and what for. Amounts are base units."""

    units: int
    cost: int  #: for everything, fixed
    premium: int  #: for the holding, kept whatever happens
    penalty: int  #: paid on top of the cost when the promise is missed
    limit_price: int  #: per PU; what the network bids in the market
    hold_ms: int
    within_ms: int  #: from redemption to the bundle

    @property
    def escrow(self) -> int:
        """What the task may come to cost the network."""
        return self.limit_price * self.units

    @property
    def reserve(self) -> int:
        """What the treasury sets aside while the quote is open."""
        return self.escrow + self.penalty


def check_common(request: ProofRequest) -> None:
    """Raise NoFirmQuote for a request of which the network promises nothing: one for chosen provers."""
    if request.subnetwork not in ("", DEFAULT) or not request.constraints.is_empty:
        raise NoFirmQuote(
            "firm quotes are for the common lanes and all provers", hint="leave out constraints and subnetwork"
        )


def firm_terms(lanes: Sequence[LaneQuote], policy: FirmPolicy, *, hold_ms: int) -> FirmTerms:
    """Return the terms on which the network would prove a request at a fixed cost.

    Raises NoFirmQuote when none is sold, or nobody would sell now; InvalidField for a hold that is not offered.
    """
    if not policy.are_sold:
        raise NoFirmQuote(
            "this network sells no firm quotes", hint="`firm_quotes = true` in the gateways' settings, and a treasury"
        )
    hold_ms = hold_ms or min(HOLD_MS_DEFAULT, policy.hold_ms_max)
    if not HOLD_MS_MIN <= hold_ms <= policy.hold_ms_max:
        raise InvalidField(f"a quote is held for {HOLD_MS_MIN} to {policy.hold_ms_max} ms", field="hold_ms")
    prices = [_firm_price(lane, policy) for lane in lanes]
    units = sum(lane.units for lane in lanes)
    cost = sum(price * lane.units for price, lane in zip(prices, lanes, strict=True))
    minutes = -(-hold_ms // _MINUTE_MS)
    within_ms = TIMES_EXPECTED * max(lane.wait_ms + lane.promised_ms + lane.prove_ms for lane in lanes) + SLACK_MS
    if within_ms > policy.within_ms_max:
        raise NoFirmQuote("the queue is too long for a promise", hint="submit with a limit price, and wait")
    terms = FirmTerms(
        units=units,
        cost=cost,
        premium=-(-cost * policy.premium_permille * minutes // 1_000),
        penalty=cost * policy.penalty_permille // 1_000,
        limit_price=min(max(prices) * policy.limit_permille // 1_000, PRICE_MAX - 1),
        hold_ms=hold_ms,
        within_ms=within_ms,
    )
    if terms.cost + terms.reserve > AMOUNT_MAX:
        raise NoFirmQuote("no treasury covers so much", hint="ask for fewer inputs at a time")
    return terms


def _firm_price(lane: LaneQuote, policy: FirmPolicy) -> int:
    if lane.price_now is None:
        raise NoFirmQuote(
            f"nobody in {lane.lane} would sell now", hint="ask again when provers are free: proofgrid quote"
        )
    price = max(lane.price_now, lane.prices[CHANCE_PERCENT], 1)
    return -(-price * (1_000 + policy.margin_permille) // 1_000)
