"""Several requests while they run: one table that fills on a terminal, sentences elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING

from proofgrid.cli.demo.request import Request
from proofgrid.cli.kit.console import print_table, say, stdout
from proofgrid.cli.kit.task_board import JobLine
from proofgrid.primitives.ids import short_prover
from proofgrid.primitives.money import format_amount, typed_price
from proofgrid.rules.jobs.events import sentence

if TYPE_CHECKING:
    from rich.live import Live
    from rich.table import Table

    from proofgrid.sdk.event import Event

_TOLD = ("accepted", "sold", "proven", "returned", "done", "failed", "cancelled")
_COLUMNS = ("request", "job", "prover", "state", "client pays>", "operator gets>", "paid>")
_STYLES = {"proven": "green", "leased": "cyan"}


class RequestsScreen:
    """The view of several requests; a context manager. `show` takes what happened to one of them."""

    def __init__(self, requests: Sequence[Request], people: Mapping[str, str]) -> None:
        self._requests = requests
        self._people = people
        self._live = _new_live() if stdout().is_terminal else None

    def __enter__(self) -> RequestsScreen:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        if self._live is not None:
            self._live.stop()
        elif kind is None:
            print_table(_COLUMNS, self._rows(), empty="")

    def show(self, request: Request, event: Event) -> None:
        """Show what an event, which the request has taken in, changed."""
        if self._live is not None:
            self._live.update(self._table())
        elif event.kind in _TOLD:
            named = request.part(event.data)
            text = sentence(event.kind, event.data, people=self._people)
            place = f"slice {event.data['slice']}" if named else ""
            say(f"   {request.subject.name:<14} {text.replace(place, named, 1) if place else text}")

    def _rows(self) -> Iterator[tuple[str, ...]]:
        for request in self._requests:
            for job in _jobs_of(request):
                told = request.told.get((job.input, job.slice))
                yield (
                    request.subject.name,
                    request.subject.part(job.slice, job.input),
                    short_prover(job.prover, self._people) if job.prover else "",
                    _state(job),
                    typed_price(job.buy_price) if job.buy_price else "",
                    typed_price(job.sell_price) if job.sell_price else "",
                    format_amount(told.paid) if told is not None else "",
                )

    def _table(self) -> Table:
        from rich import box
        from rich.table import Table

        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for column in _COLUMNS:
            table.add_column(column.removesuffix(">"), justify="right" if column.endswith(">") else "left")
        jobs = [job for request in self._requests for job in _jobs_of(request)]
        before = ""
        for row, job in zip(self._rows(), jobs, strict=True):
            table.add_row("" if row[0] == before else row[0], *row[1:], style=_STYLES.get(job.state))
            before = row[0]
        return table


def _jobs_of(request: Request) -> list[JobLine]:
    """Return a request's jobs, those that take others last."""
    return [job for jobs in request.board.by_slice().values() for job in jobs]


def _state(job: JobLine) -> str:
    """Return where a job is, in a word or two."""
    if job.state == "leased":
        return job.stage or "sold"
    again = f", attempt {job.returned + 1}" if job.returned else ""
    return {"ready": "waits"}.get(job.state, job.state) + again


def _new_live() -> Live:
    from rich.live import Live

    return Live(console=stdout(), refresh_per_second=4)
