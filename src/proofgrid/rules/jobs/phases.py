"""The timers of a lease: every phase has its own end, life and progress move it, the hard limit bounds it.

    granted, offered          running                               reported
    |---- pick-up ----|------ prove ------>|....progress.....>|------ report ------|
                      first word           |                  result               verdict
    |------------------------------- hard limit ------------->|

`expires_ms` is the row's alarm: the end of the phase, or sooner when the prover falls silent. Ends of phases come out
of the estimate (units, memory) and the speed at which this prover delivers proofs of this kind (speed.py). Progress is
only a word: however much of it there is, proving takes no longer than `extend_permille` of what it gets at its start.
While the gateway is late, all clocks of what waits for it stand still (`after_lateness`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from proofgrid.primitives.errors import InvalidField
from proofgrid.rules.jobs.lifecycle import LeaseState
from proofgrid.rules.jobs.retry import ReturnReason
from proofgrid.rules.jobs.speed import WHOLE_PERMILLE, Speed, expected_ms

GIB = 1 << 30


class Phase(StrEnum):
    PICK_UP = "pick_up"
    PROVE = "prove"
    REPORT = "report"


PHASE_OF: dict[LeaseState, Phase] = {
    LeaseState.GRANTED: Phase.PICK_UP,
    LeaseState.OFFERED: Phase.PICK_UP,
    LeaseState.RUNNING: Phase.PROVE,
    LeaseState.REPORTED: Phase.REPORT,
}


class Overrun(StrEnum):
    """Why a lease may not go on."""

    NOT_TOLD = "not_told"
    NOT_PICKED_UP = "not_picked_up"
    SILENT = "silent"
    NO_PROGRESS = "no_progress"
    TOO_SLOW = "too_slow"
    HARD_LIMIT = "hard_limit"
    NOT_JUDGED = "not_judged"


#: overrun -> (what it means for the next try, what clients are told)
OVERRUNS: dict[Overrun, tuple[ReturnReason, str]] = {
    Overrun.NOT_TOLD: (ReturnReason.NOT_PICKED_UP, "the prover could not be told"),
    Overrun.NOT_PICKED_UP: (ReturnReason.NOT_STARTED, "the prover was told, was heard since, and did not start"),
    Overrun.SILENT: (ReturnReason.PROVER_LOST, "no heartbeat"),
    Overrun.NO_PROGRESS: (ReturnReason.TIMED_OUT, "no progress in the time that this prover needs for such a job"),
    Overrun.TOO_SLOW: (ReturnReason.TIMED_OUT, "progress stopped short of the end"),
    Overrun.HARD_LIMIT: (ReturnReason.TIMED_OUT, "the job took too long"),
    Overrun.NOT_JUDGED: (ReturnReason.STORE_FAULT, "the result was not judged in time"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PhasePolicy:
    """How long phases may take. All in milliseconds, but for speeds (PU/s) and shares (1/1000)."""

    pick_up_ms: int = 5_000  #: to be told, and again to start
    silent_ms: int = 6_000  #: without a heartbeat
    start_ms: int = 15_000  #: to fetch files and derive keys
    start_ms_per_gib: int = 2_000  #: more of it for jobs with much memory
    slack_permille: int = 3_000  #: of the expected time
    extend_permille: int = 3_000  #: of what proving gets at its start: the most that progress makes of it
    least_units_per_second: int = 50  #: what every prover is expected to do
    hard_ms: int = 60_000  #: every job may take this long, and its units at the least speed on top
    report_ms: int = 150_000  #: for the gateway to verify and store

    def __post_init__(self) -> None:
        if min(self.pick_up_ms, self.silent_ms, self.report_ms, self.hard_ms, self.least_units_per_second) < 1:
            raise InvalidField("every phase has time, and every prover some speed", field="phases")
        if self.extend_permille < WHOLE_PERMILLE:
            raise InvalidField("progress takes nothing away from the time at the start", field="phases")


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseTimes:
    """The part of a lease's row that its timers read and write."""

    state: LeaseState
    expires_ms: int  #: look at it then
    phase_until_ms: int  #: end of the present phase, whatever the heartbeats say
    until_ms: int  #: hard limit of pick-up and prove, whatever the progress says
    prove_ms: int  #: what the prove phase gets when it begins
    started_ms: int = 0  #: first word of the prover; 0: none yet
    permille: int = 0  #: the most that the prover said it has done


