"""Reading the transcript of a round back."""

from __future__ import annotations

from proofgrid.primitives.canonical import canonical_json
from proofgrid.primitives.digests import parse_digest
from proofgrid.primitives.errors import InvalidField
from proofgrid.rules.market.counted import NOTHING_COUNTED, CountedBids
from proofgrid.rules.market.draw_record import DrawRecord
from proofgrid.rules.market.round_orders import RoundInputs
from proofgrid.rules.market.transcript import FORMAT, VERSION, VERSION_COUNTED
from proofgrid.rules.market.transcript_reading import Record, TranscriptMismatch
from proofgrid.rules.scheduling.demand_and_supply import JobDemand, ProverSupply, TaskDemand


def read_inputs(transcript: object) -> RoundInputs:
    """Return the inputs that a transcript records; raise TranscriptMismatch naming a field that cannot be read."""
    record = Record(transcript, path="")
    version = record.whole("version")
    if record.text("format") != FORMAT or version not in (VERSION, VERSION_COUNTED):
        raise TranscriptMismatch(f"this is no {FORMAT} of version {VERSION} or {VERSION_COUNTED}", field="format")
    parameters = record.inner("parameters")
    try:
        return RoundInputs(
            lane=record.text("lane"),
            number=record.whole("number"),
            previous=None if record.is_null("previous") else parse_digest(record.text("previous"), field="previous"),
            beacon=record.hex("beacon"),
            reference=parameters.whole_or_none("reference"),
            demands=[_read_demand(bid) for group in ("bids", "idle_bids") for bid in record.records(group)],
            supplies=[_read_supply(ask) for group in ("asks", "absent", "idle_asks") for ask in record.records(group)],
            anchor=parameters.whole_or_none("anchor"),
            backed=parameters.truth("backed"),
            draw=None if record.is_null("draw") else _read_draw(record.inner("draw")),
            counted=_read_counted(record.inner("counted")) if version == VERSION_COUNTED else NOTHING_COUNTED,
        )
    except InvalidField as error:
        raise TranscriptMismatch(error.detail, field=error.field) from error


def _read_draw(draw: Record) -> DrawRecord:
    table = draw.value("table")
    return DrawRecord(
        digest=parse_digest(draw.text("digest"), field="draw.digest"),
        table=None if table is None else canonical_json(table).decode(),
    )


def _read_counted(counted: Record) -> CountedBids:
    return CountedBids(prices=tuple(counted.pairs("prices")), programs=frozenset(counted.texts("programs")))


def _read_demand(bid: Record) -> TaskDemand:
    return TaskDemand(
        task_id=bid.text("task_id"),
        jobs=tuple(
            JobDemand(job_id=job.text("job_id"), units=job.whole("units"), excluded=frozenset(job.texts("excluded")))
            for job in bid.records("jobs")
        ),
        limit_price=bid.whole("limit_price"),
        program_digest=bid.text("program_digest"),
        share=bid.whole("share"),
    )


def _read_supply(ask: Record) -> ProverSupply:
    return ProverSupply(
        prover_id=ask.text("prover_id"),
        operator=ask.text("operator"),
        ask_price=ask.whole("ask_price"),
        free_slots=ask.whole("free_slots"),
        reputation_bucket=ask.whole("reputation_bucket"),
        cached_programs=frozenset(ask.texts("cached_programs")),
    )
