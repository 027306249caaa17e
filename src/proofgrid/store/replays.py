"""Tasks that are replays of others, as they are written down."""

from __future__ import annotations

from dataclasses import dataclass

from proofgrid.primitives.digests import Digest
from proofgrid.primitives.ids import Address, Lane, TaskId
from proofgrid.rules.jobs.lifecycle import TaskState
from proofgrid.store.queries import query


@dataclass(frozen=True, slots=True)
class WantedReplay:
    """A task that somebody wants made anew."""

    client: Address
    state: TaskState
    program_digest: Digest
    subnetwork: str
    units: int
    is_promised: bool  #: redeemed with a firm quote
    is_sealed: bool


@dataclass(frozen=True, slots=True)
class LaneOfReplay:
    """One of its jobs, and the lane that it was in."""

    lane: Lane
    units: int
    memory_bytes: int


@dataclass(frozen=True, slots=True)
class Replay:
    """A task that was made of another one."""

    client: Address
    program_digest: Digest
    limit_price: int
    units: int
    escrow: int


@dataclass(frozen=True, slots=True)
class ReplayedJob:
    """One of its jobs."""

    slice: int
    input: int
    units: int
    lane: Lane


PRICE_OF_REPLAY = query("price_of_replay", WantedReplay)
LANES_OF_REPLAY = query("lanes_of_replay", LaneOfReplay)
REPLAY_OF_TASK = query("replay_of_task", TaskId)
KEEP_INPUTS = query("keep_inputs", bool)
REPLAY_TASK = query("replay_task", Replay)
REPLAY_JOBS = query("replay_jobs", ReplayedJob)
TAG_REPLAY = query("tag_replay", None)
