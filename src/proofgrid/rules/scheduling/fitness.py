"""Which provers can have a job, whatever it pays: one answer for rounds, quotes, second leases and, by test, for SQL.

A prover cannot have a job

* that it, or its operator, is barred from: it failed it a moment ago, or its other lease is the slow one;
* that does not fit into its memory beside its other jobs;
* that is smaller than the least for which it takes the trouble;
* for which it needs longer than the horizon, at its measured speed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from proofgrid.primitives.money import UNITS_MAX
from proofgrid.rules.jobs.speed import Speed

HORIZON_MS = 900_000  #: where a network says nothing else
NOBODY: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProverRoom:
    """What a prover has left for one more job."""

    prover_id: str
    operator: str
    memory_bytes: int  #: that its jobs leave
    units_min: int  #: of a job; smaller ones are not worth the trouble
    slot_units_max: int | None  #: that a slot proves within the horizon; None: its speed is not measured

    @property
    def units_max(self) -> int:
        """The units of the largest job that it can have."""
        return UNITS_MAX if self.slot_units_max is None else self.slot_units_max

    def can_hold(self, *, units: int, memory_bytes: int) -> bool:
        """Can it prove a job of this size beside its other jobs, and in time?"""
        return memory_bytes <= self.memory_bytes and self.units_min <= units <= self.units_max

    def can_have(self, *, units: int, memory_bytes: int, barred: AbstractSet[str]) -> bool:
        """Can it hold the job, and is neither it nor its operator `barred`?"""
        if self.prover_id in barred or self.operator in barred:
            return False
        return self.can_hold(units=units, memory_bytes=memory_bytes)


class Fitness:
    """Some provers with room; who of them cannot have which job. Most jobs fit all, and are told so at once."""

    def __init__(self, rooms: Iterable[ProverRoom]) -> None:
        self.rooms: Mapping[str, ProverRoom] = {room.prover_id: room for room in rooms}
        everybody = self.rooms.values()
        #: what every one of them can hold
        self.all_bytes = min((room.memory_bytes for room in everybody), default=0)
        self.all_units_min = max((room.units_min for room in everybody), default=0)
        self.all_units_max = min((room.units_max for room in everybody), default=UNITS_MAX)

    def unfit(self, *, units: int, memory_bytes: int, barred: AbstractSet[str] = NOBODY) -> frozenset[str]:
        """Return the ids of the provers that cannot have a job; `barred`: provers and operators that must not."""
        if not barred and memory_bytes <= self.all_bytes and self.all_units_min <= units <= self.all_units_max:
            return NOBODY
        return frozenset(
            prover_id
            for prover_id, room in self.rooms.items()
            if not room.can_have(units=units, memory_bytes=memory_bytes, barred=barred)
        )

    def fits_somebody(self, *, units: int, memory_bytes: int, barred: AbstractSet[str] = NOBODY) -> bool:
        """Is there anybody who can have the job?"""
        return len(self.unfit(units=units, memory_bytes=memory_bytes, barred=barred)) < len(self.rooms)

    def most_room(self) -> list[ProverRoom]:
        """Return provers of which one or another can hold whatever any of all can; few where all are alike."""
        found: list[ProverRoom] = []
        # Who has more memory comes first, so only those before it can hold all that a prover can.
        for room in sorted(self.rooms.values(), key=lambda room: (-room.memory_bytes, room.units_min, -room.units_max)):
            if not any(one.units_min <= room.units_min and room.units_max <= one.units_max for one in found):
                found.append(room)
        return found


def slot_units_max(speed: Speed, *, horizon_ms: int) -> int | None:
    """Return the most units that one slot proves within the horizon; None while the speed is not measured."""
    if not speed.is_measured:
        return None
    return min(UNITS_MAX, max(1, speed.units_per_second_milli * horizon_ms // 1_000_000))


def barred_now(excluded: Mapping[str, int] | None, *, now_ms: int) -> frozenset[str]:
    """Return whom a job's exclusions, provers and operators with the time until which each holds, still bar."""
    if not excluded:
        return NOBODY
    return frozenset(name for name, until_ms in excluded.items() if until_ms > now_ms)
