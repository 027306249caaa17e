"""Firm quotes in the database: sold, redeemed by a task, settled when it ends, expired when nobody came.

Lock order: the task's row, then its quote's, then accounts. Who holds a quote's row owns its seats.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypedDict
from uuid import UUID

import structlog

from proofgrid.primitives.digests import Digest, digest_of
from proofgrid.primitives.errors import Recoverable
from proofgrid.primitives.ids import Address, JobId, Lane, ProverId, TaskId
from proofgrid.primitives.turns import Urgency
from proofgrid.rules.jobs.lifecycle import LeaseState, TaskState
from proofgrid.rules.ledger.accounts import Transfer
from proofgrid.rules.ledger.firm_quotes import (
    Shares,
    pay_premium,
    return_escrow,
    settle_quote,
    share_out,
    share_premium,
)
from proofgrid.rules.market.firm_quote import (
    QUOTE_TRANSITIONS,
    SEAT_TRANSITIONS,
    FirmTerms,
    QuoteEvent,
    QuoteState,
    SeatEvent,
    SeatOutcome,
    SeatState,
    event_of_ended_task,
    event_of_seat,
    operators_of,
    promised_ms,
    quote_sources,
)
from proofgrid.rules.market.reserves import SoldAhead
from proofgrid.store.connection import Connection
from proofgrid.store.database import Database
from proofgrid.store.queries import query
from proofgrid.store.transactions import Transaction
from proofgrid.store.transfers import post_transfers

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class FirmQuote:
    """A quote as it was sold, and what became of it; amounts are base units, prices base units per PU."""

    quote_id: UUID
    client: Address
    state: QuoteState
    program_digest: Digest
    inputs: int  #: how many
    aggregate: bool  #: one proof of all of them
    units: int
    cost: int
    premium: int
    penalty: int
    buy_price: int
    sell_price: int
    fee_permille: int
    hold_ms: int
    within_ms: int
    created_ms: int
    held_until_ms: int
    ended_ms: int | None
    record_hash: Digest
    task_id: UUID | None  #: that was redeemed with it
    now_ms: int

    @property
    def can_be_redeemed(self) -> bool:
        return self.state is QuoteState.HELD and self.held_until_ms > self.now_ms


@dataclass(frozen=True, slots=True)
class EndedQuote:
    """The terms of a quote that has just ended."""

    quote_id: UUID
    client: Address
    units: int
    cost: int
    premium: int
    penalty: int
    buy_price: int
    sell_price: int
    hold_ms: int
    within_ms: int

    @property
    def terms(self) -> FirmTerms:
        return FirmTerms(
            units=self.units,
            cost=self.cost,
            premium=self.premium,
            penalty=self.penalty,
            buy_price=self.buy_price,
            sell_price=self.sell_price,
            hold_ms=self.hold_ms,
            within_ms=self.within_ms,
        )


@dataclass(frozen=True, slots=True)
class OfferedAhead:
    """What a prover's session offers ahead, and how much of it is reserved."""

    prover_id: ProverId
    price: int  #: the least it takes, per PU
    slots: int
    reserved: int


@dataclass(frozen=True, slots=True)
class HeldSeat:
    """A slot that a quote reserves for one job, with what the job's lease will bind of its operator's bond."""

    position: int
    state: SeatState
    lane: Lane
    units: int
    memory_bytes: int
    prover_id: ProverId
    operator: Address
    stake_bound: int


@dataclass(frozen=True, slots=True)
class QuoteToSeat:
    """A redeemed quote with seats whose jobs wait for others, on the terms that its leases have; prices are per PU."""

    quote_id: UUID
    task_id: TaskId
    buy_price: int
    sell_price: int
    fee_permille: int
    record_hash: Digest
    provers: Sequence[ProverId]  #: of these seats


@dataclass(frozen=True, slots=True)
class SeatInTurn(HeldSeat):
    """A seat whose job may be proven now, with the job."""

    job_id: JobId
    slice: int
    input: int


