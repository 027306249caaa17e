"""The classes of jobs and provers: what hardware a job needs, decided from its memory and units alone."""

from __future__ import annotations

from enum import StrEnum

from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.ids import Lane

GIB = 1 << 30


class JobClass(StrEnum):
    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"


#: class -> (most memory in bytes, most units) of one job; a job belongs to the first class that holds it
CLASS_LIMITS: dict[JobClass, tuple[int, int]] = {
    JobClass.SMALL: (2 * GIB, 60_000),
    JobClass.MEDIUM: (16 * GIB, 600_000),
    JobClass.LARGE: (1 << 62, 1 << 62),
}


def class_of(*, memory_bytes: int, units: int) -> JobClass:
    """Return the class of a job with this peak memory and this many PU."""
    for job_class, (memory_max, units_max) in CLASS_LIMITS.items():
        if memory_bytes <= memory_max and units <= units_max:
            return job_class
    raise InvalidField("no class holds a job of this size", field="memory_bytes")


def lane_of(*, subnetwork: str, proof_system: str, job_class: JobClass) -> Lane:
    """Return the name of the market in which such jobs are sold."""
    return Lane(f"{subnetwork}/{proof_system}/{job_class}")


def parse_class(text: str, *, field: str = "classes") -> JobClass:
    """Return the class named `text`; raise InvalidField when there is none."""
    try:
        return JobClass(text)
    except ValueError:
        raise InvalidField(f"no class {text!r}", field=field, hint="classes are small, medium, large") from None
