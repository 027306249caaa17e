"""Can this gateway serve? It can while its database answers, and until it drains.

A single late answer says nothing on a busy machine: the database is away when it says so, or is silent for long.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from proofgrid.primitives.turns import Urgency
from proofgrid.roles.loop import Loop, every
from proofgrid.store.database import Database
from proofgrid.store.gateways import DATABASE_TIME
from proofgrid.store.weather import PASSING_TROUBLE

LOOK_SECONDS = 1.0
ANSWER_SECONDS = 5.0
DRAINING = "this gateway closes"

log = structlog.get_logger(__name__)

OnChange = Callable[[str], Awaitable[None]]  #: is told why it cannot serve now; empty: it can


class Health:
    """Needs its `run` in a TaskGroup."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._drains = False
        self._on_change: OnChange | None = None
        self.reason = ""  #: why it cannot serve; empty: it can

    def tell(self, on_change: OnChange) -> None:
        """Let somebody know of every change."""
        self._on_change = on_change

    async def run(self) -> None:
        """Look until cancelled."""
        await Loop("health", every(LOOK_SECONDS, self.look)).run()

    async def look(self) -> None:
        """Ask the database once."""
        reason = await self._what_is_wrong()
        await self._say(DRAINING if self._drains else reason)

    async def drain(self) -> None:
        """It closes: whoever asks is to go elsewhere."""
        self._drains = True
        await self._say(DRAINING)

    async def _what_is_wrong(self) -> str:
        try:
            async with asyncio.timeout(ANSWER_SECONDS), self._database.connection(Urgency.ROUNDS) as connection:
                await connection.value(DATABASE_TIME)
        except TimeoutError:
            return f"the database did not answer within {ANSWER_SECONDS:g} s"
        except PASSING_TROUBLE as error:
            return getattr(error, "detail", "") or str(error)
        return ""

    async def _say(self, reason: str) -> None:
        if bool(reason) != bool(self.reason):
            log.warning("not_serving", reason=reason) if reason else log.info("serving_again")
        changed, self.reason = reason != self.reason, reason
        if changed and self._on_change is not None:
            await self._on_change(reason)
