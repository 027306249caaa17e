"""What a request would cost: checked and sliced as if submitted, priced by the market; and firm quotes, sold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import structlog

from proofgrid.primitives.clock import Clock, fresh_uuid
from proofgrid.primitives.errors import IdempotencyConflict, InvalidField, NoFirmQuote, Recoverable
from proofgrid.primitives.ids import Address
from proofgrid.primitives.money import format_amount
from proofgrid.roles.intake.admission import Admission, PriceJobs
from proofgrid.rules.access.rights import needs
from proofgrid.rules.access.roles import Caller, Role
from proofgrid.rules.jobs.limits import list_limit
from proofgrid.rules.jobs.request import IDEMPOTENCY_KEY_CHARS_MAX, ProofRequest
from proofgrid.rules.market.firm_quote import FirmPolicy, FirmTerms, check_common, firm_terms
from proofgrid.rules.market.quote import CHANCES_PERCENT, LaneQuote
from proofgrid.store import firm_quotes
from proofgrid.store.database import Database
from proofgrid.store.firm_quotes import FIRM_QUOTE_OF_KEY, LIST_FIRM_QUOTES, FirmQuote

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """What the lanes say, what that comes to for the whole request, and on which terms a firm quote would be sold."""

    lanes: Sequence[LaneQuote]
    firm: FirmTerms | None  #: None: none would be sold

    @property
    def units(self) -> int:
        return sum(lane.units for lane in self.lanes)

    @property
    def can_be_sold_now(self) -> bool:
        return all(lane.price_now for lane in self.lanes)

    @property
    def price_now(self) -> int:
        """The dearest lane's price per PU; 0 when not all can be sold now."""
        return max((lane.price_now or 0 for lane in self.lanes), default=0) if self.can_be_sold_now else 0

    @property
    def cost_now(self) -> int:
        """What all lanes would cost, in base units; 0 when not all can be sold now."""
        return sum((lane.price_now or 0) * lane.units for lane in self.lanes) if self.can_be_sold_now else 0

    @property
    def prices(self) -> Mapping[int, int]:
        """Percent of recent rounds -> the price per PU that sold in so many."""
        # One limit price holds for all jobs of a task, so the dearest lane decides.
        return {percent: max(lane.prices[percent] for lane in self.lanes) for percent in CHANCES_PERCENT}

    @property
    def expected_ms(self) -> int:
        return max((lane.wait_ms + lane.prove_ms for lane in self.lanes), default=0)


class Quotes:
    """For clients, each of which sees its own firm quotes."""

    def __init__(
        self, database: Database, admission: Admission, price_jobs: PriceJobs, *, policy: FirmPolicy, clock: Clock
    ) -> None:
        self._database = database
        self._admission = admission
        self._price_jobs = price_jobs
        self._policy = policy
        self._clock = clock

    @needs(Role.CLIENT)
    async def quote(self, caller: Caller, asked: ProofRequest, *, hold_ms: int) -> Quote:
        """Return what a request would cost and take now; `hold_ms`: of a firm quote, 0 for the usual."""
        lanes = await self._lanes(caller.address, asked)
        firm = None
        with suppress(NoFirmQuote):
            check_common(asked)
            firm = firm_terms(lanes, self._policy, hold_ms=hold_ms)
        return Quote(lanes=lanes, firm=firm)

    @needs(Role.CLIENT)
    async def buy(
        self, caller: Caller, asked: ProofRequest, *, hold_ms: int, idempotency_key: str, cost_max: int
    ) -> FirmQuote:
        """Buy a firm quote of a request for at most `cost_max` base units (0: at any price), once for each key.

        Raises NoFirmQuote, InvalidField, InsufficientFunds, or IdempotencyConflict.
        """
        check_common(asked)
        if not 1 <= len(idempotency_key) <= IDEMPOTENCY_KEY_CHARS_MAX:
            raise InvalidField(f"1 to {IDEMPOTENCY_KEY_CHARS_MAX} characters", field="idempotency_key")
        if cost_max < 0:
            raise InvalidField("not negative", field="cost_max")
        known = await self._bought(caller.address, idempotency_key, asked)
        if known is not None:
            return known
        lanes = await self._lanes(caller.address, asked)
        terms = firm_terms(lanes, self._policy, hold_ms=hold_ms)
        if 0 < cost_max < terms.cost + terms.premium:
            raise NoFirmQuote(
                f"cost and premium are {format_amount(terms.cost + terms.premium)} now",
                field="cost_max",
                hint="pay more, hold it for a shorter time, or ask later",
            )
        await self._sell(caller.address, asked, lanes, terms, idempotency_key)
        bought = await self._bought(caller.address, idempotency_key, asked)
        if bought is None:
            raise Recoverable("the quote is not to be found", hint="try again in a moment")
        return bought

    @needs(Role.CLIENT)
    async def list_own(self, caller: Caller, *, limit: int) -> list[FirmQuote]:
        """Return the caller's newest firm quotes."""
        async with self._database.connection() as connection:
            return await connection.fetch(LIST_FIRM_QUOTES, client=caller.address, limit=list_limit(limit))

    async def _lanes(self, client: Address, request: ProofRequest) -> Sequence[LaneQuote]:
        program, jobs = await self._admission.jobs_of(client, request)
        return await self._price_jobs(jobs, program.digest, request.constraints)

    async def _sell(
        self, client: Address, asked: ProofRequest, lanes: Sequence[LaneQuote], terms: FirmTerms, key: str
    ) -> None:
        quote_id = fresh_uuid(self._clock)
        if await firm_quotes.sell(
            self._database,
            quote_id,
            client,
            terms,
            idempotency_key=key,
            program_digest=asked.program_digest,
            inputs=len(asked.inputs),
            lanes={lane.lane: lane.units for lane in lanes},
        ):
            log.info("firm_quote_sold", quote_id=str(quote_id), client=client, cost=terms.cost)

    async def _bought(self, client: Address, key: str, asked: ProofRequest) -> FirmQuote | None:
        """Return the quote that has the key already; raise IdempotencyConflict when it is for something else."""
        async with self._database.connection() as connection:
            quote = await connection.first(FIRM_QUOTE_OF_KEY, client=client, idempotency_key=key)
        if quote is not None and (quote.program_digest, quote.inputs) != (asked.program_digest, len(asked.inputs)):
            raise IdempotencyConflict(
                f"key {key!r} belongs to quote {quote.quote_id}", field="idempotency_key", hint="use a new key"
            )
        return quote
