"""Does this machine still prove? A prover counts its own failures in a row, and rests after too many.

failures_max of them -> no new leases -> a while -> self-check, again and again until it passes -> a new hello
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from proofgrid.roles.prover.node_settings import NodeSettings
from proofgrid.roles.prover.self_check import Check, CheckPlace, check_all, check_unless_known

CHECK_AGAIN_FIRST_SECONDS = 2.0  #: after a self-check that failed; doubles
CHECK_AGAIN_MAX_SECONDS = 300.0
RESTS_MAX = 16  #: that make the next one longer


class Tell(Protocol):
    """Says what happened, to people."""

    def __call__(self, what: str, **details: object) -> None: ...


class Resting:
    """Failures of one prover. `on_rest`: it shall offer nothing more; `on_rested`: it offers again."""

    def __init__(
        self, settings: NodeSettings, *, tell: Tell, on_rest: Callable[[], object], on_rested: Callable[[], object]
    ) -> None:
        self.bubblewrap = ""  #: what makes namespaces of their own for self-checks, once it is known
        self._settings = settings
        self._tell = tell
        self._on_rest = on_rest
        self._on_rested = on_rested
        self._failures = 0  #: of own children, in a row
        self._rests = 0  #: since the last proof that was accepted
        self._task: asyncio.Task[None] | None = None  #: no new leases until a self-check passes

    @property
    def now(self) -> bool:
        """Does it rest at this moment?"""
        return self._task is not None

    def count_proof(self) -> None:
        """A proof was accepted: what was before is forgotten."""
        self._failures = self._rests = 0

    def count_failure(self, reason: str, group: asyncio.TaskGroup) -> None:
        """A job failed by this machine's own doing; rest, in `group`, when these were too many."""
        self._failures += 1
        if self._task is None and 0 < self._settings.failures_max <= self._failures:
            self._task = group.create_task(self._rest(reason))

    def cancel(self) -> None:
        """End the rest, if there is one."""
        if self._task is not None:
            self._task.cancel()

    async def pass_first_check(self, draining: asyncio.Event) -> bool:
        """Check unless this engine passed here before; False when drained meanwhile."""
        async with asyncio.TaskGroup() as group:
            checking = group.create_task(self._until_check_passes(check_unless_known))
            drained = group.create_task(draining.wait())
            await asyncio.wait({checking, drained}, return_when=asyncio.FIRST_COMPLETED)
            passed = checking.done()
            checking.cancel()
            drained.cancel()
        return passed

    async def _rest(self, reason: str) -> None:
        """Offer nothing until this machine has shown that it can prove; what is held goes on."""
        self._on_rest()
        self._tell("resting", reason=f"{self._failures} jobs in a row failed here, the last: {reason}")
        await asyncio.sleep(min(CHECK_AGAIN_FIRST_SECONDS * 2**self._rests, CHECK_AGAIN_MAX_SECONDS))
        self._rests = min(self._rests + 1, RESTS_MAX)
        await self._until_check_passes(check_all)
        self._failures, self._task = 0, None
        self._tell("offering", reason="the self-check passed")
        self._on_rested()

    async def _until_check_passes(self, check: Check) -> None:
        wait_seconds = CHECK_AGAIN_FIRST_SECONDS
        while failed := [report for report in await check(self._place()) if not report.passed]:
            self._tell("self_check_failed", reason=failed[0].said, again_in_seconds=wait_seconds)
            await asyncio.sleep(wait_seconds)
            wait_seconds = min(2 * wait_seconds, CHECK_AGAIN_MAX_SECONDS)

    def _place(self) -> CheckPlace:
        settings = self._settings
        return CheckPlace(
            systems=settings.systems,
            known=settings.directory / "self-checks",
            scratch=settings.scratch,
            cores=settings.cores,
            bubblewrap=self.bubblewrap,
        )
