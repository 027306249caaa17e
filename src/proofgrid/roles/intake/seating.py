"""Hands the jobs of a task that redeems a firm quote to the provers whose slots are reserved: at once, outside rounds.

Who is not there gets no lease: that job goes to the live market at the price of the quote, and the operator still
answers for it. The premium is paid now, for the slots that were kept free.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from uuid import UUID

from proofgrid.primitives.clock import Clock, fresh_uuid
from proofgrid.primitives.ids import Lane
from proofgrid.roles.intake.drafts import Draft, DraftedJob
from proofgrid.roles.intake.sizing import other_jobs
from proofgrid.rules.jobs.classes import stack_of
from proofgrid.rules.jobs.events import Sold
from proofgrid.rules.jobs.lifecycle import JobEvent, job_sources
from proofgrid.rules.jobs.phases import PhasePolicy, after_grant
from proofgrid.rules.market.firm_quote import ROUND_OF_QUOTES, SeatEvent
from proofgrid.store.connection import Connection
from proofgrid.store.firm_quotes import (
    SEATS_OF_QUOTE,
    FirmQuote,
    HeldSeat,
    change_seats,
    premium_transfers,
)
from proofgrid.store.granting import GRANT_LEASES, NewLease, new_lease
from proofgrid.store.lanes import ServingProver, provers_of_stack, speed_of
from proofgrid.store.sessions import KEEP_SESSIONS
from proofgrid.store.tasks import append_events
from proofgrid.store.transfers import post_transfers


async def seat_jobs(connection: Connection, draft: Draft, quote: FirmQuote, phases: PhasePolicy, clock: Clock) -> None:
    """Lease a new task's jobs to those whose seats they are, and pay the premium; the quote's row is locked.

    Raises InvalidField when the inputs make other jobs than the quote was sold for.
    """
    seats = await connection.fetch(SEATS_OF_QUOTE, quote_id=quote.quote_id)
    if [(job.lane, job.content.units) for job in draft.jobs] != [(seat.lane, seat.units) for seat in seats]:
        raise other_jobs()
    await connection.run(KEEP_SESSIONS, prover_ids=sorted({seat.prover_id for seat in seats}))
    of_stack = await provers_of_stack(connection, stack_of(seats[0].lane), silent_ms=phases.silent_ms)
    there = {prover.prover_id: prover for prover in of_stack}
    leases = {
        seat.position: _lease(draft, job, seat, there[seat.prover_id], quote, phases, clock)
        for seat, job in zip(seats, draft.jobs, strict=True)
        if seat.prover_id in there
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
    await append_events(
        connection,
        [(draft.task_id, _sold(draft.jobs[seat.position], seat, quote)) for seat in seats if seat.position in leases],
    )
    await post_transfers(connection, premium_transfers(quote, seats, set(there), task_id=str(draft.task_id)))


async def _grant(
    connection: Connection, seats: Sequence[HeldSeat], leases: Mapping[int, NewLease], quote: FirmQuote
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


def _lease(
    draft: Draft,
    job: DraftedJob,
    seat: HeldSeat,
    prover: ServingProver,
    quote: FirmQuote,
    phases: PhasePolicy,
    clock: Clock,
) -> NewLease:
    timers = after_grant(
        units=seat.units,
        memory_bytes=seat.memory_bytes,
        speed=speed_of(prover, seat.lane),
        policy=phases,
        now_ms=0,
    )
    return new_lease(
        fresh_uuid(clock),
        job_id=str(job.job_id),
        task_id=str(draft.task_id),
        prover=prover,
        units=seat.units,
        sell_price=quote.sell_price,
        stake_bound=seat.stake_bound,
        fee_permille=quote.fee_permille,
        timers=timers,
    )


def _sold(job: DraftedJob, seat: HeldSeat, quote: FirmQuote) -> Sold:
    return Sold(
        slice=job.content.slice_index,
        input=job.content.input_index,
        prover=seat.prover_id,
        sell_price=quote.sell_price,
        lane=seat.lane,
        round=ROUND_OF_QUOTES,
        round_hash=quote.record_hash,
        buy_price=quote.buy_price,
        order="",
    )
