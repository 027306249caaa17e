"""Quotes and firm quotes, over gRPC."""

from __future__ import annotations

from proofgrid.doors.services.front_door import CallContext, FrontDoor, answering
from proofgrid.roles.intake.gate import Gate
from proofgrid.roles.intake.quotes import Quote, Quotes
from proofgrid.rules.jobs.limits import Limits
from proofgrid.rules.market.firm_quote import FirmTerms
from proofgrid.rules.market.quote import LaneQuote
from proofgrid.store.firm_quotes import FirmQuote
from proofgrid.wire.codec.requests import read_quote_request
from proofgrid.wire.v1 import quotes_pb2 as messages
from proofgrid.wire.v1 import quotes_pb2_grpc as services


class QuoteService(services.QuoteServiceServicer):
    """What `QuoteService` of proto/proofgrid/wire/v1/quotes.proto promises."""

    def __init__(self, door: FrontDoor, quotes: Quotes, gate: Gate, *, limits: Limits) -> None:
        self._door = door
        self._quotes = quotes
        self._gate = gate
        self._limits = limits

    @answering
    async def GetQuote(self, request: messages.QuoteRequest, context: CallContext) -> messages.Quote:  # noqa: N802
        caller = await self._door.admit(context, self._quotes.quote)
        self._door.weigh_json(caller, request.inputs_json)
        async with self._gate.place(caller.address, asks=True):
            asked = read_quote_request(request, bytes_max=self._limits.inputs_json_bytes)
            return write_quote(await self._quotes.quote(caller, asked, hold_ms=request.hold_ms))

    @answering
    async def BuyQuote(self, request: messages.BuyQuoteRequest, context: CallContext) -> messages.FirmQuote:  # noqa: N802
        caller = await self._door.admit(context, self._quotes.buy)
        self._door.weigh_json(caller, request.request.inputs_json)
        async with self._gate.place(caller.address):
            asked = read_quote_request(request.request, bytes_max=self._limits.inputs_json_bytes)
            bought = await self._quotes.buy(
                caller,
                asked,
                hold_ms=request.request.hold_ms,
                idempotency_key=request.idempotency_key,
                cost_max=request.cost_max,
            )
            return write_firm_quote(bought)

    @answering
    async def ListQuotes(  # noqa: N802
        self, request: messages.ListQuotesRequest, context: CallContext
    ) -> messages.ListQuotesResponse:
        caller = await self._door.admit(context, self._quotes.list_own)
        quotes = await self._quotes.list_own(caller, limit=request.limit, cursor=request.cursor)
        return messages.ListQuotesResponse(
            quotes=[write_firm_quote(one) for one in quotes], next_cursor=quotes.next_cursor
        )


def write_quote(quote: Quote) -> messages.Quote:
    return messages.Quote(
        lanes=[_write_lane(lane) for lane in quote.lanes],
        units=quote.units,
        price_now=quote.price_now,
        cost_now=quote.cost_now,
        prices=dict(quote.prices),
        expected_ms=quote.expected_ms,
        firm=_write_terms(quote.firm) if quote.firm is not None else None,
    )


def write_firm_quote(quote: FirmQuote) -> messages.FirmQuote:
    return messages.FirmQuote(
        quote_id=str(quote.quote_id),
        state=quote.state,
        program_digest=quote.program_digest,
        inputs=quote.inputs,
        terms=_write_terms(quote),
        created_ms=quote.created_ms,
        held_until_ms=quote.held_until_ms,
        ended_ms=quote.ended_ms or 0,
        task_id=str(quote.task_id or ""),
    )


def _write_terms(terms: FirmTerms | FirmQuote) -> messages.FirmTerms:
    return messages.FirmTerms(
        units=terms.units,
        cost=terms.cost,
        premium=terms.premium,
        penalty=terms.penalty,
        hold_ms=terms.hold_ms,
        within_ms=terms.within_ms,
    )


def _write_lane(quote: LaneQuote) -> messages.LaneQuote:
    return messages.LaneQuote(
        lane=quote.lane,
        jobs=quote.jobs,
        units=quote.units,
        memory_bytes_max=quote.memory_bytes_max,
        price_now=quote.price_now or 0,
        prices=dict(quote.prices),
        provers=quote.provers,
        free_slots=quote.free_slots,
        wait_ms=quote.wait_ms,
        prove_ms=quote.prove_ms,
    )
