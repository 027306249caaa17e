"""What a request would cost: checked and sliced as in Submit, priced by the market, stored nowhere."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from proofgrid.primitives.digests import digest_of, parse_digest
from proofgrid.primitives.errors import MalformedMessage
from proofgrid.proofs.base import JobDraft
from proofgrid.roles.gateway.admission import Admission
from proofgrid.roles.gateway.front_door import FrontDoor, answering
from proofgrid.rules.access.roles import Role
from proofgrid.rules.jobs.limits import Limits
from proofgrid.rules.jobs.request import ProofRequest
from proofgrid.rules.market.quote import CHANCES_PERCENT, LaneQuote
from proofgrid.wire import codec
from proofgrid.wire.v1 import quotes_pb2 as messages
from proofgrid.wire.v1 import quotes_pb2_grpc as services

#: Jobs with the lanes that they would be sold in, and their program -> what the lanes say.
PriceJobs = Callable[[Sequence[tuple[str, JobDraft]], str], Awaitable[Sequence[LaneQuote]]]


class QuoteService(services.QuoteServiceServicer):
    """What `QuoteService` of proto/proofgrid/wire/v1/quotes.proto promises."""

    def __init__(self, door: FrontDoor, admission: Admission, price_jobs: PriceJobs, *, limits: Limits) -> None:
        self._door = door
        self._admission = admission
        self._price_jobs = price_jobs
        self._limits = limits

    @answering
    async def GetQuote(self, request: messages.QuoteRequest, context: Any) -> messages.Quote:  # noqa: N802
        await self._door.admit(context, Role.CLIENT)
        program, jobs = await self._admission.jobs_of(self._read(request))
        quotes = await self._price_jobs(jobs, program.digest)
        return write_quote(quotes)

    def _read(self, request: messages.QuoteRequest) -> ProofRequest:
        inputs = codec.read_json(request.inputs_json, field="inputs", bytes_max=self._limits.inputs_json_bytes)
        if not isinstance(inputs, list):
            raise MalformedMessage("a list with one element per input", field="inputs")
        return ProofRequest(
            program_digest=parse_digest(request.program_digest, field="program_digest"),
            inputs=tuple(inputs),
            inputs_digest=digest_of(request.inputs_json.encode()),
            limit_price=1,
            budget=0,
            deadline_ms=0,
            idempotency_key="quote",
        )


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
