"""Hands the jobs of a task that redeems a firm quote to the provers whose slots are reserved: at once, outside rounds.

What takes other jobs' proofs keeps its seat until these are there (store/seating.py). The premium is paid now, for all
slots that were kept free.
"""

from __future__ import annotations

from proofgrid.primitives.ids import JobId
from proofgrid.roles.intake.drafts import Draft, DraftedJob
from proofgrid.roles.intake.sizing import other_jobs
from proofgrid.rules.jobs.classes import stack_of
from proofgrid.store.connection import Connection
from proofgrid.store.firm_quotes import (
    SEATS_OF_QUOTE,
    FirmQuote,
    HeldSeat,
    QuoteToSeat,
    SeatInTurn,
    premium_transfers,
)
from proofgrid.store.seating import Seating, grant_seats, provers_there
from proofgrid.store.sessions import KEEP_SESSIONS
from proofgrid.store.transfers import post_transfers


async def seat_jobs(connection: Connection, draft: Draft, quote: FirmQuote, seating: Seating) -> None:
    """Lease a new task's jobs to those whose seats they are, and pay the premium; the quote's row is locked.

    Raises InvalidField when the inputs make other jobs than the quote was sold for.
    """
    seats = await connection.fetch(SEATS_OF_QUOTE, quote_id=quote.quote_id)
    if [(job.lane, job.content.units) for job in draft.jobs] != [(seat.lane, seat.units) for seat in seats]:
        raise other_jobs()
    await connection.run(KEEP_SESSIONS, prover_ids=sorted({seat.prover_id for seat in seats}))
    there = await provers_there(connection, seats, seating.phases)
    in_turn = [_in_turn(seat, job) for seat, job in zip(seats, draft.jobs, strict=True) if not job.content.depends_on]
    await grant_seats(connection, _to_seat(draft, quote), in_turn, there, seating)
    present = {seat.prover_id for seat in seats if (stack_of(seat.lane), seat.prover_id) in there}
    await post_transfers(connection, premium_transfers(quote, seats, present, task_id=str(draft.task_id)))


def _in_turn(seat: HeldSeat, job: DraftedJob) -> SeatInTurn:
    return SeatInTurn(
        position=seat.position,
        state=seat.state,
        lane=seat.lane,
        units=seat.units,
        memory_bytes=seat.memory_bytes,
        prover_id=seat.prover_id,
        operator=seat.operator,
        stake_bound=seat.stake_bound,
        job_id=JobId(job.job_id),
        slice=job.content.slice_index,
        input=job.content.input_index,
    )


def _to_seat(draft: Draft, quote: FirmQuote) -> QuoteToSeat:
    return QuoteToSeat(
        quote_id=quote.quote_id,
        task_id=draft.task_id,
        buy_price=quote.buy_price,
        sell_price=quote.sell_price,
        fee_permille=quote.fee_permille,
        record_hash=quote.record_hash,
        provers=(),
    )
