"""For how long the oldest proven task has been waiting to be sealed, by any gateway: looked up twice a second."""

from __future__ import annotations

from proofgrid.primitives.turns import Urgency
from proofgrid.roles.loop import Loop, every
from proofgrid.store.combining import OLDEST_UNSEALED
from proofgrid.store.database import Database

LOOK_SECONDS = 0.5


class SealingAge:
    """Needs its `run` in a TaskGroup."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._seconds = 0.0

    async def run(self) -> None:
        """Look until cancelled."""
        await Loop("sealing_age", every(LOOK_SECONDS, self.look)).run()

    async def look(self) -> None:
        """Look once."""
        async with self._database.connection(Urgency.ROUNDS) as connection:
            ages_ms = await connection.fetch(OLDEST_UNSEALED)
        self._seconds = max(ages_ms, default=0) / 1_000

    def seconds(self) -> float:
        """Return the age that was seen last."""
        return self._seconds
