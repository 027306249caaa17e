"""The leases that a prover has in hand."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, field

from proofgrid.primitives.ids import LeaseId
from proofgrid.rules.jobs.offers import HeldLease, JobReport, LeaseOffer, StageReport


@dataclass(slots=True)
class Job:
    """A lease in hand, and what was said of it."""

    lease: LeaseOffer
    task: asyncio.Task[None] | None = None
    report: JobReport | None = None  #: done, not acknowledged yet
    said: StageReport | None = None  #: how far it is


@dataclass(slots=True)
class Held:
    """The leases by id; the link's heartbeat thread reads them while the event loop writes."""

    jobs: dict[LeaseId, Job] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def snapshot(self) -> tuple[HeldLease, ...]:
        with self.lock:
            return tuple(job.lease.held for job in self.jobs.values())

    def add(self, job: Job) -> None:
        with self.lock:
            self.jobs[job.lease.held.lease_id] = job

    def drop(self, lease_id: LeaseId) -> Job | None:
        with self.lock:
            return self.jobs.pop(lease_id, None)
