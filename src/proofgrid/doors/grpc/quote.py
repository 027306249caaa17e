"""What a request would cost: checked and sliced as in Submit, priced by the market; and firm quotes of it, sold."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any

import structlog

from proofgrid.doors.grpc.front_door import FrontDoor, answering
from proofgrid.primitives.clock import Clock, fresh_uuid
from proofgrid.primitives.errors import (
    IdempotencyConflict,
    InvalidField,
    NoFirmQuote,
    Recoverable,
)
from proofgrid.primitives.ids import Address
from proofgrid.primitives.money import format_amount
from proofgrid.proofs.base import JobDraft
from proofgrid.roles.intake.admission import Admission
from proofgrid.rules.access.roles import Role
from proofgrid.rules.jobs.constraints import Constraints
from proofgrid.rules.jobs.limits import Limits, list_limit
from proofgrid.rules.jobs.request import IDEMPOTENCY_KEY_CHARS_MAX, ProofRequest
from proofgrid.rules.market.firm_quote import FirmPolicy, FirmTerms, check_common, firm_terms
from proofgrid.rules.market.quote import CHANCES_PERCENT, LaneQuote
from proofgrid.store import firm_quotes
from proofgrid.store.database import Database
from proofgrid.store.queries import QUERIES
from proofgrid.wire.codec import requests as codec
from proofgrid.wire.v1 import quotes_pb2 as messages
from proofgrid.wire.v1 import quotes_pb2_grpc as services

log = structlog.get_logger(__name__)

#: Jobs with the lanes that they would be sold in, their program, whom they are for -> what the lanes say.
PriceJobs = Callable[[Sequence[tuple[str, JobDraft]], str, Constraints], Awaitable[Sequence[LaneQuote]]]


class QuoteService(services.QuoteServiceServicer):
    """What `QuoteService` of proto/proofgrid/wire/v1/quotes.proto promises."""

    def __init__(
        self,
        door: FrontDoor,
        database: Database,
        admission: Admission,
        price_jobs: PriceJobs,
        *,
        limits: Limits,
        policy: FirmPolicy,
        clock: Clock,
    ) -> None:
        self._door = door
        self._database = database
        self._admission = admission
        self._price_jobs = price_jobs
        self._limits = limits
        self._policy = policy
        self._clock = clock

    @answering
    async def GetQuote(self, request: messages.QuoteRequest, context: Any) -> messages.Quote:  # noqa: N802
        caller = await self._door.admit(context, Role.CLIENT)
        asked = codec.read_quote_request(request, bytes_max=self._limits.inputs_json_bytes)
        quotes = await self._quotes(caller.address, asked)
        answer = write_quote(quotes)
        with suppress(NoFirmQuote):
            check_common(asked)
            answer.firm.CopyFrom(_write_terms(firm_terms(quotes, self._policy, hold_ms=request.hold_ms)))
        return answer

    @answering
    async def BuyQuote(self, request: messages.BuyQuoteRequest, context: Any) -> messages.FirmQuote:  # noqa: N802
        caller = await self._door.admit(context, Role.CLIENT)
        asked = codec.read_quote_request(request.request, bytes_max=self._limits.inputs_json_bytes)
        check_common(asked)
        key = request.idempotency_key
        if not 1 <= len(key) <= IDEMPOTENCY_KEY_CHARS_MAX:
            raise InvalidField(f"1 to {IDEMPOTENCY_KEY_CHARS_MAX} characters", field="idempotency_key")
        if request.cost_max < 0:
            raise InvalidField("not negative", field="cost_max")
        known = await self._bought(caller.address, key, asked)
        if known is not None:
            return known
        quotes = await self._quotes(caller.address, asked)
        terms = firm_terms(quotes, self._policy, hold_ms=request.request.hold_ms)
        if 0 < request.cost_max < terms.cost + terms.premium:
            raise NoFirmQuote(
                f"cost and premium are {format_amount(terms.cost + terms.premium)} now",
                field="cost_max",
                hint="pay more, hold it for a shorter time, or ask later",
            )
        quote_id = fresh_uuid(self._clock)
        if await firm_quotes.sell(
            self._database,
            quote_id,
            caller.address,
            terms,
            idempotency_key=key,
            program_digest=asked.program_digest,
            inputs=len(asked.inputs),
            lanes={quote.lane: quote.units for quote in quotes},
        ):
            log.info("firm_quote_sold", quote_id=str(quote_id), client=caller.address, cost=terms.cost)
        bought = await self._bought(caller.address, key, asked)
        if bought is None:
            raise Recoverable("the quote is not to be found", hint="try again in a moment")
        return bought

    @answering
    async def ListQuotes(self, request: messages.ListQuotesRequest, context: Any) -> messages.ListQuotesResponse:  # noqa: N802
        caller = await self._door.admit(context, Role.CLIENT)
        async with self._database.connection() as connection:
            rows = await connection.fetch(QUERIES["list_firm_quotes"], caller.address, list_limit(request.limit))
        return messages.ListQuotesResponse(quotes=[_write_firm(row) for row in rows])

    async def _quotes(self, client: Address, request: ProofRequest) -> Sequence[LaneQuote]:
        program, jobs = await self._admission.jobs_of(client, request)
        return await self._price_jobs(jobs, program.digest, request.constraints)

    async def _bought(self, client: Address, key: str, asked: ProofRequest) -> messages.FirmQuote | None:
        """Return the quote that has the key already; raise IdempotencyConflict when it is for something else."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(QUERIES["firm_quote_of_key"], client, key)
        if row is None:
            return None
        if (row["program_digest"], row["inputs"]) != (asked.program_digest, len(asked.inputs)):
            raise IdempotencyConflict(
                f"key {key!r} belongs to quote {row['quote_id']}", field="idempotency_key", hint="use a new key"
            )
        return _write_firm(row)


def write_quote(quotes: Sequence[LaneQuote]) -> messages.Quote:
    """Return what the lanes say, and what that comes to for the whole request."""
    now = [quote.price_now or 0 for quote in quotes]
    sellable = all(now)
    return messages.Quote(
        lanes=[_write_lane(quote) for quote in quotes],
        units=sum(quote.units for quote in quotes),
        price_now=max(now, default=0) if sellable else 0,
        cost_now=sum((quote.price_now or 0) * quote.units for quote in quotes) if sellable else 0,
        # One limit price holds for all jobs of a task, so the dearest lane decides.
        prices={percent: max(quote.prices[percent] for quote in quotes) for percent in CHANCES_PERCENT},
        expected_ms=max((quote.wait_ms + quote.prove_ms for quote in quotes), default=0),
    )


def _write_terms(terms: FirmTerms) -> messages.FirmTerms:
    return messages.FirmTerms(
        units=terms.units,
        cost=terms.cost,
        premium=terms.premium,
        penalty=terms.penalty,
        hold_ms=terms.hold_ms,
        within_ms=terms.within_ms,
    )


def _write_firm(row: Any) -> messages.FirmQuote:
    return messages.FirmQuote(
        quote_id=str(row["quote_id"]),
        state=row["state"],
        program_digest=row["program_digest"],
        inputs=row["inputs"],
        terms=messages.FirmTerms(
            **{name: row[name] for name in ("units", "cost", "premium", "penalty", "hold_ms", "within_ms")}
        ),
        created_ms=row["created_ms"],
        held_until_ms=row["held_until_ms"],
        ended_ms=row["ended_ms"] or 0,
        task_id=str(row["task_id"] or ""),
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
