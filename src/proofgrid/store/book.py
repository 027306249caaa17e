"""What waits in the lanes: tasks and jobs for sale, wishes for second leases, and when somebody has to look again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from proofgrid.primitives.digests import Digest
from proofgrid.primitives.ids import Address, JobId, Lane, TaskId
from proofgrid.rules.scheduling.fitness import Fitness
from proofgrid.store.queries import query


@dataclass(frozen=True, slots=True)
class TaskForSale:
    """A task that a round found, its row locked unless somebody else is changing it at this moment."""

    task_id: TaskId
    wished: Sequence[JobId] | None  #: its jobs that wish for a second lease
    program_digest: Digest
    limit_price: int
    client: Address
    is_free: bool  #: False: it was passed over, and nothing but its id is known


@dataclass(frozen=True, slots=True)
class CheapJob:
    """A job that nobody proves yet, and whose bid is below every ask. Its task's row is not locked."""

    task_id: TaskId
    limit_price: int
    units: int
    is_plain: bool  #: every free prover can have it
    program_digest: Digest
    client: Address


@dataclass(frozen=True, slots=True)
class JobForSale:
    """A job that nobody proves yet."""

    job_id: JobId
    task_id: TaskId
    units: int
    memory_bytes: int
    excluded: Mapping[str, int] | None  #: prover or operator -> until when, ms; None: nobody is
    slice: int
    input: int
    is_fresh: bool  #: it waits since its task came: it needed no other job, and never came back
    now_ms: int


@dataclass(frozen=True, slots=True)
class WishForSale:
    """A leased job that is slow and wishes for a second lease."""

    job_id: JobId
    task_id: TaskId
    units: int
    memory_bytes: int
    excluded: Mapping[str, int]
    slice: int
    input: int
    hedge_price: int  #: the most that it may cost, per PU
    hedge_operator: str  #: who may not get it
    now_ms: int


ForSale = JobForSale | WishForSale


@dataclass(frozen=True, slots=True)
class ClientInFlight:
    """How many jobs of a lane a client has in flight."""

    client: Address
    jobs: int


@dataclass(frozen=True, slots=True)
class UnservedTask:
    """A task that bids in a lane that nobody serves, its row locked."""

    lane: Lane
    task_id: TaskId
    limit_price: int


LOCK_TASKS_FOR_SALE = query("lock_tasks_for_sale", TaskForSale)
CHEAP_JOBS = query("cheap_jobs", CheapJob)
LOCK_TASKS_TO_TELL = query("lock_tasks_to_tell", TaskId)
LOCK_TASKS_OF_OTHERS = query("lock_tasks_of_others", TaskForSale)
TASKS_FOR_SALE = query("tasks_for_sale", TaskForSale)
LOCK_TASKS_UNSERVED = query("lock_tasks_unserved", UnservedTask)
CLIENTS_IN_FLIGHT = query("clients_in_flight", ClientInFlight)
JOBS_FOR_SALE = query("jobs_for_sale", JobForSale)
WISHES_FOR_SALE = query("wishes_for_sale", WishForSale)
WAITING_UNITS = query("waiting_units", int)
WAITING_LANES = query("waiting_lanes", Lane)
LANES_WITH_READY_JOBS = query("lanes_with_ready_jobs", Lane)
NEXT_PUT_OFF = query("next_put_off", int, optional=True)


def room_columns(fitness: Fitness) -> dict[str, object]:
    """Return what provers have room for as the parameters of queries of the book."""
    rooms = fitness.rooms.values()
    most = fitness.most_room()
    return {
        "provers": [room.prover_id for room in rooms],
        "room_bytes": [room.memory_bytes for room in rooms],
        "units_min": [room.units_min for room in rooms],
        "units_max": [room.units_max for room in rooms],
        "most_bytes": [room.memory_bytes for room in most],
        "most_units_min": [room.units_min for room in most],
        "most_units_max": [room.units_max for room in most],
    }


def room_of_all(fitness: Fitness) -> dict[str, object]:
    """Return what all of them have room for as further parameters of LOCK_TASKS_FOR_SALE and CHEAP_JOBS."""
    return {
        "all_bytes": fitness.all_bytes,
        "all_units_min": fitness.all_units_min,
        "all_units_max": fitness.all_units_max,
    }
