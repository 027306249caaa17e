"""Looks after the embedded database: a server that died is started again, and one that cannot be ends the gateway.

alive? --no--> try, wait, try, wait longer ... --> it lives: on
                 `--patience is over, or it died too often lately --> DatabaseLost: the process ends
"""

from __future__ import annotations

import asyncio
from typing import Protocol

import structlog

from proofgrid.primitives.clock import Clock
from proofgrid.primitives.deaths import Deaths
from proofgrid.primitives.errors import DatabaseLost, Unavailable

LOOK_SECONDS = 0.5
DELAY_MIN_SECONDS = 0.5  #: before another try; twice as long before each that follows
DELAY_MAX_SECONDS = 15.0

log = structlog.get_logger(__name__)


class Server(Protocol):
    """What can be looked after."""

    def is_alive(self) -> bool: ...
    def revive(self) -> None: ...


class Keeper:
    """`run` it in a TaskGroup. Any number of processes may look after one server."""

    def __init__(self, server: Server, clock: Clock, *, patience_seconds: float) -> None:
        self._server = server
        self._clock = clock
        self._patience_seconds = patience_seconds
        self._deaths = Deaths()

    async def run(self) -> None:
        """Look after the server until cancelled. Raises DatabaseLost when it cannot be kept alive."""
        while True:
            if not await asyncio.to_thread(self._server.is_alive):
                await self._bring_back()
            await self._clock.sleep(LOOK_SECONDS)

    async def _bring_back(self) -> None:
        died_at = self._clock.running_seconds()
        log.error("database_died")
        if too_often := self._deaths.one_more(died_at):
            raise DatabaseLost(
                f"the embedded database died {too_often}",
                hint="see the file 'log' in its directory, and who kills it (is there enough memory?)",
            )
        await self._try_until(died_at + self._patience_seconds)
        log.warning("database_revived", seconds=round(self._clock.running_seconds() - died_at, 1))

    async def _try_until(self, give_up_at: float) -> None:
        delay_seconds = DELAY_MIN_SECONDS
        while True:
            try:
                await asyncio.to_thread(self._server.revive)
                return
            except Unavailable as error:
                if await asyncio.to_thread(self._server.is_alive):
                    return  # recovering still; whoever needs it waits
                log.warning("database_does_not_start", reason=error.detail)
                if self._clock.running_seconds() >= give_up_at:
                    raise DatabaseLost(error.detail, hint=error.hint) from error
            await self._clock.sleep(delay_seconds)
            delay_seconds = min(2 * delay_seconds, DELAY_MAX_SECONDS)
