"""The life cycles of task, job and lease: each is one table, and the drawing below is that table.

    task    open --all_proven--> combining --combined--> done
              \\--gave_up----------/----> failed          (refunded)
               \\--cancelled------/-----> cancelled       (refunded)

    job     waiting --unblocked--> ready --sold--> leased --proof_accepted--> proven
                               |     ^---returned----/ ^-/ hedged: a second lease; carried_on: one of the two ended
                               `---late_proof_accepted--> proven
            any of the first three --gave_up--> failed, --cancelled--> cancelled

    lease   granted --offered--> offered --started--> running --reported--> reported --settled--> settled
                                    `--------------------`-----------settled----------------------^
            any of the first four --expired--> expired, --failed--> failed, --stopped--> stopped
            expired, failed --settled_late--> settled: its proof came late, while the job waited (late.py)

A leased job has one held lease of each kind at most: `first`, and `hedge` while it is hedged. Which ends without a
proof while the other is held, ends alone (`carried_on`); the last one takes the job with it (`returned`).

Queries take the states an event may start from out of these tables (`sources`), so SQL and table cannot disagree.
"""

from __future__ import annotations

from enum import StrEnum


class TaskState(StrEnum):
    OPEN = "open"
    COMBINING = "combining"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class TaskEvent(StrEnum):
    ALL_PROVEN = "all_proven"
    COMBINED = "combined"
    GAVE_UP = "gave_up"
    CANCELLED = "cancelled"


class JobState(StrEnum):
    WAITING = "waiting"
    READY = "ready"
    LEASED = "leased"
    PROVEN = "proven"
    FAILED = "failed"
    CANCELLED = "cancelled"


class JobEvent(StrEnum):
    UNBLOCKED = "unblocked"
    SOLD = "sold"
    HEDGED = "hedged"
    CARRIED_ON = "carried_on"
    RETURNED = "returned"
    PROOF_ACCEPTED = "proof_accepted"
    LATE_PROOF_ACCEPTED = "late_proof_accepted"
    GAVE_UP = "gave_up"
    CANCELLED = "cancelled"


class LeaseState(StrEnum):
    GRANTED = "granted"
    OFFERED = "offered"
    RUNNING = "running"
    REPORTED = "reported"
    SETTLED = "settled"
    EXPIRED = "expired"
    FAILED = "failed"
    STOPPED = "stopped"


class LeaseKind(StrEnum):
    FIRST = "first"
    HEDGE = "hedge"


class LeaseEvent(StrEnum):
    OFFERED = "offered"
    STARTED = "started"
    REPORTED = "reported"
    SETTLED = "settled"
    SETTLED_LATE = "settled_late"
    EXPIRED = "expired"
    FAILED = "failed"
    STOPPED = "stopped"


TASK_TRANSITIONS: dict[tuple[TaskState, TaskEvent], TaskState] = {
    (TaskState.OPEN, TaskEvent.ALL_PROVEN): TaskState.COMBINING,
    (TaskState.OPEN, TaskEvent.GAVE_UP): TaskState.FAILED,
    (TaskState.OPEN, TaskEvent.CANCELLED): TaskState.CANCELLED,
    (TaskState.COMBINING, TaskEvent.COMBINED): TaskState.DONE,
    (TaskState.COMBINING, TaskEvent.GAVE_UP): TaskState.FAILED,
    (TaskState.COMBINING, TaskEvent.CANCELLED): TaskState.CANCELLED,
}

JOB_TRANSITIONS: dict[tuple[JobState, JobEvent], JobState] = {
    (JobState.WAITING, JobEvent.UNBLOCKED): JobState.READY,
    (JobState.WAITING, JobEvent.GAVE_UP): JobState.FAILED,
    (JobState.WAITING, JobEvent.CANCELLED): JobState.CANCELLED,
    (JobState.READY, JobEvent.SOLD): JobState.LEASED,
    (JobState.READY, JobEvent.LATE_PROOF_ACCEPTED): JobState.PROVEN,
    (JobState.READY, JobEvent.GAVE_UP): JobState.FAILED,
    (JobState.READY, JobEvent.CANCELLED): JobState.CANCELLED,
    (JobState.LEASED, JobEvent.HEDGED): JobState.LEASED,
    (JobState.LEASED, JobEvent.CARRIED_ON): JobState.LEASED,
    (JobState.LEASED, JobEvent.RETURNED): JobState.READY,
    (JobState.LEASED, JobEvent.PROOF_ACCEPTED): JobState.PROVEN,
    (JobState.LEASED, JobEvent.GAVE_UP): JobState.FAILED,
    (JobState.LEASED, JobEvent.CANCELLED): JobState.CANCELLED,
}

_HELD = (LeaseState.GRANTED, LeaseState.OFFERED, LeaseState.RUNNING, LeaseState.REPORTED)

LEASE_TRANSITIONS: dict[tuple[LeaseState, LeaseEvent], LeaseState] = {
    (LeaseState.GRANTED, LeaseEvent.OFFERED): LeaseState.OFFERED,
    (LeaseState.OFFERED, LeaseEvent.OFFERED): LeaseState.OFFERED,  # told again after a reconnect
    (LeaseState.OFFERED, LeaseEvent.STARTED): LeaseState.RUNNING,
    # A fast prover's result may overtake the note that it has started.
    (LeaseState.OFFERED, LeaseEvent.REPORTED): LeaseState.REPORTED,
    (LeaseState.RUNNING, LeaseEvent.REPORTED): LeaseState.REPORTED,
    # A result that was not acknowledged is sent again, perhaps to another gateway.
    (LeaseState.REPORTED, LeaseEvent.REPORTED): LeaseState.REPORTED,
    (LeaseState.REPORTED, LeaseEvent.SETTLED): LeaseState.SETTLED,
    # What is verified in no time is settled at once.
    (LeaseState.RUNNING, LeaseEvent.SETTLED): LeaseState.SETTLED,
    (LeaseState.OFFERED, LeaseEvent.SETTLED): LeaseState.SETTLED,
    **{(state, LeaseEvent.SETTLED_LATE): LeaseState.SETTLED for state in (LeaseState.EXPIRED, LeaseState.FAILED)},
    **{(state, LeaseEvent.EXPIRED): LeaseState.EXPIRED for state in _HELD},
    **{(state, LeaseEvent.FAILED): LeaseState.FAILED for state in _HELD},
    **{(state, LeaseEvent.STOPPED): LeaseState.STOPPED for state in _HELD},
}

TASK_ENDED = (TaskState.DONE, TaskState.FAILED, TaskState.CANCELLED)
JOB_OPEN = (JobState.WAITING, JobState.READY, JobState.LEASED)
LEASE_HELD = _HELD


def task_sources(event: TaskEvent) -> list[str]:
    """Return the states in which `event` may happen to a task."""
    return [state.value for (state, on) in TASK_TRANSITIONS if on is event]


def event_of_lost_lease(*, another_is_held: bool) -> JobEvent:
    """Return what the end of a lease without a proof means for its job."""
    return JobEvent.CARRIED_ON if another_is_held else JobEvent.RETURNED


def job_sources(event: JobEvent) -> list[str]:
    """Return the states in which `event` may happen to a job."""
    return [state.value for (state, on) in JOB_TRANSITIONS if on is event]


def lease_sources(event: LeaseEvent) -> list[str]:
    """Return the states in which `event` may happen to a lease."""
    return [state.value for (state, on) in LEASE_TRANSITIONS if on is event]
