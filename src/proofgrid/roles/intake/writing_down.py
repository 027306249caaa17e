"""Drafts become tasks: all that wait in one transaction, or one together with the firm quote that it redeems."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from proofgrid.primitives.errors import UnknownSubnetwork
from proofgrid.primitives.ids import Lane
from proofgrid.roles.intake.drafts import Draft, job_rows, small_inputs, task_row
from proofgrid.roles.intake.seating import seat_jobs
from proofgrid.rules.jobs.request import DEADLINE_DEFAULT_MS
from proofgrid.rules.ledger.accounts import client_account
from proofgrid.rules.market.firm_quote import QuoteEvent, quote_sources
from proofgrid.store.admission import ADMIT_TASKS, AdmittedTask, admit_tasks
from proofgrid.store.conflicts import AccountShort, Conflict, KeyRefused, SubnetworkGone
from proofgrid.store.database import Database
from proofgrid.store.firm_quotes import REDEEM_FIRM_QUOTE, FirmQuote
from proofgrid.store.seating import Seating
from proofgrid.store.transactions import Transaction
from proofgrid.store.transfers import insufficient_funds
from proofgrid.store.vault import locked_input


class _NotWritten(Exception):
    """Another call with the same key, or for the same quote, was first; what this one began is undone."""


@dataclass(frozen=True, slots=True)
class MarketHere:
    """The market of this process: woken as soon as a task is durable, it needs no notification of it."""

    origin: str  #: what stands behind the lane in that notification, so that it is not woken twice
    wake: Callable[[Lane], None]


async def write_down(
    database: Database, market: MarketHere, drafts: list[Draft]
) -> list[AdmittedTask | BaseException | None]:
    """Write tasks down, all in one transaction; None for one whose key was taken, or what is wrong with it.

    Raises AccountShort, KeyRefused, SubnetworkGone of several: one of them cannot pay, or its subnetwork was just
    removed.
    """
    try:
        written = await admit_tasks(
            database,
            [task_row(draft) for draft in drafts],
            [row for draft in drafts for row in job_rows(draft)],
            [content for draft in drafts for content in small_inputs(draft)],
            deadline_ms=DEADLINE_DEFAULT_MS,
            origin=market.origin,
        )
    except (AccountShort, KeyRefused, SubnetworkGone) as conflict:
        if len(drafts) == 1:
            return [_refusal(conflict, drafts[0])]
        raise
    except BaseException:
        _wake(market, drafts)  # nobody knows whether it was written
        raise
    _wake(market, drafts)
    by_id = {one.task_id: one for one in written}
    return [by_id.get(draft.task_id) for draft in drafts]


async def redeem(database: Database, draft: Draft, quote: FirmQuote, seating: Seating) -> AdmittedTask | None:
    """Write a task down that redeems a quote, and lease its jobs to those whose slots are reserved.

    None when its key was taken, or the quote redeemed by another call.
    """
    try:
        async with database.transaction(Transaction.REDEEM_QUOTE) as connection:
            redeemed = await connection.first(
                REDEEM_FIRM_QUOTE,
                quote_id=quote.quote_id,
                client=draft.client,
                sources=quote_sources(QuoteEvent.REDEEMED),
            )
            if redeemed is None:
                raise _NotWritten
            written = await connection.first(
                ADMIT_TASKS,
                tasks=[task_row(draft)],
                jobs=job_rows(draft),
                small_inputs=[locked_input(database.vault, content) for content in small_inputs(draft)],
                deadline_ms=quote.within_ms,
                origin="",
            )
            if written is None:
                raise _NotWritten
            await seat_jobs(connection, draft, quote, seating)
    except _NotWritten:
        return None
    return written


def _wake(market: MarketHere, drafts: Iterable[Draft]) -> None:
    for lane in {job.lane for draft in drafts for job in draft.jobs}:
        market.wake(lane)


def _refusal(conflict: Conflict, draft: Draft) -> Exception:
    if isinstance(conflict, KeyRefused):
        return conflict.refusal
    if isinstance(conflict, AccountShort):
        return insufficient_funds(client_account(draft.client), draft.escrow)
    return UnknownSubnetwork(f"the subnetwork {draft.subnetwork!r} has just been removed", field="subnetwork")
