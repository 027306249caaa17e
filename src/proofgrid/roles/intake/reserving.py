"""Sells slots that provers offer ahead, for jobs that will come.

    turn of quotes -> reserves, bonds, references -> rules.market.reserves -> quote, seats, cost, premium, pledges

All of it is one transaction; `seating` is the other end. What is reserved is nobody else's: rounds see so many slots
fewer (`supply_of_stack`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

import structlog

from proofgrid.primitives.clock import Clock, fresh_bytes, fresh_uuid
from proofgrid.primitives.errors import InsufficientFunds, NoFirmQuote, Recoverable
from proofgrid.primitives.ids import Address, ProverId, Stack
from proofgrid.primitives.money import format_amount
from proofgrid.rules.jobs.classes import stack_of
from proofgrid.rules.jobs.constraints import NO_CONSTRAINTS
from proofgrid.rules.jobs.phases import PhasePolicy
from proofgrid.rules.ledger.accounts import client_account, stake_account
from proofgrid.rules.ledger.firm_quotes import sell_quote
from proofgrid.rules.market.firm_quote import FirmPolicy, FirmTerms, check_hold, firm_terms, operators_of, pledge_of
from proofgrid.rules.market.reserves import (
    Reserve,
    ReservedJob,
    SoldAhead,
    offered_slots,
    price_top,
    sell_ahead,
)
from proofgrid.rules.reputation.newcomers import NEWCOMER_SLOTS
from proofgrid.rules.reputation.standing import ReputationPolicy
from proofgrid.rules.scheduling.fitness import HORIZON_MS
from proofgrid.rules.staking.bonds import BondPolicy, FreeSlots, bound_by_lease, cap_slots, capacity, free_capacity
from proofgrid.store.api_keys import SPEND_BY_KEY, spending
from proofgrid.store.bonds import BOUND_OF_OPERATORS, chain_bonds_of
from proofgrid.store.connection import Connection
from proofgrid.store.database import Database
from proofgrid.store.firm_quotes import RESERVES_OF_STACK, TAKE_TURN_OF_QUOTES, OfferedAhead, write_sold
from proofgrid.store.lanes import ServingProver, fitness_of, provers_of_stack, serves, speed_of
from proofgrid.store.ledger import lock_accounts
from proofgrid.store.rounds import REFERENCES_OF_LANES
from proofgrid.store.standing import bucket_now
from proofgrid.store.transactions import Transaction
from proofgrid.store.transfers import post_transfers

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReserveSettings:
    """On which terms slots that provers offer ahead are sold."""

    policy: FirmPolicy = field(default_factory=FirmPolicy)
    bonds: BondPolicy = field(default_factory=BondPolicy)
    phases: PhasePolicy = field(default_factory=PhasePolicy)
    reputation: ReputationPolicy = field(default_factory=ReputationPolicy)
    newcomer_slots: int = NEWCOMER_SLOTS  #: of all new provers of an operator, before their first verified job
    reference_price: int = 1_000  #: base units per PU in a lane without a round
    horizon_ms: int = HORIZON_MS
    fee_permille: int = 0  #: of what operators are paid for jobs of quotes that are sold from now on


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cleared:
    sold: SoldAhead
    terms: FirmTerms
    binds: Mapping[int, int]  #: position -> what its lease will bind, base units


class Reserving:
    """Sells reserves. Any gateway may: who sells holds the turn of quotes."""

    def __init__(self, database: Database, settings: ReserveSettings, clock: Clock) -> None:
        self._database = database
        self._settings = settings
        self._clock = clock

    async def look(self, jobs: Sequence[ReservedJob], *, hold_ms: int) -> FirmTerms:
        """Return on which terms a request would be promised now; raise NoFirmQuote, or InvalidField."""
        async with self._database.snapshot() as connection:
            return (await self._clear(connection, jobs, hold_ms=hold_ms)).terms

    async def sell(
        self,
        client: Address,
        jobs: Sequence[ReservedJob],
        *,
        hold_ms: int,
        cost_max: int,
        idempotency_key: str,
        program_digest: str,
        inputs: int,
        aggregate: bool = False,
        api_key: str = "",
    ) -> UUID | None:
        """Sell a request's jobs ahead for at most `cost_max` (0: at any price); None when the client's key is taken.

        `api_key`: the name of the API key by which it is paid for. Raises NoFirmQuote, InvalidField, InsufficientFunds,
        SpendLimitReached, or Recoverable when a bond was bound at the same moment.
        """
        quote_id = fresh_uuid(self._clock)
        async with self._database.transaction(Transaction.SELL_QUOTE) as connection:
            await connection.run(TAKE_TURN_OF_QUOTES, stacks=_stacks(jobs))
            cleared = await self._clear(connection, jobs, hold_ms=hold_ms)
            _check_cost(cleared.terms, cost_max)
            if not await write_sold(
                connection,
                quote_id,
                client,
                cleared.terms,
                cleared.sold,
                idempotency_key=idempotency_key,
                program_digest=program_digest,
                inputs=inputs,
                aggregate=aggregate,
                fee_permille=self._settings.fee_permille,
                binds=cleared.binds,
            ):
                return None
            if api_key:
                taken = cleared.terms.cost + cleared.terms.premium
                with spending():
                    await connection.run(SPEND_BY_KEY, key_id=api_key, amount=taken)
            operators = [Address(one) for one in operators_of(seat.operator for seat in cleared.sold.seats)]
            await self._check_funds(connection, client, cleared.terms, operators)
            transfers = sell_quote(quote_id=str(quote_id), client=client, terms=cleared.terms, operators=operators)
            await post_transfers(connection, transfers)
        log.info("firm_quote_sold", quote_id=str(quote_id), client=client, cost=cleared.terms.cost)
        return quote_id

    async def _clear(self, connection: Connection, jobs: Sequence[ReservedJob], *, hold_ms: int) -> _Cleared:
        settings = self._settings
        hold_ms = check_hold(hold_ms, settings.policy)
        lanes = sorted({job.lane for job in jobs})
        references = {
            str(one.lane): one.next_reference or one.first_reference or settings.reference_price
            for one in await connection.fetch(REFERENCES_OF_LANES, lanes=lanes)
        }
        # One clearing for all lanes of the request, around the dearest of their public prices.
        reference = max(references.values())
        reserves = await self._reserves(connection, jobs, references, reference)
        sold = sell_ahead(jobs, reserves, reference=reference, beacon=fresh_bytes(32))
        if sold is None:
            raise _not_sold(jobs, reserves, reference)
        binds = {
            seat.position: bound_by_lease(
                units=seat.units,
                sell_price=sold.sell_price,
                reference=references[seat.lane],
                policy=settings.bonds,
            )
            for seat in sold.seats
        }
        return _Cleared(sold=sold, terms=firm_terms(sold, settings.policy, hold_ms=hold_ms), binds=binds)

    async def _reserves(
        self, connection: Connection, jobs: Sequence[ReservedJob], references: Mapping[str, int], reference: int
    ) -> list[Reserve]:
        settings = self._settings
        in_lanes = await self._able(connection, jobs)
        able = {prover_id: by_lane[jobs[0].lane] for prover_id, by_lane in in_lanes.items()}
        offered = {
            one.prover_id: one for one in await connection.fetch(RESERVES_OF_STACK, provers=sorted(able)) if one.slots
        }
        slots = await self._slots_of_bonds(connection, jobs, able, offered, references, reference)
        return [
            _reserve(in_lanes[prover_id], offered[prover_id], free, settings)
            for prover_id, free in slots.items()
            if free
        ]

    async def _able(
        self, connection: Connection, jobs: Sequence[ReservedJob]
    ) -> dict[ProverId, dict[str, ServingProver]]:
        """Return the provers that may have each of the jobs, as each lane of these sees them."""
        lanes = sorted({job.lane for job in jobs})
        found: dict[ProverId, dict[str, ServingProver]] = defaultdict(dict)
        for stack in _stacks(jobs):
            provers = await provers_of_stack(
                connection,
                stack,
                silent_ms=self._settings.phases.silent_ms,
                newcomer_slots=self._settings.newcomer_slots,
            )
            for one in provers:
                of_stack = (lane for lane in lanes if stack_of(lane) == stack)
                found[one.prover_id] |= {lane: one for lane in of_stack if serves(one, lane, NO_CONSTRAINTS)}
        return {prover_id: by_lane for prover_id, by_lane in found.items() if len(by_lane) == len(lanes)}

    async def _slots_of_bonds(
        self,
        connection: Connection,
        jobs: Sequence[ReservedJob],
        able: Mapping[ProverId, ServingProver],
        offered: Mapping[ProverId, OfferedAhead],
        references: Mapping[str, int],
        reference: int,
    ) -> dict[ProverId, int]:
        """Return how many slots each prover offers that its operator's bond carries, whatever the price will be."""
        policy = self._settings.bonds
        top = price_top(reference)
        cost = top * sum(job.units for job in jobs)
        pledge = pledge_of(cost=cost, penalty=self._settings.policy.penalty(cost))
        slot_binds = max(
            bound_by_lease(units=job.units, sell_price=top, reference=references[job.lane], policy=policy)
            for job in jobs
        )
        stakes: dict[str, int] = {able[prover_id].operator: able[prover_id].stake for prover_id in offered}
        bound = await _bound(connection, list(stakes))
        on_chain = await chain_bonds_of(connection, list(stakes))
        free = {
            one: free_capacity(stake - pledge, bound.get(one, 0), policy)
            for one, stake in stakes.items()
            if stake - on_chain[one].staked >= pledge  # money of the ledger
        }
        slots = [
            FreeSlots(
                prover_id=prover_id,
                operator=able[prover_id].operator,
                slots=max(0, min(one.slots - one.reserved, able[prover_id].free_slots)),
                slot_binds=slot_binds,
            )
            for prover_id, one in offered.items()
            if able[prover_id].operator in free
        ]
        return {ProverId(prover_id): number for prover_id, number in cap_slots(slots, free).items()}

    async def _check_funds(
        self, connection: Connection, client: Address, terms: FirmTerms, operators: Sequence[Address]
    ) -> None:
        """Raise InsufficientFunds of the client, Recoverable when a bond was bound or unbonded meanwhile."""
        payer = client_account(client)
        stakes = {stake_account(one): one for one in operators}
        held = await lock_accounts(connection, [payer, *stakes])
        if held.get(payer, 0) < terms.cost + terms.premium:
            raise InsufficientFunds(
                f"cost and premium are {format_amount(terms.cost + terms.premium)},"
                f" your account holds {format_amount(held.get(payer, 0))}",
                field="cost_max",
                hint="ask the network's administrator for a deposit",
            )
        # A statement of its own, after the lock: it sees what the others have committed, and these seats.
        bound = await _bound(connection, operators)
        on_chain = await chain_bonds_of(connection, operators)
        for account, operator in stakes.items():
            # Pledges are money of the ledger, whatever else a bond stands on.
            left = held.get(account, 0) - terms.pledge
            carries = capacity(on_chain[operator].usable(left), self._settings.bonds)
            if left < 0 or bound.get(operator, 0) > carries:
                raise Recoverable("a bond behind the quote was bound meanwhile", hint="try again in a moment")


