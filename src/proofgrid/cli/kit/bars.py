"""Bars on a terminal: how far something is that takes a while. Elsewhere nothing, or a line per stage."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from proofgrid.cli.kit.console import stderr

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

OnStage = Callable[[str, int], None]  #: (stage, permille)

_WIDE = 90  #: columns with room for a long bar


@contextmanager
def count_bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """Show how many are done, on a terminal; yields what is called with (done, in all), 0 while that is not known."""
    console = stderr()
    if not console.is_terminal:
        yield lambda done, total: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn(what),
        BarColumn(bar_width=40 if console.width >= _WIDE else 10),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task(what, total=None)
        yield lambda done, total: progress.update(bar, completed=done, total=total or None)


@contextmanager
def stage_bar(*, json: bool) -> Iterator[OnStage]:
    """Show the stages of a build and about how long it will take: a bar on a terminal, lines elsewhere.

    Nothing for programs.
    """
    console = stderr()
    left = TimeLeft()
    if json:
        yield lambda stage, permille: None
    elif console.is_terminal:
        with _new_bar(console) as progress:
            bar = progress.add_task("starting", total=1000, left="")

            def show(stage: str, permille: int) -> None:
                progress.update(bar, description=stage, completed=permille, left=left.text(permille))

            yield show
    else:
        seen: set[str] = set()

        def tell(stage: str, permille: int) -> None:
            text = left.text(permille)
            if stage not in seen:
                seen.add(stage)
                console.print(f"{stage} …{f' {text}' if text else ''}", markup=False)

        yield tell


class TimeLeft:
    """About how long something will take, from how long its part so far took."""

    _SURE_PERMILLE = 100  #: before that it is a guess
    _SURE_SECONDS = 1.0

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._started = clock()
        self._permille = 0

    def text(self, permille: int) -> str:
        """Return "about 12 s left", or nothing while that cannot be known; less than before begins something new."""
        if permille < self._permille:
            self._started = self._clock()
        self._permille = permille
        took = self._clock() - self._started
        if not self._SURE_PERMILLE <= permille < 1000 or took < self._SURE_SECONDS:
            return ""
        return f"about {_span(took * (1000 - permille) / permille)} left"


def _span(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _new_bar(console: Console) -> Progress:
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    return Progress(
        TextColumn("{task.description:<22}", markup=False),
        BarColumn(bar_width=40 if console.width >= _WIDE else 10),
        TimeElapsedColumn(),
        TextColumn("{task.fields[left]}", markup=False),
        console=console,
        transient=True,
    )
