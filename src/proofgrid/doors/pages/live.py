"""Server-sent events for pages: they say that something changed, and the page asks for itself again.

So a page is made in one place, and who missed an event has missed nothing.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from proofgrid.doors.pages.mine import task_id_of
from proofgrid.doors.pages.site import Asked, NoSuchPage
from proofgrid.doors.pages.views.network import network_page
from proofgrid.doors.pages.views.provers import provers_page
from proofgrid.primitives.clock import Clock
from proofgrid.primitives.errors import Busy, TooManyOpen, Unavailable
from proofgrid.roles.intake.held import Held
from proofgrid.roles.intake.open_calls import OpenCall
from proofgrid.roles.intake.overview import Overview
from proofgrid.rules.access.rights import roles_needed
from proofgrid.rules.access.roles import Caller
from proofgrid.rules.jobs.filters import parse_filter

Change = TypeVar("Change")

LOOK_SECONDS = 1.0
OWN_LOOK_SECONDS = 3.0  #: at what only one visitor sees
OWN_LOOKS = 200  #: then the browser comes again, and who it is is looked at anew
TASKS_SEEN = 100
ANYWAY_LOOKS = 15  #: a page is fresh again after so many, though nothing changed but the time
OPEN_MAX = 4_096  #: of this gateway
OPEN_OF_HOST_MAX = 64
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
Look = Callable[[], Awaitable[Hashable]]
UseCase = Callable[..., object]
OVER = b"event: over\ndata: {}\n\n"
CHANGED = b"event: changed\ndata: {}\n\n"


class Live:
    """Streams that are open, and how many there may be."""

    def __init__(self, overview: Overview, clock: Clock) -> None:
        self._overview = overview
        self._clock = clock
        self._open: Counter[str] = Counter()
        self._closing = asyncio.Event()
        self._looks = Held(self._look, holds_ms=int(LOOK_SECONDS * 1_000) - 1, clock=clock)

    def close(self) -> None:
        """End all streams: their browsers come again, perhaps to another gateway."""
        self._closing.set()

    async def network(self, asked: Asked) -> Response:
        """Tell when the network's page is another one."""
        return self.stream(asked.request, self._network_changes())

    async def own(self, asked: Asked) -> Response:
        """Tell when a page of the visitor's own is another one: its tasks, its provers, or incidents."""
        look, caller, use_case = await self._look_of(asked, asked.request.path_params["what"])
        changes = _while_allowed(asked, caller, use_case, self._own_changes(look))
        return self.stream(asked.request, changes, ends=False)

    async def _look_of(self, asked: Asked, what: str) -> tuple[Look, Caller, UseCase]:
        """Return what tells two states of a page apart, who looks, and at what.

        Raises NoSuchPage, or what says that the page is another's.
        """
        intake = asked.intake
        if what == "tasks":
            caller = await asked.caller(intake.tasks.list_own)
            everything = parse_filter(state="", program_digest="", tag="", since_ms=0, until_ms=0)

            async def tasks() -> Hashable:
                found = await intake.tasks.list_own(caller, everything, limit=TASKS_SEEN)
                return tuple((one.task_id, one.state, one.spent) for one in found)

            return tasks, caller, intake.tasks.list_own
        if what == "provers":
            caller = await asked.caller(intake.close_up.of_operator)

            async def provers() -> Hashable:
                page = provers_page(await intake.close_up.of_operator(caller), asked=None)
                now = tuple(
                    (one.card.prover_id, one.why, one.busy, one.slots, tuple(one.lanes)) for one in page.provers
                )
                return now, page.earned, page.stake.bond, page.stake.bound

            return provers, caller, intake.close_up.of_operator
        if what == "incidents":
            caller = await asked.caller(intake.incidents.list_all)

            async def incidents() -> Hashable:
                found = await intake.incidents.list_all(limit=TASKS_SEEN, closed=True)
                return tuple((one.incident_id, one.closed_ms, one.times, one.acted_ms) for one in found)

            return incidents, caller, intake.incidents.list_all
        raise NoSuchPage()

    async def _own_changes(self, look: Look) -> AsyncIterator[None]:
        seen = await look()
        for _ in range(OWN_LOOKS):
            await self._clock.sleep(OWN_LOOK_SECONDS)
            if self._closing.is_set():
                return
            now = await look()
            if now != seen:
                seen = now
                yield None

    async def task(self, asked: Asked) -> Response:
        """Tell when something happened to a task, until it is over."""
        caller = await asked.caller(asked.intake.tasks.follow)
        task_id, cursor = task_id_of(asked), asked.number("after")
        await asked.intake.tasks.timeline(caller, task_id, limit=1)  # another's is unknown, before a stream is opened

        changes = asked.intake.tasks.follow(caller, task_id, cursor=cursor)
        return self.stream(asked.request, _while_allowed(asked, caller, asked.intake.tasks.follow, changes))

    def stream(self, request: Request, changes: AsyncIterator[None], *, ends: bool = True) -> Response:
        """Answer with an event for each change, until there is none or the gateway closes. Raises TooManyOpen, Busy.

        `ends`: where there is no change any more, there never will be; else the browser comes again.
        """
        host = request.client.host if request.client else ""
        if self._open[host] >= OPEN_OF_HOST_MAX:
            raise TooManyOpen(
                "too many live pages are open from your address", hint="close some, or reload now and then"
            )
        if self._open.total() >= OPEN_MAX:
            raise Busy("too many live pages are open", hint="reload the page now and then")
        return StreamingResponse(
            self._events(host, changes, ends=ends), media_type="text/event-stream", headers=HEADERS
        )

    async def _events(self, host: str, changes: AsyncIterator[None], *, ends: bool) -> AsyncIterator[bytes]:
        with self._counted(host):
            yield b"retry: 3000\n\n"
            with suppress(Unavailable, TooManyOpen):  # this gateway closes, or too much is open: it comes again
                async for _ in changes:
                    yield CHANGED
            if ends and not self._closing.is_set():
                yield OVER

    async def _network_changes(self) -> AsyncIterator[None]:
        seen, looks = await self._looks.get(None), 0
        while not self._closing.is_set():
            await self._clock.sleep(LOOK_SECONDS)
            now, looks = await self._looks.get(None), looks + 1
            if now != seen or looks >= ANYWAY_LOOKS:
                seen, looks = now, 0
                yield None

    async def _look(self, _: None) -> int:
        """What a page would show, as a number that tells two of them apart; once for all who watch."""
        now, figures = await self._overview.now(), await self._overview.figures()
        page = network_page(now, figures)
        return hash((page.waiting, page.running, page.busy, page.slots, page.provers, tuple(page.lanes)))

    @contextmanager
    def _counted(self, host: str) -> Iterator[None]:
        self._open[host] += 1
        try:
            yield
        finally:
            self._open[host] -= 1
            if not self._open[host]:
                del self._open[host]


