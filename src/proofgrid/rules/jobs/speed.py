"""How fast a prover is: verified units over the time of all its leases, so that time without a proof counts against it.

A prover's word is worth nothing, yet progress is only its word. So claims are believed as far as the prover delivers on
average: whoever takes leases, idles and claims progress has time without units, and soon shows nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from proofgrid.primitives.errors import InvalidField

SAMPLES_KEPT = 64  #: then both sums are halved: the last months count, a year ago does not
SAMPLES_TRUSTED = 3  #: before so many leases with a proof a prover is not measured
WHOLE_PERMILLE = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """What one prover did in one proof system and class; per lease, not per machine."""

    units: int = 0  #: verified
    wall_ms: int = 0  #: of all leases, with a proof or without, by the gateways' clock
    samples: int = 0  #: leases with a proof

    def __post_init__(self) -> None:
        if self.units < 0 or self.wall_ms < 0 or self.samples < 0:
            raise InvalidField("what was measured is not negative", field="speed")

    @property
    def is_measured(self) -> bool:
        """Are there enough proofs to believe it?"""
        return self.samples >= SAMPLES_TRUSTED and self.wall_ms > 0

    @property
    def units_per_second_milli(self) -> int:
        """Thousandths of PU per second; 0 while nothing was proven."""
        return self.units * 1_000_000 // self.wall_ms if self.wall_ms else 0


UNMEASURED = Speed()


def of_leases(leases: Iterable[tuple[int, int, int]]) -> Speed:
    """Return what leases add together, each given by its units, how long it ran in ms, and its proofs.

    Its units count when it ended with a verified proof (1, else 0), its time always.
    """
    units = wall_ms = samples = 0
    for its_units, ran_ms, proofs in leases:
        units += its_units * proofs
        wall_ms += max(1, ran_ms)  # a lease of no time at all would be infinitely fast
        samples += proofs
    return Speed(units=units, wall_ms=wall_ms, samples=samples)


def sum_of(first: Speed, second: Speed) -> Speed:
    """Return what two leases, or two groups of them, add together."""
    return Speed(
        units=first.units + second.units,
        wall_ms=first.wall_ms + second.wall_ms,
        samples=first.samples + second.samples,
    )


def add(speed: Speed, ended: Speed) -> Speed:
    """Return the speed after the leases that `ended` together: both sums are halved when they are made of too many.

    What is the first that is known of a prover is kept whole.
    """
    after = sum_of(speed, ended)
    if speed == UNMEASURED or after.samples <= SAMPLES_KEPT:
        return after
    return Speed(units=after.units // 2, wall_ms=after.wall_ms // 2, samples=after.samples // 2)


def expected_ms(units: int, speed: Speed, *, least_units_per_second: int) -> int:
    """Return how long `units` take at this speed, rounded up; at the least speed while it is not measured."""
    milli = least_units_per_second * 1_000
    if speed.is_measured:
        milli = max(milli, speed.units_per_second_milli)
    return -(-units * 1_000_000 // milli)


def shown_permille(claimed_permille: int, *, elapsed_ms: int, units: int, speed: Speed) -> int:
    """Return how much of a job a lease shows: its claim, as far as its prover could have come in this time."""
    if not speed.is_measured or units <= 0:
        return 0
    possible = speed.units * max(0, elapsed_ms) * WHOLE_PERMILLE // (speed.wall_ms * units)
    return max(0, min(claimed_permille, possible, WHOLE_PERMILLE))
