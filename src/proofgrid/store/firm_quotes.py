"""Firm quotes in the database: sold, redeemed by a task, settled when it ends, expired when nobody came.

Lock order: the task's row, then its quote's, then accounts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import asyncpg

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
from proofgrid.store.queries import QUERIES
from proofgrid.store.transactions import Transaction
from proofgrid.store.transfers import post_transfers


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
        sold = await connection.fetchval(
            QUERIES["insert_firm_quote"],
            quote_id,
            client,
            idempotency_key,
            program_digest,
            inputs,
            terms.units,
            dict(lanes),
            terms.cost,
            terms.premium,
            terms.penalty,
            terms.limit_price,
            terms.hold_ms,
            terms.within_ms,
        )
        if sold is None:
            return False
        await _check_funds(connection, client, terms)
        await post_transfers(connection, sell_quote(quote_id=str(quote_id), client=client, terms=terms))
    return True


async def _check_funds(connection: Any, client: Address, terms: FirmTerms) -> None:
    payer = client_account(client)
    rows = await connection.fetch(QUERIES["lock_accounts"], [payer, TREASURY])
    held = {row["account"]: row["balance"] for row in rows}
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
        if not await connection.fetchval(QUERIES["firm_quotes_are_over"]):
            return 0
    async with database.transaction(Transaction.EXPIRE_QUOTES) as connection:
        rows = await connection.fetch(QUERIES["firm_quotes_past_hold"])
        for row in rows:
            quote = await _end(connection, row["quote_id"], QuoteEvent.EXPIRED)
            await _share_out(connection, quote, QuoteEvent.EXPIRED, task_id=None, spent=0)
    return len(rows)


async def _end(connection: Any, quote_id: UUID, event: QuoteEvent) -> asyncpg.Record:
    sources = quote_sources(event)
    state = QUOTE_TRANSITIONS[QuoteState(sources[0]), event]
    row: asyncpg.Record = await connection.fetchrow(QUERIES["end_firm_quote"], quote_id, state.value, sources)
    return row


async def _share_out(
    connection: Any, quote: asyncpg.Record, event: QuoteEvent, *, task_id: str | None, spent: int
) -> Shares:
    shares = share_out(
        event,
        cost=quote["cost"],
        penalty=quote["penalty"],
        escrow=quote["limit_price"] * quote["units"],
        spent=spent,
    )
    await post_transfers(
        connection,
        settle_quote(shares, quote_id=str(quote["quote_id"]), task_id=task_id, client=Address(quote["client"])),
    )
    return shares
