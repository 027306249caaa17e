"""How the demo tells its story: numbered steps with their times; nothing but the final report with --json."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING

from proofgrid.cli.demo.watching import RequestsScreen
from proofgrid.cli.kit.console import print_table, say
from proofgrid.cli.kit.task_screen import TaskScreen

if TYPE_CHECKING:
    from proofgrid.cli.demo.request import Request
    from proofgrid.sdk.event import Event

#: What a stage of the build does, for people.
_STAGES = {
    "check": "reading the model",
    "slice": "cutting it into slices",
    "calibrate": "running samples through it",
    "srs": "making the reference string that its circuits need",
    "compare": "comparing what circuit and model say of other samples",
    "setup": "making circuits and verifying keys",
    "try": "trying one input from end to end",
    "store": "storing the program",
}
_NO_STAGE = ""  #: what is between builds
_LONG_STAGE_SECONDS = 5.0  #: the time of a longer one is told
_TOLD = ("accepted", "sold", "proven", "returned", "combining", "done", "failed", "cancelled")


class Telling:
    """Tells, and remembers how long each step took."""

    def __init__(self, people: Mapping[str, str], *, is_quiet: bool) -> None:
        self.people = dict(people)
        self.seconds: dict[str, float] = {}
        self._stages: list[tuple[str, float]] = []  #: of a build, each with when it began
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
        if self._stages:
            self._stages.append((_NO_STAGE, loop.time()))
        self.seconds[title] = round(loop.time() - started, 2)
        self.tell(f"({self.seconds[title]:.1f} s)", style="dim")

    def tell(self, text: str, *, style: str = "") -> None:
        """Tell one line of a step."""
        if not self._is_quiet:
            say(f"   {text}".rstrip(), style=style)

    def stage(self, name: str) -> None:
        """Tell that a stage of the build has begun, unless it was told last."""
        if self._stages and self._stages[-1][0] == name:
            return
        now = asyncio.get_running_loop().time()
        if self._stages and self._stages[-1][0] != _NO_STAGE and now - self._stages[-1][1] >= _LONG_STAGE_SECONDS:
            self.tell(f"  {now - self._stages[-1][1]:.0f} s", style="dim")
        self._stages.append((name, now))
        self.tell(f"{_STAGES.get(name, name)} …", style="dim")

    def stage_seconds(self) -> dict[str, float]:
        """Return how long each stage took that another followed."""
        found: dict[str, float] = {}
        for (name, began), (_, ended) in pairwise(self._stages):
            if name != _NO_STAGE:
                found[name] = round(found.get(name, 0.0) + ended - began, 2)
        return found

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Tell numbers."""
        if not self._is_quiet:
            print_table(columns, rows, empty="")

    @contextmanager
    def screen(self, requests: Sequence[Request]) -> Iterator[Callable[[Request, Event], None]]:
        """Show requests while they run, one by its bars and several by a table; yields what takes each event."""
        if self._is_quiet:
            yield lambda request, event: None
        elif len(requests) == 1:
            with TaskScreen(people=self.people, told=_TOLD, indent="   ") as screen:
                yield lambda request, event: screen.show(event)
        else:
            with RequestsScreen(requests, self.people) as table:
                yield table.show
