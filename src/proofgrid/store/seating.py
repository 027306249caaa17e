"""Seats of redeemed firm quotes become leases: when a quote is redeemed, and when what a job waits for is proven.

Who is not there gets no lease: that job goes to the live market at the price of the quote, and the operator still
answers for it. Lock order: the task's row, its quote's, sessions, leases.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from proofgrid.primitives.clock import Clock, fresh_uuid
from proofgrid.primitives.ids import Lane, ProverId, Stack
from proofgrid.rules.jobs.classes import stack_of
from proofgrid.rules.jobs.events import Sold
from proofgrid.rules.jobs.lifecycle import JobEvent, job_sources
from proofgrid.rules.jobs.phases import PhasePolicy, after_grant
from proofgrid.rules.market.firm_quote import ROUND_OF_QUOTES, SeatEvent
from proofgrid.store.connection import Connection
from proofgrid.store.firm_quotes import QUOTES_TO_SEAT, SEATS_IN_TURN, HeldSeat, QuoteToSeat, SeatInTurn, change_seats
from proofgrid.store.granting import GRANT_LEASES, NewLease, new_lease
from proofgrid.store.lanes import ServingProver, provers_of_stack, speed_of
from proofgrid.store.sessions import KEEP_SESSIONS
from proofgrid.store.tasks import HedgedTask, append_events

Provers = Mapping[tuple[Stack, ProverId], ServingProver]  #: who is there, in each stack


@dataclass(frozen=True, slots=True, kw_only=True)
class Seating:
    """How leases of seats are made."""

    phases: PhasePolicy
    clock: Clock


async def provers_there(connection: Connection, seats: Sequence[HeldSeat | SeatInTurn], phases: PhasePolicy) -> Provers:
    """Return the provers that serve the stacks of these seats now."""
    found: dict[tuple[Stack, ProverId], ServingProver] = {}
    for stack in sorted({stack_of(seat.lane) for seat in seats}):
        for prover in await provers_of_stack(connection, stack, silent_ms=phases.silent_ms):
            found[stack, prover.prover_id] = prover
    return found


async def grant_seats(
    connection: Connection, quote: QuoteToSeat, seats: Sequence[SeatInTurn], there: Provers, seating: Seating
) -> None:
    """Lease jobs to those whose seats they are; task and quote are locked, and the sessions of the provers kept."""
    leases = {
        seat.position: _lease(quote, seat, prover, seating)
        for seat in seats
        if (prover := there.get((stack_of(seat.lane), seat.prover_id))) is not None
    }
    await _grant(connection, seats, leases, quote)
    await change_seats(
        connection,
        quote.quote_id,
        [
            (seat.position, seat.state, SeatEvent.GRANTED, UUID(leases[seat.position]["lease_id"]))
            if seat.position in leases
            else (seat.position, seat.state, SeatEvent.ABSENT, None)
            for seat in seats
        ],
    )
    sold = [(quote.task_id, _sold(seat, quote)) for seat in seats if seat.position in leases]
    if sold:
        await append_events(connection, sold)


async def lock_quotes_to_seat(connection: Connection, tasks: Sequence[HedgedTask]) -> list[QuoteToSeat]:
    """Return the quotes of tasks whose rows are locked, with seats for jobs that wait; locked, and their provers kept.

    Before any lease is locked: whoever says hello holds its session and wants its leases.
    """
    quoted = [task.task_id for task in tasks if task.quote_id is not None]
    if not quoted:
        return []
    quotes = [one for one in await connection.fetch(QUOTES_TO_SEAT, task_ids=quoted) if one.provers]
    if quotes:
        await connection.run(KEEP_SESSIONS, prover_ids=sorted({name for one in quotes for name in one.provers}))
    return quotes


async def seat_in_turn(connection: Connection, quotes: Sequence[QuoteToSeat], seating: Seating) -> None:
    """Lease the jobs that are ready by now to those whose seats they are, before any account is locked."""
    for quote in quotes:
        seats = await connection.fetch(SEATS_IN_TURN, quote_id=quote.quote_id, task_id=quote.task_id)
        if seats:
            await grant_seats(connection, quote, seats, await provers_there(connection, seats, seating.phases), seating)


async def _grant(
    connection: Connection, seats: Sequence[SeatInTurn], leases: Mapping[int, NewLease], quote: QuoteToSeat
) -> None:
    by_lane: dict[Lane, list[NewLease]] = defaultdict(list)
    for seat in seats:
        if seat.position in leases:
            by_lane[seat.lane].append(leases[seat.position])
    for lane, of_lane in sorted(by_lane.items()):
        await connection.run(
            GRANT_LEASES,
            leases=of_lane,
            lane=lane,
            round=ROUND_OF_QUOTES,
            buy_price=quote.buy_price,
            sources=job_sources(JobEvent.SOLD),
            epoch=0,
            winners=[],  # whose sessions are kept already
        )


def _lease(quote: QuoteToSeat, seat: SeatInTurn, prover: ServingProver, seating: Seating) -> NewLease:
    timers = after_grant(
        units=seat.units,
        memory_bytes=seat.memory_bytes,
        speed=speed_of(prover, seat.lane),
        policy=seating.phases,
        now_ms=0,
    )
    return new_lease(
        fresh_uuid(seating.clock),
        job_id=str(seat.job_id),
        task_id=str(quote.task_id),
        prover=prover,
        units=seat.units,
        sell_price=quote.sell_price,
        stake_bound=seat.stake_bound,
        fee_permille=quote.fee_permille,
        timers=timers,
    )


def _sold(seat: SeatInTurn, quote: QuoteToSeat) -> Sold:
    return Sold(
        slice=seat.slice,
        input=seat.input,
        prover=seat.prover_id,
        sell_price=quote.sell_price,
        lane=seat.lane,
        round=ROUND_OF_QUOTES,
        round_hash=quote.record_hash,
        buy_price=quote.buy_price,
        order="",
    )
