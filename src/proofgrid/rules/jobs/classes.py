"""The classes of jobs and provers: what hardware a job needs, decided from its memory and units alone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache

from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.ids import Engine, Lane, Stack

GIB = 1 << 30


class JobClass(StrEnum):
    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"


ClassLimits = Mapping[JobClass, tuple[int, int]]

#: class -> (most memory in bytes, most units) of one job; a job belongs to the first class that holds it
CLASS_LIMITS: ClassLimits = {
    JobClass.SMALL: (2 * GIB, 60_000),
    JobClass.MEDIUM: (16 * GIB, 600_000),
    JobClass.LARGE: (1 << 62, 1 << 62),
}

_SIZE = re.compile(r"(\d+)(KiB|MiB|GiB|)")
_SCALE = {"": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": GIB}
_LIMITS_HINT = "like small=2GiB:60000,medium=16GiB:600000; large holds the rest"


def class_of(*, memory_bytes: int, units: int, limits: ClassLimits = CLASS_LIMITS) -> JobClass:
    """Return the class of a job with this peak memory and this many PU."""
    for job_class, (memory_max, units_max) in limits.items():
        if memory_bytes <= memory_max and units <= units_max:
            return job_class
    raise InvalidField("no class holds a job of this size", field="memory_bytes")


def parse_class_limits(text: str) -> ClassLimits:
    """Return the limits that a text like `small=2GiB:60000,medium=16GiB:600000` names; an empty one: the defaults."""
    if not text.strip():
        return CLASS_LIMITS
    limits: dict[JobClass, tuple[int, int]] = {}
    for part in text.split(","):
        name, _, size = part.strip().partition("=")
        memory, _, units = size.partition(":")
        found = _SIZE.fullmatch(memory)
        if found is None or not units.isdecimal():
            raise InvalidField(f"{part.strip()!r} is no limit of a class", field="class_limits", hint=_LIMITS_HINT)
        limits[parse_class(name, field="class_limits")] = (int(found[1]) * _SCALE[found[2]], int(units))
    if list(limits) != [JobClass.SMALL, JobClass.MEDIUM]:
        raise InvalidField("the limits of small and medium, in this order", field="class_limits", hint=_LIMITS_HINT)
    if any(low > high for low, high in zip(*limits.values(), strict=True)):
        raise InvalidField("a medium job may be as large as a small one", field="class_limits", hint=_LIMITS_HINT)
    return limits | {JobClass.LARGE: CLASS_LIMITS[JobClass.LARGE]}


def lane_of(*, subnetwork: str, engine: Engine, job_class: JobClass, constraints: str = "") -> Lane:
    """Return the name of the market in which such jobs are sold; `constraints`: the short name of the bids' own."""
    wide = f"{subnetwork}/{engine}/{job_class}"
    return Lane(f"{wide}/{constraints}" if constraints else wide)


def stack_of(lane: str) -> Stack:
    """Return the stack that a lane belongs to: all lanes of its subnetwork and engine."""
    return Stack("/".join(lane.split("/")[:2]))


@lru_cache(maxsize=1_024)  # a round asks it of every prover in every lane
def class_of_lane(lane: str) -> JobClass:
    """Return the class of a lane's jobs."""
    return JobClass(lane.split("/")[2])


def wide_lane_of(lane: str) -> Lane:
    """Return the lane of the same class for bids without constraints."""
    return Lane("/".join(lane.split("/")[:3]))


def is_wide(lane: str) -> bool:
    """Is it the lane of its class for bids without constraints?"""
    return lane.count("/") == 2


def lane_order(lane: str) -> tuple[int, bool, str]:
    """Return a key that sorts the lanes of a stack: demanding classes first, in each the lanes with constraints."""
    return -list(JobClass).index(class_of_lane(lane)), is_wide(lane), lane


def parse_class(text: str, *, field: str = "classes") -> JobClass:
    """Return the class named `text`; raise InvalidField when there is none."""
    try:
        return JobClass(text)
    except ValueError:
        raise InvalidField(f"no class {text!r}", field=field, hint="classes are small, medium, large") from None
