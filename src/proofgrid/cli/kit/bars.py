"""Bars on a terminal: how far something is that takes a while. Elsewhere nothing, or a line per stage."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from proofgrid.cli.kit.console import stderr

if TYPE_CHECKING:
    from rich.progress import Progress

OnStage = Callable[[str, int], None]  #: (stage, permille)


@contextmanager
def count_bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """Show how many are done, on a terminal; yields what is called with (done, in all), 0 while that is not known."""
    console = stderr()
    if not console.is_terminal:
        yield lambda done, total: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn(what), BarColumn(bar_width=40), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task(what, total=None)
        yield lambda done, total: progress.update(bar, completed=done, total=total or None)


@contextmanager
def stage_bar(*, json: bool) -> Iterator[OnStage]:
    """Show the stages of a build: a bar on a terminal, a line per stage elsewhere, nothing for programs."""
    console = stderr()
    if json:
        yield lambda stage, permille: None
    elif console.is_terminal:
        with _new_bar() as progress:
            bar = progress.add_task("starting", total=1000)
            yield lambda stage, permille: progress.update(bar, description=stage, completed=permille)
    else:
        seen: set[str] = set()

        def tell(stage: str, permille: int) -> None:
            if stage not in seen:
                seen.add(stage)
                console.print(f"{stage} …", markup=False)

        yield tell


def _new_bar() -> Progress:
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    return Progress(
        TextColumn("{task.description:<10}", markup=False),
        BarColumn(bar_width=40),
        TimeElapsedColumn(),
        console=stderr(),
        transient=True,
    )
