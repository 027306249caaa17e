"""What every kind of event has: data of its own, a sentence, who may see it, and how a screen shows it.

class Slow --@event("slow", seen_by=OWNER)--> KINDS["slow"];  Slow(...).data() --JSON--> read_event("slow", data)
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Set
from dataclasses import MISSING, dataclass, field, fields
from enum import StrEnum
from functools import cache
from typing import Any, ClassVar, TypeVar, dataclass_transform, get_type_hints

from proofgrid.primitives.ids import short_prover
from proofgrid.rules.access.roles import Role

OWNER = frozenset({Role.CLIENT, Role.ADMIN})  #: whose timeline it is: the task's client, and administrators


class Tone(StrEnum):
    """How a kind of event sounds."""

    PLAIN = "plain"
    GOOD = "good"
    TROUBLE = "trouble"
    FAILED = "failed"
    DONE = "done"


class Weight(StrEnum):
    """When a screen that has little room tells it."""

    DETAIL = "detail"  #: while there are few jobs
    TURN = "turn"  #: a step of the whole task: however many jobs it has
    NEWS = "news"  #: beside bars as well


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """How sentences name jobs and provers."""

    people: Mapping[str, str] = field(default_factory=dict)  #: operator's address -> name
    batch: bool = False  #: the task has several inputs

    def job(self, slice_index: int, input_index: int) -> str:
        """Return "slice 3", with its input when the task has several."""
        return f"slice {slice_index}" + (f" of input {input_index}" if self.batch else "")

    def prover(self, prover: str) -> str:
        """Return "<operator>/<name>" with the operator's name, or a short address."""
        return short_prover(prover, self.people)


class Event(ABC):
    """Something that happened to a task, as its timeline tells it. Its subclasses are the catalogue (events.py)."""

    __slots__ = ()

    kind: ClassVar[str]
    seen_by: ClassVar[frozenset[Role]]  #: who may see events of this kind
    fewer_see: ClassVar[Mapping[str, frozenset[Role]]]  #: name in the data -> who alone of them may see it
    tone: ClassVar[Tone]
    weight: ClassVar[Weight]
    names: ClassVar[tuple[tuple[str, str], ...]]  #: (attribute, name in the data)

    @abstractmethod
    def sentence(self, names: Names) -> str:
        """Say in one sentence what happened, to the task's client."""

    def data(self) -> dict[str, Any]:
        """Return the data as JSON; what is None is left out."""
        return {name: value for attribute, name in self.names if (value := getattr(self, attribute)) is not None}


KINDS: dict[str, type[Event]] = {}  #: filled by the classes in events.py

_Kind = TypeVar("_Kind", bound=type[Event])


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
def event(
    kind: str,
    *,
    seen_by: frozenset[Role],
    fewer_see: Mapping[str, frozenset[Role]] | None = None,
    tone: Tone = Tone.PLAIN,
    weight: Weight = Weight.DETAIL,
    kinds: dict[str, type[Event]] = KINDS,
) -> Callable[[_Kind], _Kind]:
    """Make a class a kind of event: a frozen dataclass, found under its name.

    Raises TypeError for a kind without a sentence, that nobody may see, or that is there already.
    """

    def add(cls: _Kind) -> _Kind:
        made: Any = dataclass(frozen=True, slots=True, kw_only=True)(cls)
        made.kind, made.seen_by, made.fewer_see = kind, seen_by, dict(fewer_see or {})
        made.tone, made.weight = tone, weight
        # "from" is a word of Python: its attribute is "from_".
        made.names = tuple((one.name, one.name.rstrip("_")) for one in fields(made))
        if made.__abstractmethods__ or not seen_by or kind in kinds:
            raise TypeError(f"{kind} needs a sentence, somebody who may see it, and a name of its own")
        if unknown := made.fewer_see.keys() - {name for _, name in made.names}:
            raise TypeError(f"{kind} has no {sorted(unknown)}")
        kinds[kind] = made
        return made  # type: ignore[no-any-return]

    return add


def read_event(kind: str, data: Mapping[str, Any], kinds: Mapping[str, type[Event]] = KINDS) -> Event | None:
    """Return an event as it was written; None for a kind of a newer gateway. What an older one left out is blank."""
    if kind not in kinds:
        return None
    cls = kinds[kind]
    return cls(**{attribute: data.get(name, blank) for attribute, name, blank in _blanks(cls)})


def visible_to(
    readers: Set[Role], kind: str, data: Mapping[str, Any], kinds: Mapping[str, type[Event]] = KINDS
) -> Mapping[str, Any] | None:
    """Return what a reader with these roles may see of an event's data; None: nothing, not even that it happened.

    A kind of a newer gateway is seen by whom the timeline belongs to: the client, and administrators.
    """
    known = kinds.get(kind)
    seen_by = OWNER if known is None else known.seen_by
    if not readers & seen_by:
        return None
    if known is None or not known.fewer_see:
        return data
    return {name: value for name, value in data.items() if readers & known.fewer_see.get(name, seen_by)}


def is_shown_whole(readers: Set[Role], kind: str, kinds: Mapping[str, type[Event]] = KINDS) -> bool:
    """Tell whether a reader with these roles sees all of an event's data, whatever is in it."""
    known = kinds.get(kind)
    return bool(readers & (OWNER if known is None else known.seen_by)) and not (known and known.fewer_see)


@cache
def _blanks(cls: type[Event]) -> list[tuple[str, str, Any]]:
    hints = get_type_hints(cls)
    blanks: dict[Any, Any] = {str: "", int: 0}
    optional = {one.name for one in fields(cls) if one.default is not MISSING}  # type: ignore[arg-type]
    return [
        (attribute, name, None if attribute in optional else blanks.get(hints[attribute], ()))
        for attribute, name in cls.names
    ]
