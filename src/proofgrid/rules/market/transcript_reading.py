"""Reading a record as strictly as if somebody had tampered with it, and naming where two of them differ."""

from __future__ import annotations

from typing import Any

from proofgrid.primitives.errors import ProofgridError

Transcript = dict[str, Any]  #: the record of a round


class TranscriptMismatch(ProofgridError):
    """The transcript is not what its orders give when the round is run again."""

    code = "PG-420"


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


class Record:
    """A JSON object whose fields are read by type; any other type is a mismatch that names the field."""

    def __init__(self, value: object, *, path: str) -> None:
        if type(value) is not dict:
            raise TranscriptMismatch("a JSON object is needed here", field=path or "transcript")
        self._value: Transcript = value
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

    def value(self, name: str) -> Any:
        if name not in self._value:
            raise TranscriptMismatch("this field is missing", field=self._where(name))
        return self._value[name]

    def truth(self, name: str) -> bool:
        return bool(self._take(name, bool))

    def whole_or_none(self, name: str) -> int | None:
        return None if self.is_null(name) else self.whole(name)

    def is_null(self, name: str) -> bool:
        return name in self._value and self._value[name] is None

    def inner(self, name: str) -> Record:
        return Record(self._take(name, dict), path=self._where(name))

    def records(self, name: str) -> list[Record]:
        items = self._take(name, list)
        return [Record(item, path=f"{self._where(name)}[{index}]") for index, item in enumerate(items)]

    def texts(self, name: str) -> list[str]:
        items: list[Any] = self._take(name, list)
        if any(type(item) is not str for item in items):
            raise TranscriptMismatch("a list of texts is needed here", field=self._where(name))
        return items

    def pairs(self, name: str) -> list[tuple[int, int]]:
        items = self._take(name, list)
        if any(type(item) is not list or [type(one) for one in item] != [int, int] for item in items):
            raise TranscriptMismatch("a list of pairs of whole numbers is needed here", field=self._where(name))
        return [(first, second) for first, second in items]

    def _take(self, name: str, kind: type) -> Any:
        value = self._value.get(name)
        # type() and not isinstance(): true is no number.
        if type(value) is not kind:
            raise TranscriptMismatch(f"a field of type {kind.__name__} is needed here", field=self._where(name))
        return value

    def _where(self, name: str) -> str:
        return f"{self._path}.{name}".lstrip(".")
