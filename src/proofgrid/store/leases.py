"""Leases on their way from the market to a result, or back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from proofgrid.primitives.digests import Digest
from proofgrid.primitives.ids import Address, JobId, Lane, LeaseId, ProverId, SessionId, TaskId
from proofgrid.rules.jobs.lifecycle import LeaseState
from proofgrid.store.queries import query

JsonRow = Mapping[str, Any]  #: a JSON object that a query makes


@dataclass(frozen=True, slots=True)
class OfferedLease:
    """A lease as it is offered to its prover."""

    lease_id: LeaseId
    fence: int
    session_id: SessionId
    task_id: TaskId
    job_id: JobId
    units: int
    sell_price: int  #: base units per PU
    run_ms: int  #: until its limit
    untold_ms: int  #: since it was sold
    slice: int
    input_digest: Digest
    small_input: bytes | None
    memory_bytes: int
    program_digest: Digest
    parts: Sequence[JsonRow] | None  #: of a wrap: what it takes; None: it is none
    seal: JsonRow | None  #: what opens its input; None: it is not sealed


@dataclass(frozen=True, slots=True)
class LeaseAtHand:
    """A lease and what it is measured by when it ends."""

    lease_id: LeaseId
    task_id: TaskId
    fence: int
    operator: Address
    prover_id: ProverId
    lane: Lane
    units: int
    ran_ms: int
    client: Address
    limit_price: int  #: of its task, base units per PU


@dataclass(frozen=True, slots=True)
class ExcusedJob:
    """What the prover of a lease had to fetch, and what happened since it was sold."""

    program_digest: Digest
    slice: int
    input_digest: Digest
    small_input: bytes | None
    age_ms: int
    proof_digests: tuple[Digest, ...]  #: of the proofs that it takes, where they are artifacts
    wraps: bool  #: does it take proofs?
    is_sealed: bool
    gateway_failed: bool


@dataclass(frozen=True, slots=True)
class TriesOfJob:
    """How often leases of a job ended for a reason, by operator."""

    operator: Address
    reason: str
    times: int


@dataclass(frozen=True, slots=True)
class LockedLease:
    """A lease's timers under its row lock."""

    prover_id: ProverId
    state: LeaseState
    expires_ms: int
    phase_until_ms: int
    until_ms: int
    prove_ms: int
    started_ms: int
    permille: int
    reason: str


@dataclass(frozen=True, slots=True)
class HeardLease:
    """A lease's timers under its row lock, and the place of its job."""

    lease_id: LeaseId
    task_id: TaskId
    prover_id: ProverId
    state: LeaseState
    expires_ms: int
    phase_until_ms: int
    until_ms: int
    prove_ms: int
    started_ms: int
    permille: int
    slice: int
    input: int
    now_ms: int


@dataclass(frozen=True, slots=True)
class ExpiredLease:
    """A lease whose time is over."""

    lease_id: LeaseId
    task_id: TaskId


@dataclass(frozen=True, slots=True)
class LeasedJob:
    """A job while it is leased."""

    job_id: JobId
    task_id: TaskId
    slice: int
    input: int
    attempts: int  #: that count against it
    returns: int
    excluded: Mapping[str, int]  #: provers and operators -> until when they get no lease of it
    last_word: str  #: the operator that decides whether it can be proven; empty: nobody was drawn
    waits_for_last_word: bool
    rival_id: LeaseId | None  #: another lease that is held for it
    sealed_for: Sequence[str]  #: provers that can open its input; empty: it is not sealed


OFFER_LEASES = query("offer_leases", OfferedLease)
LEASES_OF_OPERATOR = query("leases_of_operator", LeaseId)
GET_LEASE = query("get_lease", LeaseAtHand)
HOLD_LEASE = query("hold_lease", LeaseId)
EXCUSED_JOB = query("excused_job", ExcusedJob)
TRIES_OF_JOB = query("tries_of_job", TriesOfJob)
WAS_HEARD = query("was_heard", bool)
LOCK_LEASE = query("lock_lease", LockedLease)
TASKS_OF_LEASES = query("tasks_of_leases", TaskId)
LEASES_OF_PROGRESS = query("leases_of_progress", HeardLease)
NOTE_PROGRESS = query("note_progress", None)
END_LEASE = query("end_lease", LeaseId)
REFUSE_LATE = query("refuse_late", LeaseId)
BAR_FROM_JOB = query("bar_from_job", None)
EXPIRED_LEASES = query("expired_leases", ExpiredLease)
NEXT_EXPIRY = query("next_expiry", int, optional=True)
JOB_OF_LEASE = query("job_of_lease", LeasedJob)
ASK_LAST_WORD = query("ask_last_word", None)
RETURN_JOB = query("return_job", Lane)
TELL_SESSION_TO_STOP = query("tell_session_to_stop", None)
CLOSE_SESSIONS_WITHOUT_STREAM = query("close_sessions_without_stream", None)
STOP_CLOCKS = query("stop_clocks", None)
