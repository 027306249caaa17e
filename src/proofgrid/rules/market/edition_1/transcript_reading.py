"""Reading a transcript of the first edition back."""

from __future__ import annotations

from proofgrid.primitives.digests import parse_digest
from proofgrid.primitives.errors import InvalidField
from proofgrid.rules.market.edition_1.round_orders import RoundInputs
from proofgrid.rules.market.edition_1.supplies import Carried, ProverSupply
from proofgrid.rules.market.edition_1.transcript import FORMAT, VERSION
from proofgrid.rules.market.transcript_reading import Record, TranscriptMismatch
from proofgrid.rules.scheduling.demand_and_supply import JobDemand, TaskDemand


def read_inputs(transcript: object) -> RoundInputs:
    """Return the inputs that a transcript records; raise TranscriptMismatch naming a field that cannot be read."""
    record = Record(transcript, path="")
    if record.text("format") != FORMAT or record.whole("version") != VERSION:
        raise TranscriptMismatch(f"this is no {FORMAT} of version {VERSION}", field="format")
    try:
        return RoundInputs(
            lane=record.text("lane"),
            number=record.whole("number"),
            previous=None if record.is_null("previous") else parse_digest(record.text("previous"), field="previous"),
            beacon=record.hex("beacon"),
            reference=_reference(record.inner("parameters")),
            demands=[_read_demand(bid) for bid in record.records("bids")],
            supplies=[_read_supply(ask) for ask in record.records("asks") + record.records("absent")],
            floor_least=record.inner("parameters").whole("floor_least"),
        )
    except InvalidField as error:
        raise TranscriptMismatch(error.detail, field=error.field) from error


def _reference(parameters: Record) -> int | None:
    return None if parameters.is_null("reference") else parameters.whole("reference")


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
        slot_units_max=None if ask.is_null("slot_units_max") else ask.whole("slot_units_max"),
        carried=None if ask.is_null("carried") else _read_carried(ask.inner("carried")),
    )


def _read_carried(carried: Record) -> Carried:
    return Carried(lane=carried.text("lane"), number=carried.whole("number"), price_max=carried.whole("price_max"))
