"""One request of the demo: its subject, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from proofgrid.cli.demo.subject import Judged, Subject
from proofgrid.cli.demo.verified import ProvenJob, Verified
from proofgrid.cli.kit.task_board import TaskBoard
from proofgrid.primitives.money import format_amount
from proofgrid.sdk.answers.work import Program

if TYPE_CHECKING:
    from proofgrid.sdk.event import Event


@dataclass(slots=True, kw_only=True)
class Request:
    """A subject on its way: registered, submitted, watched, verified."""

    subject: Subject
    place: Path  #: where its program is made
    bundle: Path
    program: Program = field(default_factory=Program)
    board: TaskBoard = field(default_factory=TaskBoard)
    told: dict[tuple[int, int], ProvenJob] = field(default_factory=dict)  #: what the network says of proven jobs

    def take(self, event: Event) -> None:
        """Take an event of its task in."""
        self.board.apply(event.kind, event.data)
        if event.kind == "proven":
            self.told[event.data["input"], event.data["slice"]] = _told(event.data)

    def part(self, job: Mapping[str, object]) -> str:
        """Return what the job that an event speaks of is called; empty where it speaks of none."""
        if "slice" not in job:
            return ""
        return self.subject.part(int(str(job["slice"])), int(str(job["input"])))


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """A request whose bundle verified."""

    request: Request
    verified: Verified
    judged: Judged
    verify_command: str

    @property
    def jobs(self) -> list[ProvenJob]:
        """Every job that was paid: those of the bundle, and those whose proofs are inside one of them, as was told."""
        if self.verified.wrapped is None:
            return list(self.verified.jobs)
        return list(self.request.told.values())

    @property
    def faults(self) -> list[str]:
        """What does not hold; empty when all is well."""
        return [*self.judged.faults, *self._faults_of_wrapped()]

    def _faults_of_wrapped(self) -> list[str]:
        wrapped, told = self.verified.wrapped, sum(job.paid for job in self.jobs)
        if wrapped is None:
            return []
        said = wrapped.paid + sum(job.paid for job in self.verified.jobs)
        if (said, wrapped.jobs + len(self.verified.jobs)) == (told, len(self.jobs)):
            return []
        return [f"the bundle says that {format_amount(said)} was paid, the network {format_amount(told)}"]


def _told(data: Mapping[str, object]) -> ProvenJob:
    units, buy, sell, paid = (int(str(data[name])) for name in ("units", "buy_price", "sell_price", "paid"))
    return ProvenJob(operator=str(data["operator"]), units=units, price_buy=buy, price_sell=sell, paid=paid)