async def _while_allowed(
    asked: Asked, caller: Caller, use_case: UseCase, changes: AsyncIterator[object]
) -> AsyncIterator[None]:
    """Yield for each change, until there is none or the caller may not look any more. Raises TooManyOpen."""
    with _lasting(asked, caller, use_case) as ended:
        async for _ in _until(ended, changes):
            yield None


@contextmanager
def _lasting(asked: Asked, caller: Caller, use_case: UseCase) -> Iterator[asyncio.Event]:
    """Count a stream among its caller's calls; what it yields is set once the caller has no role, or signed out.

    Raises TooManyOpen.
    """
    ended = asyncio.Event()
    calls = asked.intake.callers.calls
    call = OpenCall(caller, roles_needed(use_case), lambda _refusal: ended.set())
    calls.begin(call)
    try:
        yield ended
    finally:
        calls.over(call)


async def _until(ended: asyncio.Event, changes: AsyncIterator[Change]) -> AsyncIterator[Change]:
    """Yield what comes, until it is over or `ended` is set."""
    over = asyncio.ensure_future(ended.wait())
    coming: asyncio.Future[Change] | None = None
    try:
        while True:
            coming = asyncio.ensure_future(_next(changes))
            await asyncio.wait((over, coming), return_when=asyncio.FIRST_COMPLETED)
            if over.done():
                return
            try:
                change = coming.result()
            except _Over:
                return
            yield change
    finally:
        for one in (over, coming):
            if one is not None:
                one.cancel()


class _Over(Exception):
    """There are no more changes: StopAsyncIteration may not leave a task."""


async def _next(changes: AsyncIterator[Change]) -> Change:
    try:
        return await anext(changes)
    except StopAsyncIteration:
        raise _Over from None