def _reserve(
    in_lanes: Mapping[str, ServingProver], offered: OfferedAhead, slots: int, settings: ReserveSettings
) -> Reserve:
    prover = next(iter(in_lanes.values()))
    rooms = [
        fitness_of([one], lane, horizon_ms=settings.horizon_ms).rooms[one.prover_id] for lane, one in in_lanes.items()
    ]
    return Reserve(
        prover_id=prover.prover_id,
        operator=prover.operator,
        price=offered.price,
        slots=slots,
        memory_bytes=prover.room_bytes,
        units_min=prover.units_min,
        units_max=min(room.units_max for room in rooms),
        reputation_bucket=bucket_now(prover.counters, settings.reputation, now_ms=prover.now_ms),
        speeds={lane: speed_of(one, lane) for lane, one in in_lanes.items()},
    )


def _stacks(jobs: Sequence[ReservedJob]) -> list[Stack]:
    """Return the stacks of the jobs' lanes, several where the request is a graph of several systems."""
    return sorted({stack_of(job.lane) for job in jobs})


def _check_cost(terms: FirmTerms, cost_max: int) -> None:
    if 0 < cost_max < terms.cost + terms.premium:
        raise NoFirmQuote(
            f"cost and premium are {format_amount(terms.cost + terms.premium)} now",
            field="cost_max",
            hint="pay more, hold it for a shorter time, or ask later",
        )


def _not_sold(jobs: Sequence[ReservedJob], reserves: Sequence[Reserve], reference: int) -> NoFirmQuote:
    offered, most = offered_slots(jobs, reserves, reference=reference)
    stacks = _stacks(jobs)
    if not offered:
        all_of = f" of {' and '.join(one.split('/')[1] for one in stacks)} together" if len(stacks) > 1 else ""
        return NoFirmQuote(f"no prover offers slots ahead for this{all_of}: nobody would stand behind a promise")
    if len(jobs) > most:
        part = "half of them" if most < offered else "all of them"
        return NoFirmQuote(
            f"the request has {len(jobs)} jobs, and provers offer {offered} slots ahead; one request may have {part}"
        )
    return NoFirmQuote("provers offer slots ahead, but at prices too far above the market's")


async def _bound(connection: Connection, operators: Sequence[str]) -> dict[str, int]:
    found = await connection.fetch(BOUND_OF_OPERATORS, operators=sorted(set(operators)))
    return {one.operator: one.bound for one in found}