@dataclass(frozen=True, slots=True)
class EndedSeat:
    """What became of a seat until its task ended."""

    position: int
    operator: Address
    units: int
    state: SeatState
    lease_state: LeaseState | None
    lease_reason: str
    was_reported: bool
    is_proven: bool
    is_delivered: bool
    is_late: bool
    began_late: bool

    @property
    def outcome(self) -> SeatOutcome:
        return SeatOutcome(
            position=self.position,
            operator=self.operator,
            units=self.units,
            state=self.state,
            is_delivered=self.is_delivered,
            lease_state=self.lease_state,
            lease_reason=self.lease_reason,
            was_reported=self.was_reported,
            is_proven=self.is_proven,
            is_late=self.is_late,
            began_late=self.began_late,
        )


class NewSeat(TypedDict):
    """A seat to be written down, as JSON."""

    position: int
    lane: str
    units: int
    memory_bytes: int
    prover_id: str
    operator: str
    stake_bound: int
    sizes: int
    begin_ms: int
    due_ms: int


TAKE_TURN_OF_QUOTES = query("take_turn_of_quotes", None)
INSERT_FIRM_QUOTE = query("insert_firm_quote", UUID)
INSERT_SEATS = query("insert_seats", None)
FIRM_QUOTE_OF_KEY = query("firm_quote_of_key", FirmQuote)
GET_FIRM_QUOTE = query("get_firm_quote", FirmQuote)
LIST_FIRM_QUOTES = query("list_firm_quotes", FirmQuote)
RESERVES_OF_STACK = query("reserves_of_stack", OfferedAhead)
REDEEM_FIRM_QUOTE = query("redeem_firm_quote", UUID)
SEATS_OF_QUOTE = query("seats_of_quote", HeldSeat)
QUOTES_TO_SEAT = query("quotes_to_seat", QuoteToSeat)
SEATS_IN_TURN = query("seats_in_turn", SeatInTurn)
SEATS_THAT_ENDED = query("seats_that_ended", EndedSeat)
CHANGE_SEATS = query("change_seats", None)
END_FIRM_QUOTE = query("end_firm_quote", EndedQuote)
FIRM_QUOTES_ARE_OVER = query("firm_quotes_are_over", bool)
FIRM_QUOTES_PAST_HOLD = query("firm_quotes_past_hold", UUID)


async def write_sold(
    connection: Connection,
    quote_id: UUID,
    client: Address,
    terms: FirmTerms,
    sold: SoldAhead,
    *,
    idempotency_key: str,
    program_digest: str,
    inputs: int,
    aggregate: bool,
    fee_permille: int,
    binds: Mapping[int, int],
) -> bool:
    """Write a sold quote down with its seats; False when the client's key is taken.

    `binds`: what the leases of the seats will bind of bonds, base units, by position.
    """
    written = await connection.first(
        INSERT_FIRM_QUOTE,
        quote_id=quote_id,
        client=client,
        idempotency_key=idempotency_key,
        program_digest=program_digest,
        inputs=inputs,
        aggregate=aggregate,
        units=terms.units,
        cost=terms.cost,
        premium=terms.premium,
        penalty=terms.penalty,
        buy_price=terms.buy_price,
        sell_price=terms.sell_price,
        fee_permille=fee_permille,
        hold_ms=terms.hold_ms,
        within_ms=terms.within_ms,
        record=sold.record,
        record_hash=digest_of(sold.record.encode()),
    )
    if written is None:
        return False
    seats: list[NewSeat] = [
        {
            "position": seat.position,
            "lane": seat.lane,
            "units": seat.units,
            "memory_bytes": seat.memory_bytes,
            "prover_id": seat.prover_id,
            "operator": seat.operator,
            "stake_bound": binds[seat.position],
            "sizes": seat.sizes,
            "begin_ms": promised_ms(seat.starts_ms) if seat.starts_ms else 0,
            "due_ms": promised_ms(seat.ends_ms) if seat.ends_ms else 0,
        }
        for seat in sold.seats
    ]
    await connection.run(INSERT_SEATS, quote_id=quote_id, seats=seats)
    return True


async def change_seats(
    connection: Connection, quote_id: UUID, changes: Iterable[tuple[int, SeatState, SeatEvent, UUID | None]]
) -> None:
    """Let events happen to seats, the quote's row locked: of each position, state, event, and a new lease."""
    listed = list(changes)
    await connection.run(
        CHANGE_SEATS,
        quote_id=quote_id,
        positions=[position for position, _, _, _ in listed],
        states=[SEAT_TRANSITIONS[state, event].value for _, state, event, _ in listed],
        leases=[lease_id for _, _, _, lease_id in listed],
    )


