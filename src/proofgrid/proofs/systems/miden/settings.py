"""What a program's settings may say, and what a trace of so many rows costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import InvalidField

STEPS_MAX = 64
CYCLES_LEAST, CYCLES_MAX = 64, 1 << 20

#: How much longer a reference core proves with a hash function than with Blake3, in 1/1000.
HASHES = {"blake3": 1_000, "poseidon2": 2_100}

_UNITS_LEAST, _ROWS_PER_THOUSAND_UNITS = 40, 6_000
_MEMORY_LEAST_BYTES, _MEMORY_PER_ROW = 192 << 20, 12 << 10

HELP = {
    "steps": f"how often the program is applied, each time to the stack that the time before left: 1 to {STEPS_MAX}",
    "cycles_max": "what a step may take, rounded up to a power of two: rows of the whole trace, where hashes and memory"
    f" count too; {CYCLES_LEAST} to {CYCLES_MAX}",
    "hash": "the hash function of proofs: blake3, or poseidon2 for programs that verify proofs",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of a program."""

    steps: int = 1
    cycles_max: int = 1 << 16
    hash: str = "blake3"

    @property
    def rows_max(self) -> int:
        """Rows of trace that a step may have."""
        return 1 << (self.cycles_max - 1).bit_length()

    def units(self, rows: int) -> int:
        """Return the PU of a job of so many rows."""
        return _UNITS_LEAST + rows * HASHES[self.hash] // _ROWS_PER_THOUSAND_UNITS

    def to_json(self) -> dict[str, Json]:
        """Return them as a program's identity has them."""
        return asdict(self)


def memory_bytes(rows: int) -> int:
    """Return the peak memory of proving a trace of so many rows."""
    return _MEMORY_LEAST_BYTES + rows * _MEMORY_PER_ROW


def read_settings(value: Mapping[str, Json]) -> Settings:
    """Return the settings that a client named; raise InvalidField naming the one that is wrong."""
    if unknown := [name for name in value if name not in HELP]:
        raise InvalidField(f"a program takes {', '.join(HELP)}", field=f"settings.{unknown[0][:40]}")
    given = Settings()
    steps, cycles_max, chosen = (value.get(name, kept) for name, kept in given.to_json().items())
    if type(steps) is not int or not 1 <= steps <= STEPS_MAX:
        raise InvalidField(f"an integer from 1 to {STEPS_MAX}", field="settings.steps")
    if type(cycles_max) is not int or not CYCLES_LEAST <= cycles_max <= CYCLES_MAX:
        raise InvalidField(f"an integer from {CYCLES_LEAST} to {CYCLES_MAX}", field="settings.cycles_max")
    if not isinstance(chosen, str) or chosen not in HASHES:
        raise InvalidField(f"one of {', '.join(HASHES)}", field="settings.hash")
    return Settings(steps=steps, cycles_max=cycles_max, hash=chosen)
