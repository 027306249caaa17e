"""Children that are started before their job comes, and seen off after it: neither holds up a proof.

    prepare --> a child loads Python and the engine, waits     take --> it becomes the child of one job, no other's
    see_off --> what a child leaves to do after its last word (freeing memory, dying) is waited for in the background

A waiting child that dies costs nothing but a new start.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import structlog

from proofgrid.primitives.errors import JobCrashed
from proofgrid.roles.prover.process import Child

log = structlog.get_logger(__name__)


class Nursery:
    """Keeps at most one waiting child; `open` it as a context, which ends all of its children."""

    def __init__(self, home: Path, group: asyncio.TaskGroup) -> None:
        self._home = home  #: where children wait; a job's own directory is theirs later
        self._group = group
        self._waiting: Child | None = None
        self._closed = False

    @classmethod
    @asynccontextmanager
    async def open(cls, home: Path) -> AsyncIterator[Nursery]:
        """Yield a nursery; when the context ends, however it ends, none of its children lives on."""
        async with asyncio.TaskGroup() as group:
            nursery = cls(home, group)
            try:
                yield nursery
            finally:
                await nursery._close()

    async def prepare(self, proof_system: str, *, cores: int) -> None:
        """Start a child for the next job, most likely one of this proof system, unless one waits already."""
        if self._waiting is not None and not self._waiting.exited.is_set():
            return
        await self._drop_waiting()
        try:
            child = await Child.start(proof_system, cores=cores, home=self._home)
        except JobCrashed as reason:
            log.warning("no_child_waits", reason=reason.detail)  # the job that needs one will say so
            return
        if self._closed or self._waiting is not None:
            await child.end()
        else:
            self._waiting = child

    def prepare_soon(self, proof_system: str, *, cores: int) -> None:
        """The same in the background."""
        self._group.create_task(self.prepare(proof_system, cores=cores))

    def take(self, *, cores: int) -> Child | None:
        """Return the waiting child, if there is one, for a job of any proof system; the caller ends it.

        It may have died unnoticed: then it never says that it took its order.
        """
        waiting, self._waiting = self._waiting, None
        if waiting is None or (waiting.cores == cores and not waiting.exited.is_set()):
            return waiting
        self.discard(waiting)
        return None

    def see_off(self, child: Child) -> None:
        """End a child that has said its last word, in the background."""
        self._group.create_task(child.end_after_work())

    def discard(self, child: Child) -> None:
        """End a child that nobody needs, in the background."""
        self._group.create_task(child.end())

    async def _drop_waiting(self) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            await waiting.end()

    async def _close(self) -> None:
        self._closed = True
        await self._drop_waiting()
