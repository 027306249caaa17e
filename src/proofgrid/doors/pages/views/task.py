"""One task: its jobs as bars on a time line, why each waits or how it went, its money, what happened."""

from __future__ import annotations

import json
import shlex
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from proofgrid.doors.pages.charts import Frame, Scale, Tick
from proofgrid.doors.pages.views.lane import time_ticks
from proofgrid.doors.pages.words import prover_name, span
from proofgrid.primitives.ids import Address
from proofgrid.roles.intake.close_up import TaskCloseUp
from proofgrid.rules.jobs import events
from proofgrid.rules.jobs.lifecycle import TASK_ENDED, JobState, LeaseState
from proofgrid.rules.jobs.waiting import sentence, what_to_do
from proofgrid.store.close_up import LeaseOfTask
from proofgrid.store.ledger import PostedTransfer
from proofgrid.store.task_views import JobView, TaskView

ROWS_MAX = 64  #: jobs that are drawn; the table has all
ROW_HEIGHT = 26
LEFT, RIGHT, TOP, BOTTOM, WIDTH = 118, 12, 8, 30, 860


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A stretch of a job's bar."""

    x: float
    width: float
    kind: str  #: waits, proves, proven, lost
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A job on the time line."""

    name: str
    y: int
    segments: Sequence[Segment]
    told: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeLine:
    """All bars, and the axis below them."""

    frame: Frame
    bars: Sequence[Bar]
    ticks: Sequence[Tick]


@dataclass(frozen=True, slots=True, kw_only=True)
class JobLine:
    """A job in the table; its price per PU in base units."""

    name: str
    state: JobState
    units: int
    job_class: str
    prover: str
    price: int | None
    attempts: int
    permille: int
    stage: str
    why: str
    todo: str
    round_path: str  #: of the round that sold it; empty: none did


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """An event of the timeline as a sentence."""

    at_ms: int
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskPage:
    """What the page of a task shows; amounts in base units."""

    now_ms: int
    task: TaskView
    line: TimeLine
    jobs: Sequence[JobLine]
    jobs_proven: int
    transfers: Sequence[PostedTransfer]
    refunded: int
    happened: Sequence[Happening]
    verify: str
    took_ms: int | None

    @property
    def is_over(self) -> bool:
        return self.task.state in TASK_ENDED

    @property
    def jobs_hidden(self) -> int:
        return max(0, len(self.jobs) - ROWS_MAX)


def task_page(seen: TaskCloseUp, *, network: Address) -> TaskPage:
    """Return what the page of a task shows."""
    task = seen.task
    leases: dict[object, list[LeaseOfTask]] = defaultdict(list)
    for lease in seen.leases:
        leases[lease.job_id].append(lease)
    command = (
        f"proofgrid verify {shlex.quote(f'{task.task_id}.bundle')} --program {task.program_digest} --network {network}"
    )
    return TaskPage(
        now_ms=seen.now_ms,
        task=task,
        line=time_line(seen, leases),
        jobs=[_line(job, leases[job.job_id], seen) for job in seen.jobs],
        jobs_proven=sum(job.state is JobState.PROVEN for job in seen.jobs),
        transfers=seen.transfers,
        refunded=sum(one.amount for one in seen.transfers if one.reason == "refund"),
        happened=[_happening(seen, place) for place in range(len(seen.events))],
        verify=command,
        took_ms=None if task.finished_ms is None else task.finished_ms - task.created_ms,
    )


def time_line(seen: TaskCloseUp, leases: Mapping[object, Sequence[LeaseOfTask]]) -> TimeLine:
    """Return each job's bar from when the task was accepted until it was over, or now."""
    jobs = seen.jobs[:ROWS_MAX]
    end_ms = max(seen.task.finished_ms or seen.now_ms, seen.task.created_ms + 1)
    frame = Frame(
        width=WIDTH, height=TOP + ROW_HEIGHT * len(jobs) + BOTTOM, left=LEFT, right=RIGHT, top=TOP, bottom=BOTTOM
    )
    across = Scale(low=seen.task.created_ms, high=end_ms, begin=LEFT, end=frame.plane_right)
    bars = []
    for place, job in enumerate(jobs):
        segments = _segments(job, leases.get(job.job_id, ()), across)
        told = "; ".join(one.text for one in segments)
        name = job_name(job, batch=seen.task.inputs > 1)
        bars.append(Bar(name=name, y=TOP + ROW_HEIGHT * place, segments=segments, told=told))
    return TimeLine(frame=frame, bars=bars, ticks=time_ticks(across, parts=3))


