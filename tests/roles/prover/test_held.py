"""What a prover keeps of the leases that it lost."""

from __future__ import annotations

from uuid import UUID

from proofgrid.primitives.digests import digest_of
from proofgrid.primitives.ids import JobId, LeaseId
from proofgrid.roles.prover.held import LATE_MAX, Held, Job
from proofgrid.rules.jobs.late import LATE_MS_MAX
from proofgrid.rules.jobs.offers import HeldLease, JobReport, LeaseOffer


def a_job(number: int, *, done: bool) -> Job:
    held = HeldLease(lease_id=LeaseId(UUID(int=number)), fence=number)
    lease = LeaseOffer(
        held=held,
        job_id=JobId(UUID(int=number)),
        program_digest=digest_of(b"p"),
        slice_index=0,
        input_digest=digest_of(b"i"),
        small_input=None,
        units=1,
        memory_bytes=1,
        price=1,
        timeout_ms=1,
    )
    report = JobReport(held=held, proof=b"x", proof_digest=None, public={}, wall_ms=1, memory_peak_bytes=0)
    return Job(lease, report=report if done else None)


def holding(*jobs: Job) -> Held:
    held = Held()
    for job in jobs:
        held.add(job)
    return held


def test_what_is_done_is_kept_when_its_lease_is_over_and_is_no_lease_in_hand_any_more() -> None:
    done, working = a_job(1, done=True), a_job(2, done=False)
    held = holding(done, working)
    for job in (done, working):
        assert held.take_back(job.lease.held.lease_id, now_seconds=5) is job
    assert held.snapshot() == ()
    assert held.reports == [done.report]
    assert held.take_back(done.lease.held.lease_id, now_seconds=6) is None  # told again
    assert held.reports == [done.report]


def test_what_was_answered_is_forgotten() -> None:
    done = a_job(1, done=True)
    held = holding(done)
    held.take_back(done.lease.held.lease_id, now_seconds=5)
    assert held.drop(done.lease.held.lease_id) is done
    assert held.drop(done.lease.held.lease_id) is None
    assert held.reports == []


def test_what_nobody_can_want_any_more_is_forgotten() -> None:
    done, later = a_job(1, done=True), a_job(2, done=True)
    held = holding(done, later)
    held.take_back(done.lease.held.lease_id, now_seconds=0)
    held.take_back(later.lease.held.lease_id, now_seconds=100)
    held.forget_old(now_seconds=LATE_MS_MAX / 1_000)
    assert held.reports == [later.report]


def test_no_more_is_kept_than_fits() -> None:
    jobs = [a_job(number, done=True) for number in range(LATE_MAX + 10)]
    held = holding(*jobs)
    for job in jobs:
        held.take_back(job.lease.held.lease_id, now_seconds=0)
    assert held.reports == [job.report for job in jobs[10:]]
