"""How long a child may prove on: several jobs of one program, within bounds; what it keeps is memory, never a file.

isolation     who shares a process
program       jobs of one program, whoever asked for them; a job of another program never gets that child
job           nobody: every job has a process of its own, which ends with it
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from proofgrid.primitives.errors import InvalidField

SLACK_BYTES = 512 << 20  #: what Python and the engine take before they begin; every job's limit has it on top


class Isolation(StrEnum):
    """What a child process may be shared by."""

    PROGRAM = "program"
    JOB = "job"


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmBounds:
    """When a child is renewed, and how much those may hold that wait for another job of their program."""

    jobs_max: int = 100
    seconds_max: int = 900  #: since it was started; a job that runs is not disturbed
    bytes_max: int = 1 << 30  #: resident, of all that wait together


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """What a child says of itself when its job is over."""

    stays: bool = False  #: it waits for another order, and nothing that it started runs on
    resident_bytes: int = 0
    data_bytes: int = 0  #: what counts against the next job's memory limit before it has begun


def read_isolation(text: str) -> Isolation:
    """Return the level of that name; raise InvalidField for another."""
    try:
        return Isolation(text)
    except ValueError:
        raise InvalidField(
            "program or job", field="isolation", hint="job: every job has a process of its own"
        ) from None


def may_go_on(rest: Rest, *, jobs: int, age_seconds: float, bounds: WarmBounds) -> bool:
    """Return whether a child that has proven so many jobs may take another one.

    Its next job has all that it may take, for what the child has kept is no more than the slack.
    """
    return (
        rest.stays
        and jobs < bounds.jobs_max
        and age_seconds < bounds.seconds_max
        and rest.resident_bytes <= bounds.bytes_max
        and rest.data_bytes <= SLACK_BYTES
    )


def count_to_end(resident_bytes: Sequence[int], bytes_max: int) -> int:
    """Return how many children have to go, of those that wait, the longest unused first, until the rest fits."""
    total = sum(resident_bytes)
    for count, size in enumerate(resident_bytes):
        if total <= bytes_max:
            return count
        total -= size
    return len(resident_bytes)
