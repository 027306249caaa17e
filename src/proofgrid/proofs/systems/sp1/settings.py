"""What a program's settings may say, and what so many cycles cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import InvalidField

CYCLES_MAX = 1 << 30

#: Of the child process that asks a service: the proof is made elsewhere.
MEMORY_BYTES = 512 << 20

_UNITS_LEAST, _CYCLES_PER_UNIT = 20_000, 8

HELP = {
    "cycles_max": f"the most cycles that a run may take, 1 to {CYCLES_MAX}; a job costs what so many take",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of a program."""

    cycles_max: int = 1 << 24

    def to_json(self) -> dict[str, Json]:
        """Return them as a program's identity has them."""
        return asdict(self)


def units(cycles: int) -> int:
    """Return the PU of a job of so many cycles."""
    return _UNITS_LEAST + cycles // _CYCLES_PER_UNIT


def read_settings(value: Mapping[str, Json]) -> Settings:
    """Return the settings that a client named; raise InvalidField naming the one that is wrong."""
    if unknown := [name for name in value if name not in HELP]:
        raise InvalidField(f"a program takes {', '.join(HELP)}", field=f"settings.{unknown[0][:40]}")
    cycles_max = value.get("cycles_max", Settings().cycles_max)
    if type(cycles_max) is not int or not 1 <= cycles_max <= CYCLES_MAX:
        raise InvalidField(f"an integer from 1 to {CYCLES_MAX}", field="settings.cycles_max")
    return Settings(cycles_max=cycles_max)
