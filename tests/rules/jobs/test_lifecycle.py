from proofgrid.rules.jobs.lifecycle import (
    JOB_TRANSITIONS,
    LEASE_HELD,
    LEASE_TRANSITIONS,
    TASK_ENDED,
    TASK_TRANSITIONS,
    JobEvent,
    JobState,
    LeaseEvent,
    LeaseState,
    TaskEvent,
    TaskState,
    event_of_lost_lease,
    job_sources,
    lease_sources,
    task_sources,
)


def test_an_ended_task_stays_as_it_is() -> None:
    assert not [state for (state, _) in TASK_TRANSITIONS if state in TASK_ENDED]


def test_every_task_state_but_the_first_is_reached() -> None:
    assert set(TASK_TRANSITIONS.values()) == set(TaskState) - {TaskState.OPEN}


def test_a_proven_failed_or_cancelled_job_stays_as_it_is() -> None:
    ended = {JobState.PROVEN, JobState.FAILED, JobState.CANCELLED}
    assert not [state for (state, _) in JOB_TRANSITIONS if state in ended]


def test_every_job_state_but_the_first_is_reached() -> None:
    assert set(JOB_TRANSITIONS.values()) == set(JobState) - {JobState.WAITING}


def test_only_a_leased_job_can_be_proven() -> None:
    assert job_sources(JobEvent.PROOF_ACCEPTED) == ["leased"]


def test_only_a_lease_that_its_prover_was_told_of_can_be_paid() -> None:
    settled = {(state, on) for (state, on), target in LEASE_TRANSITIONS.items() if target is LeaseState.SETTLED}
    late = {(LeaseState.EXPIRED, LeaseEvent.SETTLED_LATE), (LeaseState.FAILED, LeaseEvent.SETTLED_LATE)}
    sources = {state for state, _ in settled - late}
    assert sources == {LeaseState.OFFERED, LeaseState.RUNNING, LeaseState.REPORTED}


def test_every_held_lease_can_be_taken_back_in_three_ways() -> None:
    for ending in (LeaseState.EXPIRED, LeaseState.FAILED, LeaseState.STOPPED):
        sources = {state for (state, _), target in LEASE_TRANSITIONS.items() if target is ending}
        assert sources == set(LEASE_HELD)


def test_a_lease_that_ended_stays_as_it_is_but_for_a_proof_that_comes_late() -> None:
    after_the_end = {on for (state, on) in LEASE_TRANSITIONS if state not in LEASE_HELD}
    assert after_the_end == {LeaseEvent.SETTLED_LATE}


def test_every_event_has_a_state_to_start_from() -> None:
    assert all(task_sources(event) for event in TaskEvent)
    assert all(job_sources(event) for event in JobEvent)
    assert all(lease_sources(event) for event in {event for (_, event) in LEASE_TRANSITIONS})


def test_a_lost_lease_takes_its_job_along_only_when_no_other_is_held() -> None:
    assert JOB_TRANSITIONS[JobState.LEASED, event_of_lost_lease(another_is_held=False)] is JobState.READY
    assert JOB_TRANSITIONS[JobState.LEASED, event_of_lost_lease(another_is_held=True)] is JobState.LEASED


def test_only_a_leased_job_is_hedged() -> None:
    assert job_sources(JobEvent.HEDGED) == ["leased"]
