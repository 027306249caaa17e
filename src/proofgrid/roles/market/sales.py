"""What a stack's rounds sold, as metrics."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from proofgrid.primitives.ids import ms_of
from proofgrid.roles.market.book import StackBook
from proofgrid.rules.market.rounds import RoundOutcome
from proofgrid.store.book import JobForSale
from proofgrid.telemetry import traces
from proofgrid.telemetry.metrics.of_gateway import HEDGES, JOBS_SOLD, QUEUE_SECONDS, ROUNDS, UNITS_SOLD


def count_sales(found: StackBook, outcomes: Sequence[RoundOutcome], *, now_ms: int, seconds: float) -> None:
    """Count what was sold, and how long it had waited since its task came; `seconds`: how long the round took."""
    books = {book.lane: book for book in found.books}
    for outcome in outcomes:
        book = books[outcome.lane]
        ROUNDS.add(1, outcome.lane)
        JOBS_SOLD.add(len(outcome.placements), outcome.lane)
        UNITS_SOLD.add(sum(one.units for one in outcome.placements), outcome.lane)
        HEDGES.add(sum(one.job_id in book.wishes for one in outcome.placements))
        if traces.are_sent():
            for task_id in {one.task_id for one in outcome.placements}:
                which = f"{outcome.lane}/{outcome.number}"
                traces.note("round", traces.of_task(UUID(str(task_id))), seconds, which=which, lane=outcome.lane)
        for one in outcome.placements:
            job = book.jobs.get(one.job_id)
            if isinstance(job, JobForSale) and job.is_fresh:
                QUEUE_SECONDS.observe(max(0, now_ms - ms_of(job.task_id)) / 1_000, trace=job.task_id.hex)
