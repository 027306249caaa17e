"""Slow leases, second leases, and which of two gave up or was overtaken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from proofgrid.primitives.ids import Address, JobId, Lane, LeaseId, ProverId, TaskId
from proofgrid.rules.jobs.lifecycle import LeaseKind, LeaseState
from proofgrid.store.queries import query


@dataclass(frozen=True, slots=True)
class LaneTimes:
    """How long the latest leases of a lane took, newest first."""

    lane: Lane
    us_per_unit: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SlowLease:
    """A running lease that may be slow, with its job and task; prices in base units per PU."""

    lease_id: LeaseId
    task_id: TaskId
    job_id: JobId
    prover_id: ProverId
    operator: Address
    kind: LeaseKind
    state: LeaseState
    lane: Lane
    buy_price: int
    sell_price: int
    started_ms: int
    permille: int
    units: int
    memory_bytes: int
    excluded: Mapping[str, int]  #: provers and operators -> until when they get no lease of the job
    slice: int
    input: int
    hedges: int  #: second leases that the job had
    slow_ms: int | None  #: when its client was told
    deadline_ms: int
    limit_price: int
    hedging: bool  #: does its client want second leases?
    now_ms: int
    alone: bool  #: no second lease is held or wished for


@dataclass(frozen=True, slots=True)
class LanePressure:
    """What stands against a second lease in a lane."""

    jobs_ready: int
    leases_held: int
    hedges_open: int


@dataclass(frozen=True, slots=True)
class StoppedRival:
    """A lease that another one of the same job overtook, with what is needed to pay it; prices per PU."""

    lease_id: LeaseId
    job_id: JobId
    task_id: TaskId
    prover_id: ProverId
    operator: Address
    kind: LeaseKind
    lane: Lane
    round: int
    units: int
    sell_price: int
    fee_permille: int
    permille: int
    reported_ms: int
    ran_ms: int
    winner_buy_price: int
    slice: int
    input: int
    limit_price: int
    speed_units: int
    speed_wall_ms: int
    speed_samples: int


LANE_TIMES = query("lane_times", LaneTimes)
SLOW_LEASES = query("slow_leases", SlowLease)
LANE_PRESSURE = query("lane_pressure", LanePressure)
WISH_HEDGES = query("wish_hedges", None)
CARRY_ON = query("carry_on", None)
LOCK_RIVALS = query("lock_rivals", LeaseId)
STOP_RIVALS = query("stop_rivals", StoppedRival)
