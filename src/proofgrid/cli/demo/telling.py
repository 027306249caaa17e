"""How the demo tells its story: numbered steps with their times; nothing but the final report with --json."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager

from proofgrid.cli.kit.console import print_table, say
from proofgrid.cli.kit.task_screen import TaskScreen

_TOLD = ("accepted", "sold", "proven", "returned", "combining", "done", "failed", "cancelled")


class Telling:
    """Tells, and remembers how long each step took."""

    def __init__(self, people: Mapping[str, str], *, is_quiet: bool) -> None:
        self.people = dict(people)
        self.seconds: dict[str, float] = {}
        self._is_quiet = is_quiet

    @asynccontextmanager
    async def step(self, title: str) -> AsyncIterator[None]:
        """Tell a step's title before, and its time after."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        if not self._is_quiet:
            say("")
            say(f"{len(self.seconds) + 1}. {title}", style="bold cyan")
        yield
        self.seconds[title] = round(loop.time() - started, 2)
        self.tell(f"({self.seconds[title]:.1f} s)", style="dim")

    def tell(self, text: str, *, style: str = "") -> None:
        """Tell one line of a step."""
        if not self._is_quiet:
            say(f"   {text}".rstrip(), style=style)

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Tell numbers."""
        if not self._is_quiet:
            print_table(columns, rows, empty="")

    @contextmanager
    def screen(self) -> Iterator[TaskScreen | None]:
        """The view of a running task; None when quiet."""
        if self._is_quiet:
            yield None
            return
        with TaskScreen(people=self.people, told=_TOLD, indent="   ") as screen:
            yield screen
