"""What is known of a running task: its jobs, moved on by the events of the watch stream. Pure.

ready --sold--> leased (stage, share) --proven--> proven
  ^---returned----/ ^-/ slow, hedged, carried_on       the task: open --combining--> done | failed | cancelled
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from proofgrid.sdk.answers.work import Job, Waiting

ENDED = ("done", "failed", "cancelled")


@dataclass(slots=True, kw_only=True)
class JobLine:
    """One job as its watcher sees it."""

    slice: int
    input: int
    state: str = "ready"
    stage: str = ""
    permille: int = 0
    prover: str = ""
    buy_price: int = 0  #: per PU, what the client pays
    sell_price: int = 0  #: per PU, what the operator gets
    round: int = 0
    returned: int = 0  #: how often it came back without a proof
    slow: bool = False  #: its lease takes longer than usual
    second: str = ""  #: the prover of a second lease
    waiting: Waiting | None = None  #: why nobody proves it, when it was asked for last


@dataclass(slots=True)
class TaskBoard:
    """A task's jobs by (input, slice)."""

    jobs: dict[tuple[int, int], JobLine] = field(default_factory=dict)
    state: str = "open"
    spent: int = 0
    refunded: int = 0
    failure: str = ""
    cheapest_ask: int = 0  #: per PU, when it is above the task's limit; 0: as far as is known somebody may sell

    def apply(self, kind: str, data: Mapping[str, Any]) -> JobLine | None:
        """Take one event in; return the job that it is about, if it is about one."""
        if kind == "accepted":
            for job in data.get("jobs", ()):
                self.job(job["input"], job["slice"])
            return None
        if kind == "combining" or kind in ENDED:
            self._turn(kind, data)
            return None
        if kind == "no_sale":
            self.cheapest_ask = data.get("cheapest_ask", 0)
            return None
        if "slice" not in data:
            return None  # a kind of a newer gateway
        job = self.job(data["input"], data["slice"])
        self._move(job, kind, data)
        return job

    def job(self, input_index: int, slice_index: int) -> JobLine:
        """Return a job, made when it was not known: a stream may be joined in the middle."""
        return self.jobs.setdefault((input_index, slice_index), JobLine(slice=slice_index, input=input_index))

    def note(self, jobs: Iterable[Job]) -> list[tuple[JobLine, Waiting]]:
        """Take in why jobs wait, as a gateway was asked a moment ago; return those whose reason is another now."""
        changed = []
        for job in jobs:
            line = self.job(job.input, job.slice)
            before, line.waiting = line.waiting, job.waiting if line.state not in ("leased", "proven") else None
            if line.waiting is not None and (before is None or before.reason != line.waiting.reason):
                changed.append((line, line.waiting))
        return changed

    def by_slice(self) -> dict[int, list[JobLine]]:
        """Return the jobs of each slice, slices in order."""
        slices: dict[int, list[JobLine]] = {}
        for _, job in sorted(self.jobs.items()):
            slices.setdefault(job.slice, []).append(job)
        return dict(sorted(slices.items()))

    def _turn(self, kind: str, data: Mapping[str, Any]) -> None:
        self.state = kind
        self.spent = data.get("spent", self.spent)
        self.refunded = data.get("refunded", self.refunded)
        if kind == "failed":
            self.failure = f"{data.get('code', '')} {data.get('detail', '')}".strip()
        if kind in ("failed", "cancelled"):
            for job in self.jobs.values():
                job.state = job.state if job.state == "proven" else kind

    def _move(self, job: JobLine, kind: str, data: Mapping[str, Any]) -> None:
        match kind:
            case "sold":
                self.cheapest_ask, job.waiting = 0, None
                job.state, job.stage, job.permille, job.slow, job.second = "leased", "", 0, False, ""
                job.prover, job.round = data["prover"], data["round"]
                job.buy_price, job.sell_price = data["buy_price"], data["sell_price"]
            case "stage":
                job.state, job.permille = "leased", max(job.permille, data["permille"])
                if data["prover"] != job.second:
                    job.prover, job.stage = data["prover"], data["stage"]
            case "slow":
                job.state, job.slow, job.prover = "leased", True, data["prover"]
            case "hedged":
                job.state, job.second = "leased", data["prover"]
            case "carried_on":
                if data["prover"] != job.second:
                    job.prover, job.slow = job.second, False
                job.second = ""
                job.returned += 1
            case "returned":
                job.state, job.stage, job.permille, job.prover = "ready", "", 0, ""
                job.slow, job.second = False, ""
                job.returned += 1
            case "proven":
                job.state, job.stage, job.permille, job.slow, job.second = "proven", "", 1000, False, ""
                job.prover = data["prover"]
                job.buy_price, job.sell_price = data["buy_price"], data["sell_price"]


def share_done(jobs: Iterable[JobLine]) -> float:
    """Return how much of some jobs is done, from 0 to 1."""
    shares = [job.permille for job in jobs]
    return sum(shares) / (1000 * len(shares)) if shares else 0.0
