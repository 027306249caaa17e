"""Reading a transcript back, as strictly as if somebody had tampered with it, and naming where two of them differ."""

from __future__ import annotations

from typing import Any

from proofgrid.primitives.digests import parse_digest
from proofgrid.primitives.errors import InvalidField, ProofgridError
from proofgrid.rules.market.round_orders import RoundInputs
from proofgrid.rules.market.transcript import FORMAT, VERSION
from proofgrid.rules.scheduling.demand_and_supply import Carried, JobDemand, ProverSupply, TaskDemand


class TranscriptMismatch(ProofgridError):
    """The transcript is not what its orders give when the round is run again."""

    code = "PG-420"


def read_inputs(transcript: Any) -> RoundInputs:
    """Return the inputs that a transcript records; raise TranscriptMismatch naming a field that cannot be read."""
    record = _Record(transcript, path="")
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


def _reference(parameters: _Record) -> int | None:
    return None if parameters.is_null("reference") else parameters.whole("reference")


def _read_demand(bid: _Record) -> TaskDemand:
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


def _read_supply(ask: _Record) -> ProverSupply:
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


def _read_carried(carried: _Record) -> Carried:
    return Carried(lane=carried.text("lane"), number=carried.whole("number"), price_max=carried.whole("price_max"))


def first_difference(recorded: Any, recomputed: Any, *, path: str = "") -> str | None:
    """Return the path of the first field with another value or type, like `result.placements[2][3]`; None if equal."""
    if type(recorded) is not type(recomputed):
        return path or "transcript"
    if isinstance(recomputed, dict):
        names = [*recomputed, *(name for name in recorded if name not in recomputed)]
        steps: list[tuple[Any, str]] = [(name, f"{path}.{name}".lstrip(".")) for name in names]
        missing = {name for name in names if name not in recorded or name not in recomputed}
    elif isinstance(recomputed, list):
        longer, shorter = max(len(recorded), len(recomputed)), min(len(recorded), len(recomputed))
        steps = [(index, f"{path}[{index}]") for index in range(longer)]
        missing = set(range(shorter, longer))
    else:
        return None if recorded == recomputed else path or "transcript"

    for step, inner_path in steps:
        if step in missing:
            return inner_path
        difference = first_difference(recorded[step], recomputed[step], path=inner_path)
        if difference is not None:
            return difference
    return None


class _Record:
    """A JSON object whose fields are read by type; any other type is a mismatch that names the field."""

    def __init__(self, value: Any, *, path: str) -> None:
        if type(value) is not dict:
            raise TranscriptMismatch("a JSON object is needed here", field=path or "transcript")
        self._value: dict[str, Any] = value
        self._path = path

    def text(self, name: str) -> str:
        return str(self._take(name, str))

    def whole(self, name: str) -> int:
        return int(self._take(name, int))

    def hex(self, name: str) -> bytes:
        try:
            return bytes.fromhex(self.text(name))
        except ValueError:
            raise TranscriptMismatch("hex digits are needed here", field=self._where(name)) from None

    def is_null(self, name: str) -> bool:
        return name in self._value and self._value[name] is None

    def inner(self, name: str) -> _Record:
        return _Record(self._take(name, dict), path=self._where(name))

    def records(self, name: str) -> list[_Record]:
        items = self._take(name, list)
        return [_Record(item, path=f"{self._where(name)}[{index}]") for index, item in enumerate(items)]

    def texts(self, name: str) -> list[str]:
        items: list[Any] = self._take(name, list)
        if any(type(item) is not str for item in items):
            raise TranscriptMismatch("a list of texts is needed here", field=self._where(name))
        return items

    def _take(self, name: str, kind: type) -> Any:
        value = self._value.get(name)
        # type() and not isinstance(): true is no number.
        if type(value) is not kind:
            raise TranscriptMismatch(f"a field of type {kind.__name__} is needed here", field=self._where(name))
        return value

    def _where(self, name: str) -> str:
        return f"{self._path}.{name}".lstrip(".")
