"""Why jobs wait, as far as rows tell: the jobs, their lanes, what keeps provers busy, and what tasks were told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from proofgrid.primitives.ids import JobId, Lane, ProverId, TaskId
from proofgrid.rules.jobs.lifecycle import JobState
from proofgrid.store.queries import query


@dataclass(frozen=True, slots=True)
class WaitingJob:
    """A job that nobody proves; times are ms since the epoch."""

    job_id: JobId
    state: JobState
    lane: Lane
    units: int
    memory_bytes: int
    limit_price: int  #: base units per PU
    not_before_ms: int
    excluded: Mapping[str, int] | None  #: prover or operator -> until when; None: nobody is
    now_ms: int


@dataclass(frozen=True, slots=True)
class LanePrices:
    """What a lane's record says last, per PU."""

    reference: int | None  #: None: neither it nor its subnetwork has one
    anchor: int | None  #: the wide lane's reference, where bids have constraints
    price: int | None  #: None: no round in the last minute


@dataclass(frozen=True, slots=True)
class RunningLease:
    """A lease that keeps a slot busy."""

    prover_id: ProverId
    units: int
    started_ms: int  #: 0: not yet
    permille: int


@dataclass(frozen=True, slots=True)
class LastTold:
    """What a task was told last of one lane."""

    task_id: TaskId
    lane: Lane
    number: int  #: of times that it was told something
    nobody: bool  #: that nobody serves it; else that its price is too low
    sold_since: bool  #: something of it was sold there afterwards


WAITING_JOBS = query("waiting_jobs", WaitingJob)
LANE_NOW = query("lane_now", LanePrices)
RUNNING_LEASES = query("running_leases", RunningLease)
LAST_TOLD = query("last_told", LastTold)
