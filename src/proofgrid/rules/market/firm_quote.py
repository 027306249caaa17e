"""What a firm quote promises, what it costs, and who answers for it (docs/decisions/0019).

quote   held --redeemed--> redeemed --kept------> kept       (the bundle was there in time)
          |                        |--missed----> missed     (what was spent comes back, and the penalty)
          |                        `--given_up--> given_up   (by the client: what is not spent comes back)
          `--expired--> expired                              (the cost comes back)

seat    reserved --granted--> granted --delivered--> delivered
          |                      |-------owed------> owed      (its operator pays for the miss)
          |                      `------let_go-----> free
          |--absent--> absent ---delivered, owed, let_go ----> as above
          `--let_go--> free

Whose seat is granted at once when the quote is redeemed, in the same transaction; that of a job which takes other jobs'
proofs when the last of these is proven, in the transaction that pays it. A prover that is not there then is absent: its
job goes to the live market, and its operator still answers for it. Each seat has its own time: who delivers what others
wait for after it answers for a miss, and who could only begin when his own was over does not.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from proofgrid.primitives.engine_errors import EngineBroken
from proofgrid.primitives.errors import DeadlineMissed, InvalidField, NoFirmQuote, TaskCancelled, Unprovable
from proofgrid.primitives.money import AMOUNT_MAX
from proofgrid.rules.access.subnetworks import DEFAULT
from proofgrid.rules.jobs.lifecycle import LeaseState, TaskState
from proofgrid.rules.jobs.request import ProofRequest
from proofgrid.rules.jobs.retry import ReturnReason
from proofgrid.rules.market.reserves import SoldAhead

HOLD_MS_MIN = 1_000
HOLD_MS_DEFAULT = 600_000
TIMES_EXPECTED = 3
ROUND_OF_QUOTES = 0  #: of leases that no round sold; a lane's first round is number 1
SLACK_MS = 30_000
#: Why a lease ended without a proof, when the gateway saw for itself that its prover could do nothing about it.
SEEN_BY_THE_GATEWAY = frozenset({ReturnReason.STORE_FAULT, ReturnReason.ARTIFACT_LOST})
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


class SeatState(StrEnum):
    RESERVED = "reserved"
    GRANTED = "granted"
    ABSENT = "absent"
    DELIVERED = "delivered"
    OWED = "owed"
    FREE = "free"


class SeatEvent(StrEnum):
    GRANTED = "granted"
    ABSENT = "absent"
    DELIVERED = "delivered"
    OWED = "owed"
    LET_GO = "let_go"


QUOTE_TRANSITIONS: dict[tuple[QuoteState, QuoteEvent], QuoteState] = {
    (QuoteState.HELD, QuoteEvent.REDEEMED): QuoteState.REDEEMED,
    (QuoteState.HELD, QuoteEvent.EXPIRED): QuoteState.EXPIRED,
    (QuoteState.REDEEMED, QuoteEvent.KEPT): QuoteState.KEPT,
    (QuoteState.REDEEMED, QuoteEvent.MISSED): QuoteState.MISSED,
    (QuoteState.REDEEMED, QuoteEvent.GIVEN_UP): QuoteState.GIVEN_UP,
}

SEAT_TRANSITIONS: dict[tuple[SeatState, SeatEvent], SeatState] = {
    (SeatState.RESERVED, SeatEvent.GRANTED): SeatState.GRANTED,
    (SeatState.RESERVED, SeatEvent.ABSENT): SeatState.ABSENT,
    (SeatState.RESERVED, SeatEvent.LET_GO): SeatState.FREE,
    (SeatState.GRANTED, SeatEvent.DELIVERED): SeatState.DELIVERED,
    (SeatState.GRANTED, SeatEvent.OWED): SeatState.OWED,
    (SeatState.GRANTED, SeatEvent.LET_GO): SeatState.FREE,
    (SeatState.ABSENT, SeatEvent.DELIVERED): SeatState.DELIVERED,  # its operator proved it all the same
    (SeatState.ABSENT, SeatEvent.OWED): SeatState.OWED,
    (SeatState.ABSENT, SeatEvent.LET_GO): SeatState.FREE,
}

QUOTE_OPEN = (QuoteState.HELD, QuoteState.REDEEMED)


def quote_sources(event: QuoteEvent) -> list[str]:
    """Return the states in which `event` may happen to a firm quote."""
    return [state.value for (state, on) in QUOTE_TRANSITIONS if on is event]


def event_of_ended_task(state: TaskState, failure_code: str) -> QuoteEvent:
    """Return what the end of its task means for a quote: who cancels, or sends what no one can prove, gave up.

    Nobody answers for an engine that was stopped either.
    """
    if state is TaskState.DONE:
        return QuoteEvent.KEPT
    if state is TaskState.CANCELLED or failure_code in (TaskCancelled.code, Unprovable.code, EngineBroken.code):
        return QuoteEvent.GIVEN_UP
    return QuoteEvent.MISSED


@dataclass(frozen=True, slots=True, kw_only=True)
class SeatOutcome:
    """What became of a seat until its task ended."""

    position: int
    operator: str
    units: int
    state: SeatState  #: granted or absent; reserved where its turn never came
    is_delivered: bool  #: its operator was paid for a proof of the job
    lease_state: LeaseState | None  #: of the lease that it was granted; None: it was absent
    lease_reason: str  #: why that lease ended without a proof, a `ReturnReason` or the end of its task; or empty
    was_reported: bool  #: a result of that lease arrived
    is_proven: bool  #: the job, by whomever
    is_late: bool = False  #: others waited for its proof, beyond its own time
    began_late: bool = False  #: it was granted when what it takes had come too late


def event_of_seat(seat: SeatOutcome, event: QuoteEvent, failure_code: str) -> SeatEvent:
    """Return what the end of its task means for a seat; who answers for a miss owes.

    Who was to deliver and did not: at the promised time everybody without a proof, but those who began late because of
    others, and who were late for others; before it, when the task was given up, those who were not there, or gave their
    lease back or lost it. A result that waited for the gateway's verdict
    was in time. Nobody answers for what the gateway found to be so (rules/jobs/excuses.py), nor for an input that he
    called unprovable and that nobody proved: clients choose inputs.
    """
    past_its_end = event is QuoteEvent.MISSED and failure_code == DeadlineMissed.code
    if seat.state is SeatState.RESERVED:
        return SeatEvent.LET_GO  # its turn never came
    if seat.is_delivered:
        return SeatEvent.OWED if past_its_end and seat.is_late else SeatEvent.DELIVERED
    if event is not QuoteEvent.MISSED:
        return SeatEvent.LET_GO
    if seat.was_reported and seat.lease_reason != ReturnReason.BAD_PROOF:
        return SeatEvent.LET_GO
    if seat.lease_reason in SEEN_BY_THE_GATEWAY:
        return SeatEvent.LET_GO
    if seat.lease_reason == ReturnReason.UNPROVABLE and not seat.is_proven:
        return SeatEvent.LET_GO
    did_not = seat.lease_state in (None, LeaseState.EXPIRED, LeaseState.FAILED)
    return SeatEvent.OWED if did_not or (past_its_end and not seat.began_late) else SeatEvent.LET_GO


@dataclass(frozen=True, slots=True, kw_only=True)
class FirmPolicy:
    """On which terms a network lets firm quotes be sold."""

    premium_permille: int = 5  #: of the cost, for every minute of the hold
    penalty_permille: int = 200  #: of the cost
    hold_ms_max: int = 3_600_000
    within_ms_max: int = 86_400_000  #: nothing is promised that would take longer

    def premium(self, cost: int, *, hold_ms: int) -> int:
        """Return what holding costs, in base units, rounded up; a minute that has begun is paid."""
        minutes = -(-hold_ms // _MINUTE_MS)
        return -(-cost * self.premium_permille * minutes // 1_000)

    def penalty(self, cost: int) -> int:
        """Return what a miss pays on top, in base units."""
        return cost * self.penalty_permille // 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class FirmTerms:
    """What is promised, and what for. Amounts are base units."""

    units: int
    cost: int  #: for everything, fixed
    premium: int  #: for the holding, to the provers whose slots are reserved
    penalty: int  #: paid on top of the cost when the promise is missed
    buy_price: int  #: per PU; what the task bids, should one of its jobs go to the live market
    sell_price: int  #: per PU, to the provers
    hold_ms: int
    within_ms: int  #: from redemption to the bundle

    @property
    def pledge(self) -> int:
        """What is set aside of the bond of each operator with a seat: enough, should it alone answer for a miss."""
        return pledge_of(cost=self.cost, penalty=self.penalty)


def pledge_of(*, cost: int, penalty: int) -> int:
    """Return the most that one operator may owe: what was spent, the penalty, and as much again that is burnt."""
    return cost + 2 * penalty


def check_common(request: ProofRequest) -> None:
    """Raise NoFirmQuote for a request of which nothing is promised: one for chosen provers."""
    if request.subnetwork not in ("", DEFAULT) or not request.constraints.is_empty:
        raise NoFirmQuote(
            "firm quotes are for the common lanes and all provers", hint="leave out constraints and subnetwork"
        )


def check_hold(hold_ms: int, policy: FirmPolicy) -> int:
    """Return for how long a quote is held, the usual time for 0; raise InvalidField for what is not offered."""
    hold_ms = hold_ms or min(HOLD_MS_DEFAULT, policy.hold_ms_max)
    if not HOLD_MS_MIN <= hold_ms <= policy.hold_ms_max:
        raise InvalidField(f"a quote is held for {HOLD_MS_MIN} to {policy.hold_ms_max} ms", field="hold_ms")
    return hold_ms


def promised_ms(expected_ms: int) -> int:
    """Return within how many ms of the redemption is promised what is expected within `expected_ms`."""
    return TIMES_EXPECTED * expected_ms + SLACK_MS


def firm_terms(sold: SoldAhead, policy: FirmPolicy, *, hold_ms: int) -> FirmTerms:
    """Return the terms on which reserves that were sold are promised; raise NoFirmQuote for what is too much."""
    units = sum(seat.units for seat in sold.seats)
    cost = sold.buy_price * units
    within_ms = promised_ms(sold.expected_ms)
    if within_ms > policy.within_ms_max:
        raise NoFirmQuote("it takes too long for a promise", hint="submit with a limit price, and wait")
    terms = FirmTerms(
        units=units,
        cost=cost,
        premium=policy.premium(cost, hold_ms=hold_ms),
        penalty=policy.penalty(cost),
        buy_price=sold.buy_price,
        sell_price=sold.sell_price,
        hold_ms=hold_ms,
        within_ms=within_ms,
    )
    operators = operators_of(seat.operator for seat in sold.seats)
    if terms.cost + terms.premium + len(operators) * terms.pledge > AMOUNT_MAX:
        raise NoFirmQuote("no bonds carry so much", hint="ask for fewer inputs at a time")
    return terms


def operators_of(operators: Iterable[str]) -> list[str]:
    """Return who has seats, each once, in the order of their addresses."""
    return sorted(set(operators))
