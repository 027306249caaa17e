"""Shows a task while it runs: bars on a terminal, sentences elsewhere, JSON lines for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING

from proofgrid.cli.kit.console import plain, print_json, say, stdout
from proofgrid.cli.kit.task_board import JobLine, TaskBoard, share_done
from proofgrid.cli.kit.waiting import waiting_lines
from proofgrid.primitives.ids import short_prover
from proofgrid.primitives.money import typed_price
from proofgrid.rules.jobs.event_kinds import KINDS, Tone, Weight
from proofgrid.rules.jobs.events import sentence
from proofgrid.rules.jobs.waiting import briefly

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from proofgrid.sdk.answers.work import Job
    from proofgrid.sdk.event import Event

WIDE = 90  #: columns with room for a long bar
BARS_MAX = 24  #: more jobs than this share one bar per slice
_STYLES = {Tone.GOOD: "green", Tone.TROUBLE: "yellow", Tone.FAILED: "bold red", Tone.DONE: "bold green"}


class TaskScreen:
    """The view of one task; a context manager. `show` takes the events in."""

    def __init__(
        self,
        *,
        json: bool = False,
        people: Mapping[str, str] | None = None,
        told: Sequence[str] | None = None,
        indent: str = "",
        board: TaskBoard | None = None,
    ) -> None:
        self.board = board or TaskBoard()
        self._json = json
        self._people = people or {}
        self._told = told  #: the kinds of events that are told; None: what bars do not show, or all without bars
        self._indent = indent
        self._bars: dict[tuple[int, ...], TaskID] = {}
        self._progress = None if json or not stdout().is_terminal else _new_progress()
        self._stages: dict[tuple[int, int], str] = {}

    def __enter__(self) -> TaskScreen:
        if self._progress is not None:
            self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        if self._progress is not None:
            self._progress.stop()

    def show(self, event: Event) -> None:
        """Take an event in and show what it changed."""
        job = self.board.apply(event.kind, event.data)
        if self._json:
            print_json({"cursor": event.cursor, "kind": event.kind, "at_ms": event.at_ms, **event.data})
        elif self._progress is not None:
            if _weighs(event, Weight.NEWS) if self._told is None else event.kind in self._told:
                self._tell(event)
            self._draw(self._progress)
        elif self._is_news(event, job):
            self._tell(event)

    def waits(self, jobs: Sequence[Job]) -> None:
        """Take in why jobs wait at this moment, and tell what is another reason than before."""
        changed = self.board.note(jobs)
        if self._progress is not None:
            self._draw(self._progress)
        elif self._json:
            for job, waiting in changed:
                # Not an event: it has no place in the timeline, and no cursor to go on from.
                place = {"slice": job.slice, "input": job.input}
                print_json({"kind": "waits", **place, **plain(waiting), "sentence": waiting.sentence()})
        elif self._told is None:
            for line in waiting_lines((job.slice, waiting) for job, waiting in changed):
                say(self._indent + line)

    def _tell(self, event: Event) -> None:
        batch = any(job.input for job in self.board.jobs.values())
        text = self._indent + sentence(event.kind, event.data, people=self._people, batch=batch)
        style = _STYLES.get(KINDS[event.kind].tone, "") if event.kind in KINDS else ""
        if self._progress is None:
            say(text, style=style)
        else:
            self._progress.console.print(text, style=style or None, markup=False, highlight=False)

    def _is_news(self, event: Event, job: JobLine | None) -> bool:
        if self._told is not None:
            return event.kind in self._told
        if len(self.board.jobs) > BARS_MAX:
            return _weighs(event, Weight.NEWS, Weight.TURN) or self._is_milestone(event)
        if event.kind != "stage" or job is None:
            return True
        place = (job.input, job.slice)
        changed = self._stages.get(place) != job.stage
        self._stages[place] = job.stage
        return changed

    def _is_milestone(self, event: Event) -> bool:
        if event.kind != "proven":
            return False
        proven = sum(job.state == "proven" for job in self.board.jobs.values())
        return proven * 10 // len(self.board.jobs) != (proven - 1) * 10 // len(self.board.jobs)

    # --- bars ------------------------------------------------------------------------------------

    def _draw(self, progress: Progress) -> None:
        many = len(self.board.jobs) > BARS_MAX
        batch = any(job.input for job in self.board.jobs.values())
        for index, jobs in self.board.by_slice().items():
            if many:
                self._draw_bar(progress, (index,), f"slice {index}", share_done(jobs), _many_text(jobs))
                continue
            for job in jobs:
                name = f"slice {index} input {job.input}" if batch else f"slice {index}"
                self._draw_bar(progress, (index, job.input), name, share_done([job]), self._job_text(job))

    def _draw_bar(self, progress: Progress, place: tuple[int, ...], name: str, share: float, text: str) -> None:
        if place not in self._bars:
            self._bars[place] = progress.add_task(name, total=1.0, text="")
        progress.update(self._bars[place], completed=share, text=text)

    def _job_text(self, job: JobLine) -> str:
        again = f", attempt {job.returned + 1}" if job.returned else ""
        if job.state not in ("leased", "proven"):
            ask = self.board.cheapest_ask
            waits = f"no sale: the cheapest ask is {typed_price(ask)}" if ask else "waits for a round"
            if job.waiting is not None:
                return briefly(job.waiting) + again
            return (waits if job.state == "ready" else job.state) + again
        what = job.state if job.state == "proven" else job.stage or "sold"
        price = f" at {typed_price(job.sell_price)}" if job.sell_price else ""
        slow = ", slow" if job.slow else ""
        second = f", also {short_prover(job.second, self._people)}" if job.second else ""
        return f"{what:<8} {short_prover(job.prover, self._people)}{price}{slow}{second}{again}"


def _weighs(event: Event, *weights: Weight) -> bool:
    return event.kind in KINDS and KINDS[event.kind].weight in weights


def _many_text(jobs: list[JobLine]) -> str:
    proven = sum(job.state == "proven" for job in jobs)
    leased = sum(job.state == "leased" for job in jobs)
    return f"{proven} of {len(jobs)} proven, {leased} being proven"


def _new_progress() -> Progress:
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
    from rich.table import Column

    console = stdout()
    return Progress(
        TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True)),
        BarColumn(bar_width=24 if console.width >= WIDE else 8, complete_style="cyan", finished_style="green"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[text]}", markup=False, table_column=Column(no_wrap=True, overflow="ellipsis")),
        console=console,
    )