def hard_limit_ms(units: int, policy: PhasePolicy) -> int:
    """Return the longest that anybody may prove a job of this size."""
    return policy.hard_ms + -(-units * 1_000 // policy.least_units_per_second)


def prove_limit_ms(units: int, memory_bytes: int, speed: Speed, policy: PhasePolicy) -> int:
    """Return how long this prover gets before its first progress; the hard limit while its speed is not known."""
    hard_ms = hard_limit_ms(units, policy)
    if not speed.is_measured:
        return hard_ms
    usual_ms = expected_ms(units, speed, least_units_per_second=policy.least_units_per_second)
    start_ms = policy.start_ms + policy.start_ms_per_gib * memory_bytes // GIB
    return min(hard_ms, start_ms + usual_ms * policy.slack_permille // WHOLE_PERMILLE)


# --- what moves the timers -----------------------------------------------------------------------


def after_grant(*, units: int, memory_bytes: int, speed: Speed, policy: PhasePolicy, now_ms: int) -> LeaseTimes:
    """Return the timers of a lease that was just sold."""
    told_by_ms = now_ms + policy.pick_up_ms
    return LeaseTimes(
        state=LeaseState.GRANTED,
        expires_ms=told_by_ms,
        phase_until_ms=told_by_ms,
        until_ms=told_by_ms + policy.pick_up_ms + hard_limit_ms(units, policy),
        prove_ms=prove_limit_ms(units, memory_bytes, speed, policy),
    )


def after_offer(lease: LeaseTimes, *, policy: PhasePolicy, now_ms: int) -> LeaseTimes:
    """Return the timers after the prover was told, which happens once."""
    if lease.state is not LeaseState.GRANTED:
        return lease
    return _alive(replace(lease, state=LeaseState.OFFERED, phase_until_ms=now_ms + policy.pick_up_ms), policy, now_ms)


def after_heartbeat(lease: LeaseTimes, *, policy: PhasePolicy, now_ms: int) -> LeaseTimes:
    """Return the timers after a heartbeat that names the lease: it lives on, but no phase gets longer.

    What has three quarters of its time left is not written again.
    """
    enough_ms = min(now_ms + policy.silent_ms * 3 // 4, lease.phase_until_ms, lease.until_ms)
    return lease if lease.expires_ms >= enough_ms else _alive(lease, policy, now_ms)


def after_progress(lease: LeaseTimes, permille: int, *, policy: PhasePolicy, now_ms: int) -> LeaseTimes:
    """Return the timers after a word of progress; the first one ends the pick-up, real progress extends the proving."""
    if lease.state is LeaseState.OFFERED:
        until_ms = min(lease.until_ms, now_ms + lease.prove_ms * policy.extend_permille // WHOLE_PERMILLE)
        started = min(until_ms, now_ms + lease.prove_ms)
        lease = replace(lease, state=LeaseState.RUNNING, started_ms=now_ms, phase_until_ms=started, until_ms=until_ms)
    permille = min(permille, WHOLE_PERMILLE)
    if lease.state is LeaseState.RUNNING and permille > lease.permille:
        rest_ms = remaining_ms(lease.started_ms, permille, now_ms=now_ms) * policy.slack_permille // WHOLE_PERMILLE
        extended = min(lease.until_ms, now_ms + policy.start_ms + rest_ms)
        lease = replace(lease, permille=permille, phase_until_ms=max(lease.phase_until_ms, extended))
    return _alive(lease, policy, now_ms)


def after_report(lease: LeaseTimes, *, policy: PhasePolicy, now_ms: int) -> LeaseTimes:
    """Return the timers after a result: the prover's clock stops, the gateway's runs. Sent again: no more time."""
    if lease.state not in (LeaseState.OFFERED, LeaseState.RUNNING):
        return lease
    judged_by_ms = now_ms + policy.report_ms
    return replace(
        lease,
        state=LeaseState.REPORTED,
        expires_ms=judged_by_ms,
        phase_until_ms=judged_by_ms,
        until_ms=max(lease.until_ms, judged_by_ms),
    )


def after_cut(lease: LeaseTimes, *, grace_ms: int, now_ms: int) -> LeaseTimes:
    """Return the timers after the prover's stream broke: a short grace to come back. A report is judged anyway."""
    if lease.state is LeaseState.REPORTED:
        return lease
    return replace(lease, expires_ms=min(lease.expires_ms, now_ms + grace_ms))


def after_coming_back(lease: LeaseTimes, *, policy: PhasePolicy, now_ms: int) -> LeaseTimes:
    """Return the timers after the prover came back with a new session and names the lease, if it was told of it.

    Phases get no longer; what it was not told of yet can be told it for as long as when it was sold.
    """
    if lease.state is not LeaseState.GRANTED:
        return _alive(lease, policy, now_ms)
    told_by_ms = min(now_ms + policy.pick_up_ms, lease.until_ms)
    return replace(lease, expires_ms=told_by_ms, phase_until_ms=told_by_ms)


def after_lateness(lease: LeaseTimes, *, grace_ms: int, now_ms: int) -> LeaseTimes:
    """Return the timers of a lease that waits for a late gateway: its clock stood still, it has a grace from now on.

    What has three quarters of the grace left is not written again; a report has its own time.
    """
    until_ms = now_ms + grace_ms
    if PHASE_OF.get(lease.state) not in (Phase.PICK_UP, Phase.PROVE) or lease.expires_ms >= now_ms + grace_ms * 3 // 4:
        return lease
    return replace(
        lease,
        expires_ms=until_ms,
        phase_until_ms=max(lease.phase_until_ms, until_ms),
        until_ms=max(lease.until_ms, until_ms),
    )


# --- what the timers say -------------------------------------------------------------------------


def check_lease(lease: LeaseTimes, *, now_ms: int) -> Overrun | None:
    """Return why the lease may not go on at `now_ms`, or None while it holds."""
    if now_ms < lease.expires_ms or lease.state not in PHASE_OF:
        return None
    match lease.state:
        case LeaseState.GRANTED:
            return Overrun.NOT_TOLD
        case LeaseState.REPORTED:
            return Overrun.NOT_JUDGED
        case _ if now_ms >= lease.until_ms:
            return Overrun.HARD_LIMIT
        case _ if now_ms < lease.phase_until_ms:
            return Overrun.SILENT
        case LeaseState.OFFERED:
            return Overrun.NOT_PICKED_UP
        case _:
            return Overrun.TOO_SLOW if lease.permille else Overrun.NO_PROGRESS


def remaining_ms(started_ms: int, permille: int, *, now_ms: int) -> int:
    """Return how long the rest takes at the pace so far; `permille` is at least 1."""
    return max(0, now_ms - started_ms) * (WHOLE_PERMILLE - permille) // permille


def _alive(lease: LeaseTimes, policy: PhasePolicy, now_ms: int) -> LeaseTimes:
    if lease.state not in (LeaseState.OFFERED, LeaseState.RUNNING):
        return lease  # nobody waits for the prover's word
    return replace(lease, expires_ms=min(now_ms + policy.silent_ms, lease.phase_until_ms, lease.until_ms))