def job_name(job: JobView, *, batch: bool) -> str:
    """Return 'slice 3', with its input where there are several."""
    return f"input {job.input}, slice {job.slice}" if batch else f"slice {job.slice}"


def _segments(job: JobView, leases: Sequence[LeaseOfTask], across: Scale) -> list[Segment]:
    segments, free_ms = [], across.low
    for lease in leases:
        if lease.granted_ms > free_ms:
            waited = span(lease.granted_ms - free_ms)
            segments.append(_segment(across, free_ms, lease.granted_ms, "waits", f"waited {waited}"))
        end_ms = lease.ended_ms or across.high
        segments.append(_segment(across, lease.granted_ms, end_ms, *_fate(lease, end_ms)))
        free_ms = max(free_ms, end_ms)
    if job.state in (JobState.WAITING, JobState.READY):
        waits = span(across.high - free_ms)
        segments.append(_segment(across, free_ms, across.high, "waits", f"waits for {waits}"))
    return segments


def _fate(lease: LeaseOfTask, end_ms: int) -> tuple[str, str]:
    took, prover = span(end_ms - lease.granted_ms), prover_name(lease.prover_id)
    again = "second lease, " if lease.kind == "hedge" else ""
    if lease.state is LeaseState.SETTLED:
        return "proven", f"{again}proven by {prover} in {took}"
    if lease.state in (LeaseState.EXPIRED, LeaseState.FAILED, LeaseState.STOPPED):
        reason = lease.reason.replace("_", " ") or lease.state
        return "lost", f"{again}{lease.state} at {prover} after {took}: {reason}"
    return "proves", f"{again}at {prover} for {took}, {lease.permille // 10}%"


def _segment(across: Scale, from_ms: int, to_ms: int, kind: str, text: str) -> Segment:
    x = across.at(from_ms)
    return Segment(x=x, width=max(2.0, round(across.at(to_ms) - x, 1)), kind=kind, text=text)


def _line(job: JobView, leases: Sequence[LeaseOfTask], seen: TaskCloseUp) -> JobLine:
    waits = seen.waits.get(job.job_id)
    sold = next((one for one in reversed(leases) if one.round), None)
    lost = [one for one in leases if one.state in (LeaseState.EXPIRED, LeaseState.FAILED)]
    why = sentence(waits) if waits is not None else ""
    if lost and job.state is not JobState.PROVEN:
        last = f"{lost[-1].reason.replace('_', ' ')} at {prover_name(lost[-1].prover_id)}"
        why = f"{why}; last try: {last}" if why else f"last try: {last}"
    return JobLine(
        name=job_name(job, batch=seen.task.inputs > 1),
        state=job.state,
        units=job.units,
        job_class=job.job_class,
        prover=prover_name(job.prover_id) if job.prover_id else "",
        price=job.buy_price,
        attempts=job.attempts,
        permille=job.permille,
        stage=job.stage,
        why=why,
        todo=what_to_do(waits.reason) if waits is not None else "",
        round_path="" if sold is None else f"{sold.lane}/rounds/{sold.round}",
    )


def _happening(seen: TaskCloseUp, place: int) -> Happening:
    event = seen.events[place]
    told = events.sentence(event.kind, json.loads(event.data), people={}, batch=seen.task.inputs > 1)
    return Happening(at_ms=event.at_ms, sentence=told)
