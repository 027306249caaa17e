"""The leases that a prover has in hand, and what it proved under leases that were taken back before an answer came."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, field

from proofgrid.primitives.ids import LeaseId
from proofgrid.rules.jobs.late import LATE_MS_MAX
from proofgrid.rules.jobs.offers import HeldLease, JobReport, LeaseOffer, StageReport

LATE_MAX = 256  #: results that are kept; each may hold a small proof


@dataclass(slots=True)
class Job:
    """A lease in hand, and what was said of it."""

    lease: LeaseOffer
    task: asyncio.Task[None] | None = None
    report: JobReport | None = None  #: done, not acknowledged yet
    said: StageReport | None = None  #: how far it is
    over_seconds: float = 0.0  #: when its lease was taken back, by the running clock


@dataclass(slots=True)
class Held:
    """The leases by id; the link's heartbeat thread reads them while the event loop writes."""

    jobs: dict[LeaseId, Job] = field(default_factory=dict)
    late: dict[LeaseId, Job] = field(default_factory=dict)  #: done, and taken back; oldest first
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def reports(self) -> list[JobReport]:
        """What nobody acknowledged yet, of leases in hand and of others."""
        return [job.report for job in (*self.jobs.values(), *self.late.values()) if job.report is not None]

    def snapshot(self) -> tuple[HeldLease, ...]:
        with self.lock:
            return tuple(job.lease.held for job in self.jobs.values())

    def add(self, job: Job) -> None:
        with self.lock:
            self.jobs[job.lease.held.lease_id] = job

    def drop(self, lease_id: LeaseId) -> Job | None:
        """Forget a job, in hand or late."""
        with self.lock:
            return self.jobs.pop(lease_id, None) or self.late.pop(lease_id, None)

    def take_back(self, lease_id: LeaseId, *, now_seconds: float) -> Job | None:
        """Return the job in hand whose lease is over, or None. What is done is kept, as long as it may be wanted."""
        with self.lock:
            job = self.jobs.pop(lease_id, None)
        if job is not None and job.report is not None:
            job.over_seconds = now_seconds
            self.late[lease_id] = job
            self.forget_old(now_seconds=now_seconds)
        return job

    def forget_old(self, *, now_seconds: float) -> None:
        """Forget what comes too late for anybody."""
        old_seconds = now_seconds - LATE_MS_MAX / 1_000
        kept = [job for job in self.late.values() if job.over_seconds > old_seconds][-LATE_MAX:]
        self.late = {job.lease.held.lease_id: job for job in kept}