async def settle(
    connection: Connection,
    quote_id: UUID,
    *,
    task_id: UUID,
    state: TaskState,
    failure_code: str,
    rest: int,
) -> Shares:
    """Settle the quote of a task that ends, its row locked and `rest` of its escrow left, in base units."""
    event = event_of_ended_task(state, failure_code)
    await post_transfers(connection, return_escrow(quote_id=str(quote_id), task_id=str(task_id), rest=rest))
    quote = await _end(connection, quote_id, event)
    seats = await connection.fetch(SEATS_THAT_ENDED, quote_id=quote_id, task_id=task_id)
    events = [(seat, event_of_seat(seat.outcome, event, failure_code)) for seat in seats]
    await change_seats(connection, quote_id, [(seat.position, seat.state, on, None) for seat, on in events])
    shares = share_out(
        event,
        terms=quote.terms,
        rest=rest,
        operators=_operators(seats),
        owed=_units(seat for seat, on in events if on is SeatEvent.OWED),
    )
    transfers = settle_quote(shares, quote_id=str(quote_id), task_id=str(task_id), client=quote.client)
    await post_transfers(connection, transfers)
    return shares


async def expire(database: Database) -> int:
    """Give back what was paid for quotes that nobody redeemed in time; return how many."""
    async with database.connection(Urgency.ADMISSION) as connection:
        if not await connection.value(FIRM_QUOTES_ARE_OVER):
            return 0
    async with database.transaction(Transaction.EXPIRE_QUOTES) as connection:
        past_hold = await connection.fetch(FIRM_QUOTES_PAST_HOLD)
        for quote_id in past_hold:
            try:
                async with connection.part():
                    await _expire(connection, quote_id)
            except Recoverable:
                raise
            except Exception:
                # It is looked at again with the next ones, which do not wait for it.
                log.exception("quote_not_expired", quote_id=str(quote_id))
    return len(past_hold)


async def _expire(connection: Connection, quote_id: UUID) -> None:
    quote = await _end(connection, quote_id, QuoteEvent.EXPIRED)
    seats = await connection.fetch(SEATS_OF_QUOTE, quote_id=quote_id)
    await change_seats(connection, quote_id, [(seat.position, seat.state, SeatEvent.LET_GO, None) for seat in seats])
    shares = share_out(QuoteEvent.EXPIRED, terms=quote.terms, rest=quote.cost, operators=_operators(seats), owed={})
    transfers = settle_quote(shares, quote_id=str(quote_id), task_id=None, client=quote.client)
    # Nobody asked who is there: their bonds stood behind it all the time.
    transfers += premium_transfers(quote, seats, {seat.prover_id for seat in seats})
    await post_transfers(connection, transfers)


def premium_transfers(
    quote: FirmQuote | EndedQuote, seats: Sequence[HeldSeat], there: set[ProverId], *, task_id: str | None = None
) -> list[Transfer]:
    """Return who gets the premium when the hold ends: whose provers are there; what is not earned comes back."""
    earned = share_premium(
        quote.premium, units=quote.units, there=_units(seat for seat in seats if seat.prover_id in there)
    )
    return pay_premium(
        quote_id=str(quote.quote_id), client=quote.client, premium=quote.premium, earned=earned, task_id=task_id
    )


async def _end(connection: Connection, quote_id: UUID, event: QuoteEvent) -> EndedQuote:
    sources = quote_sources(event)
    state = QUOTE_TRANSITIONS[QuoteState(sources[0]), event]
    return await connection.value(END_FIRM_QUOTE, quote_id=quote_id, state=state.value, sources=sources)


def _operators(seats: Sequence[HeldSeat] | Sequence[EndedSeat]) -> list[Address]:
    return [Address(operator) for operator in operators_of(seat.operator for seat in seats)]


def _units(seats: Iterable[HeldSeat | EndedSeat]) -> dict[Address, int]:
    units: Counter[Address] = Counter()
    for seat in seats:
        units[seat.operator] += seat.units
    return dict(units)
