"""What a request would cost: checked and sliced as if submitted, priced by the market; and firm quotes, sold ahead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from proofgrid.primitives.errors import IdempotencyConflict, InvalidField, NoFirmQuote, Recoverable
from proofgrid.primitives.ids import Address
from proofgrid.primitives.money import format_amount, typed_price
from proofgrid.primitives.pages import Page, before_uuid, page_of
from proofgrid.roles.intake.admission import Admission, PriceJobs
from proofgrid.roles.intake.reserving import Reserving
from proofgrid.roles.intake.sizing import PlacedJob
from proofgrid.rules.access.api_keys import Scope, subnetwork_for
from proofgrid.rules.access.rights import needs
from proofgrid.rules.access.roles import Caller, Role
from proofgrid.rules.jobs.limits import list_limit
from proofgrid.rules.jobs.request import IDEMPOTENCY_KEY_CHARS_MAX, ProofRequest
from proofgrid.rules.market.firm_quote import FirmTerms, check_common
from proofgrid.rules.market.quote import CHANCES_PERCENT, LaneQuote
from proofgrid.rules.market.reserves import ReservedJob
from proofgrid.store.database import Database
from proofgrid.store.firm_quotes import FIRM_QUOTE_OF_KEY, LIST_FIRM_QUOTES, FirmQuote


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

    def __init__(self, database: Database, admission: Admission, price_jobs: PriceJobs, reserving: Reserving) -> None:
        self._database = database
        self._admission = admission
        self._price_jobs = price_jobs
        self._reserving = reserving

    @needs(Role.CLIENT, scopes=(Scope.TASKS_WRITE,))
    async def quote(self, caller: Caller, asked: ProofRequest, *, hold_ms: int) -> Quote:
        """Return what a request would cost and take now; `hold_ms`: of a firm quote, 0 for the usual."""
        asked = _within(caller, asked)
        jobs = await self._admission.jobs_of(caller.address, asked)
        lanes = await self._price_jobs(jobs, asked.program_digest, asked.constraints)
        firm = None
        with suppress(NoFirmQuote):
            check_common(asked)
            firm = await self._reserving.look(_reserved(jobs), hold_ms=hold_ms)
        return Quote(lanes=lanes, firm=firm)

    @needs(Role.CLIENT, once=True, scopes=(Scope.TASKS_WRITE,))
    async def buy(
        self, caller: Caller, asked: ProofRequest, *, hold_ms: int, idempotency_key: str, cost_max: int
    ) -> FirmQuote:
        """Buy a firm quote of a request for at most `cost_max` base units (0: at any price), once for each key.

        Raises NoFirmQuote, which says what the live market would cost, InvalidField, InsufficientFunds, or
        IdempotencyConflict.
        """
        asked = _within(caller, asked)
        check_common(asked)
        if not 1 <= len(idempotency_key) <= IDEMPOTENCY_KEY_CHARS_MAX:
            raise InvalidField(f"1 to {IDEMPOTENCY_KEY_CHARS_MAX} characters", field="idempotency_key")
        if cost_max < 0:
            raise InvalidField("not negative", field="cost_max")
        known = await self._bought(caller.address, idempotency_key, asked)
        if known is not None:
            return known
        jobs = await self._admission.jobs_of(caller.address, asked)
        refusal: NoFirmQuote | None = None
        try:
            await self._reserving.sell(
                caller.address,
                _reserved(jobs),
                hold_ms=hold_ms,
                cost_max=cost_max,
                idempotency_key=idempotency_key,
                program_digest=asked.program_digest,
                inputs=len(asked.inputs),
                aggregate=asked.aggregate,
                api_key=caller.api_key_id,
            )
        except NoFirmQuote as error:
            refusal = error
        # Another call with the same key may have bought it, and with it the last slots.
        bought = await self._bought(caller.address, idempotency_key, asked)
        if bought is not None:
            return bought
        if refusal is None:
            raise Recoverable("the quote is not to be found", hint="try again in a moment")
        raise refusal if refusal.hint else await self._with_estimate(refusal, jobs, asked)

    @needs(Role.CLIENT, scopes=(Scope.TASKS_READ,))
    async def list_own(self, caller: Caller, *, limit: int, cursor: str = "") -> Page[FirmQuote]:
        """Return the caller's newest firm quotes, behind a cursor."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                LIST_FIRM_QUOTES,
                client=caller.address,
                **before_uuid(cursor, "quotes"),
                limit=list_limit(limit) + 1,
            )
        return page_of(
            rows, limit=list_limit(limit), of="quotes", place=lambda one: (one.created_ms, str(one.quote_id))
        )

    async def _with_estimate(self, refusal: NoFirmQuote, jobs: Sequence[PlacedJob], asked: ProofRequest) -> NoFirmQuote:
        """Return the refusal with what the live market would cost now."""
        live = Quote(lanes=await self._price_jobs(jobs, asked.program_digest, asked.constraints), firm=None)
        if not live.can_be_sold_now:
            return NoFirmQuote(
                refusal.detail, hint="nobody would sell all of it in the live market now either: ask later"
            )
        return NoFirmQuote(
            refusal.detail,
            hint=f"the live market would take about {format_amount(live.cost_now)} tokens now, which nobody promises:"
            f" proofgrid submit --limit-price {typed_price(live.price_now)}",
        )

    async def _bought(self, client: Address, key: str, asked: ProofRequest) -> FirmQuote | None:
        """Return the quote that has the key already; raise IdempotencyConflict when it is for something else."""
        async with self._database.connection() as connection:
            quote = await connection.first(FIRM_QUOTE_OF_KEY, client=client, idempotency_key=key)
        wanted = asked.program_digest, len(asked.inputs), asked.aggregate
        if quote is not None and (quote.program_digest, quote.inputs, quote.aggregate) != wanted:
            raise IdempotencyConflict(
                f"key {key!r} belongs to quote {quote.quote_id}", field="idempotency_key", hint="use a new key"
            )
        return quote


def _within(caller: Caller, asked: ProofRequest) -> ProofRequest:
    return replace(asked, subnetwork=subnetwork_for(caller.api_key, asked.subnetwork))


def _reserved(jobs: Sequence[PlacedJob]) -> list[ReservedJob]:
    return [
        ReservedJob(
            lane=job.lane,
            units=job.content.units,
            memory_bytes=job.content.memory_bytes,
            sizes=job.sized.correction,
            depends_on=job.content.depends_on,
        )
        for job in jobs
    ]
