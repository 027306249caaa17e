"""Children that wait: one that is started before its job comes, and those that have proven and may prove on.

    prepare   --> a child loads Python and the engine, waits for a job of any program
    take      --> the child that last proved this program, or the one that has seen no job yet
    part_with --> it stays for the next job of its program, within bounds (warmth.py), or is seen off in the background

A child that dies while it waits costs nothing but a new start.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog

from proofgrid.primitives.digests import Digest
from proofgrid.primitives.errors import JobCrashed
from proofgrid.roles.prover.process import Child
from proofgrid.roles.prover.warmth import Rest, WarmBounds, count_to_end, may_go_on
from proofgrid.telemetry.metrics.of_prover import WARM_BYTES, WARM_CHILDREN

log = structlog.get_logger(__name__)


@dataclass(slots=True, eq=False)
class _Warm:
    """A child that has proven and waits for more of its program."""

    child: Child
    resident_bytes: int
    too_old: asyncio.TimerHandle | None = None


class Nursery:
    """Keeps at most one child that has seen no job, and warm ones; `open` it as a context, which ends them all.

    Without bounds no child proves a second job.
    """

    def __init__(self, home: Path, group: asyncio.TaskGroup, bounds: WarmBounds | None, bubblewrap: str) -> None:
        self.home = home  #: where children have their cells
        self.bubblewrap = bubblewrap  #: what makes namespaces of their own for them; empty: they have none
        self._group = group
        self._bounds = bounds
        self._waiting: Child | None = None
        self._warm: list[_Warm] = []  #: the longest unused first
        self._closed = False

    @classmethod
    @asynccontextmanager
    async def open(
        cls, home: Path, *, bounds: WarmBounds | None = None, bubblewrap: str = ""
    ) -> AsyncIterator[Nursery]:
        """Yield a nursery; when the context ends, however it ends, none of its children lives on."""
        async with asyncio.TaskGroup() as group:
            nursery = cls(home, group, bounds, bubblewrap)
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
            child = await Child.start(proof_system, cores=cores, home=self.home, bubblewrap=self.bubblewrap)
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

    def take(self, program: Digest, *, cores: int, memory_bytes: int) -> Child | None:
        """Return a child for a job of this program, if one waits; the caller ends it, or parts with it.

        It may have died unnoticed: then it never says that it took its order.
        """
        self._forget_dead()
        for warm in reversed(self._warm):
            child = warm.child
            if child.program == program and child.cores == cores and child.memory_bytes_max >= memory_bytes:
                self._forget(warm)
                return child
        waiting, self._waiting = self._waiting, None
        if waiting is None or (waiting.cores == cores and not waiting.exited.is_set()):
            return waiting
        self.discard(waiting)
        return None

    def keeps(self, child: Child) -> bool:
        """Return whether a child may stay after the job that it is about to be given, for all that is known now."""
        return self._bounds is not None and self._may_go_on(child, Rest(stays=True), self._bounds, jobs=child.jobs + 1)

    def part_with(self, child: Child, rest: Rest) -> None:
        """Let a child that has said its last word wait for another job of its program, or go."""
        bounds = self._bounds
        if not rest.stays:
            self._group.create_task(child.end_after_work())
        elif bounds is None or self._closed or not self._may_go_on(child, rest, bounds, jobs=child.jobs):
            self._renew(child)
        else:
            warm = _Warm(child, rest.resident_bytes)
            warm.too_old = asyncio.get_running_loop().call_at(
                child.started_at + bounds.seconds_max, self._renew_waiting, warm
            )
            self._forget_dead()
            self._warm.append(warm)
            surplus = count_to_end([one.resident_bytes for one in self._warm], bounds.bytes_max)
            for one in self._warm[:surplus]:
                self._renew_waiting(one)
            self._tell_levels()

    def discard(self, child: Child) -> None:
        """End a child that nobody needs, in the background."""
        self._group.create_task(child.end())

    def _may_go_on(self, child: Child, rest: Rest, bounds: WarmBounds, *, jobs: int) -> bool:
        age_seconds = asyncio.get_running_loop().time() - child.started_at
        return may_go_on(rest, jobs=jobs, age_seconds=age_seconds, bounds=bounds)

    def _renew(self, child: Child) -> None:
        log.info("child_renewed", jobs=child.jobs)
        self.discard(child)

    def _renew_waiting(self, warm: _Warm) -> None:
        self._forget(warm)
        self._renew(warm.child)

    def _forget(self, warm: _Warm) -> None:
        if warm.too_old is not None:
            warm.too_old.cancel()
        self._warm.remove(warm)
        self._tell_levels()

    def _forget_dead(self) -> None:
        for warm in [one for one in self._warm if one.child.exited.is_set()]:
            self._forget(warm)
            self.discard(warm.child)

    def _tell_levels(self) -> None:
        WARM_CHILDREN.set(len(self._warm))
        WARM_BYTES.set(sum(one.resident_bytes for one in self._warm))

    async def _drop_waiting(self) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            await waiting.end()

    async def _close(self) -> None:
        self._closed = True
        for warm in list(self._warm):
            self._renew_waiting(warm)
        await self._drop_waiting()
