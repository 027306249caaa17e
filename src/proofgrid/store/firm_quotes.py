"""Firm quotes in the database: sold, redeemed by a task, settled when it ends, expired when nobody came.

Lock order: the task's row, then its quote's, then accounts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from proofgrid.primitives.digests import Digest
from proofgrid.primitives.errors import InsufficientFunds, NoFirmQuote
from proofgrid.primitives.ids import Address
from proofgrid.primitives.money import format_amount
from proofgrid.rules.jobs.lifecycle import TaskState
from proofgrid.rules.ledger.accounts import TREASURY, client_account
from proofgrid.rules.ledger.firm_quotes import Shares, return_escrow, sell_quote, settle_quote, share_out
from proofgrid.rules.market.firm_quote import (
    QUOTE_TRANSITIONS,
    FirmTerms,
    QuoteEvent,
    QuoteState,
    event_of_ended_task,
    quote_sources,
)
from proofgrid.store.connection import Connection
from proofgrid.store.database import Database
from proofgrid.store.ledger import lock_accounts
from proofgrid.store.queries import query
from proofgrid.store.transactions import Transaction
from proofgrid.store.transfers import post_transfers


@dataclass(frozen=True, slots=True)
class FirmQuote:
    """A quote as it was sold, and what became of it; amounts are base units."""

    quote_id: UUID
    client: Address
    state: QuoteState
    program_digest: Digest
    inputs: int  #: how many
    units: int
    cost: int
    premium: int
    penalty: int
    limit_price: int  #: per PU
    hold_ms: int
    within_ms: int
    created_ms: int
    held_until_ms: int
    ended_ms: int | None
    task_id: UUID | None  #: that was redeemed with it
    now_ms: int

    @property
    def can_be_redeemed(self) -> bool:
        return self.state is QuoteState.HELD and self.held_until_ms > self.now_ms


@dataclass(frozen=True, slots=True)
class EndedQuote:
    """What is shared out of a quote that has just ended."""

    quote_id: UUID
    client: Address
    cost: int
    penalty: int
    limit_price: int
    units: int


INSERT_FIRM_QUOTE = query("insert_firm_quote", UUID)
FIRM_QUOTE_OF_KEY = query("firm_quote_of_key", FirmQuote)
GET_FIRM_QUOTE = query("get_firm_quote", FirmQuote)
LIST_FIRM_QUOTES = query("list_firm_quotes", FirmQuote)
REDEEM_FIRM_QUOTE = query("redeem_firm_quote", UUID)
END_FIRM_QUOTE = query("end_firm_quote", EndedQuote)
HELD_UNITS = query("held_units", int)
FIRM_QUOTES_ARE_OVER = query("firm_quotes_are_over", bool)
FIRM_QUOTES_PAST_HOLD = query("firm_quotes_past_hold", UUID)


async def sell(
    database: Database,
    quote_id: UUID,
    client: Address,
    terms: FirmTerms,
    *,
    idempotency_key: str,
    program_digest: str,
    inputs: int,
    lanes: Mapping[str, int],
) -> bool:
    """Sell a quote; False when the client's key is taken. Raises InsufficientFunds, or NoFirmQuote of the treasury."""
    async with database.transaction(Transaction.SELL_QUOTE) as connection:
        sold = await connection.first(
            INSERT_FIRM_QUOTE,
            quote_id=quote_id,
            client=client,
            idempotency_key=idempotency_key,
            program_digest=program_digest,
            inputs=inputs,
            units=terms.units,
            lanes=dict(lanes),
            cost=terms.cost,
            premium=terms.premium,
            penalty=terms.penalty,
            limit_price=terms.limit_price,
            hold_ms=terms.hold_ms,
            within_ms=terms.within_ms,
        )
        if sold is None:
            return False
        await _check_funds(connection, client, terms)
        await post_transfers(connection, sell_quote(quote_id=str(quote_id), client=client, terms=terms))
    return True


async def _check_funds(connection: Connection, client: Address, terms: FirmTerms) -> None:
    payer = client_account(client)
    held = await lock_accounts(connection, [payer, TREASURY])
    if held.get(payer, 0) < terms.cost + terms.premium:
        raise InsufficientFunds(
            f"cost and premium are {format_amount(terms.cost + terms.premium)},"
            f" your account holds {format_amount(held.get(payer, 0))}",
            field="cost_max",
            hint="ask the network's administrator for a deposit",
        )
    if held.get(TREASURY, 0) + terms.premium < terms.reserve:
        raise NoFirmQuote(
            "the treasury cannot cover it now", hint="ask for fewer inputs, or later; administrators fund the treasury"
        )


async def settle(
    connection: Connection,
    quote_id: UUID,
    *,
    task_id: UUID,
    state: TaskState,
    failure_code: str,
    escrow: int,
    rest: int,
) -> Shares:
    """Settle the quote of a task that ends, its row locked and `rest` of its `escrow` left, in base units."""
    event = event_of_ended_task(state, failure_code)
    await post_transfers(connection, return_escrow(quote_id=str(quote_id), task_id=str(task_id), rest=rest))
    quote = await _end(connection, quote_id, event)
    return await _share_out(connection, quote, event, task_id=str(task_id), spent=escrow - rest)


async def expire(database: Database) -> int:
    """Give back what was paid for quotes that nobody redeemed in time; return how many."""
    async with database.connection() as connection:
        if not await connection.value(FIRM_QUOTES_ARE_OVER):
            return 0
    async with database.transaction(Transaction.EXPIRE_QUOTES) as connection:
        past_hold = await connection.fetch(FIRM_QUOTES_PAST_HOLD)
        for quote_id in past_hold:
            quote = await _end(connection, quote_id, QuoteEvent.EXPIRED)
            await _share_out(connection, quote, QuoteEvent.EXPIRED, task_id=None, spent=0)
    return len(past_hold)


async def _end(connection: Connection, quote_id: UUID, event: QuoteEvent) -> EndedQuote:
    sources = quote_sources(event)
    state = QUOTE_TRANSITIONS[QuoteState(sources[0]), event]
    return await connection.value(END_FIRM_QUOTE, quote_id=quote_id, state=state.value, sources=sources)


async def _share_out(
    connection: Connection, quote: EndedQuote, event: QuoteEvent, *, task_id: str | None, spent: int
) -> Shares:
    shares = share_out(
        event,
        cost=quote.cost,
        penalty=quote.penalty,
        escrow=quote.limit_price * quote.units,
        spent=spent,
    )
    transfers = settle_quote(shares, quote_id=str(quote.quote_id), task_id=task_id, client=quote.client)
    await post_transfers(connection, transfers)
    return shares
