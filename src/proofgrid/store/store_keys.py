"""Which store key locks: the newest that all living gateways have. So nobody is ever sent what it cannot open.

a key file appears in the folder `keys/store` -> this gateway says that it has it -> all say so -> it locks
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from uuid import UUID

import asyncpg
import structlog

from proofgrid.primitives.at_rest import StoreKey
from proofgrid.primitives.ids import GatewayId
from proofgrid.primitives.sealing_errors import StoreKeyMissing
from proofgrid.store.connection import Connection
from proofgrid.store.database import Database
from proofgrid.store.lanes import GATEWAY_SILENT_MS
from proofgrid.store.queries import query
from proofgrid.store.transactions import Transaction

LOOK_SECONDS = 15.0

_NOBODY = UUID(int=0)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class KnownStoreKey:
    """A store key that some gateway has or had; times in milliseconds since the epoch."""

    key_id: str
    made_ms: int
    since_ms: int | None  #: since when something may be locked under it
    swept_ms: int | None  #: since when nothing is locked under an older one
    retired_ms: int | None
    at: int  #: living gateways that have it
    gateways: int  #: that live


NOTE_STORE_KEYS = query("note_store_keys", None)
COMMON_STORE_KEY = query("common_store_key", str)
NEED_STORE_KEY = query("need_store_key", None)
NEEDED_STORE_KEYS = query("needed_store_keys", str)
EVERY_STORE_KEY = query("every_store_key", KnownStoreKey)
RETIRE_STORE_KEY = query("retire_store_key", str)


class StoreKeys:
    """Keeps a vault's keys up to date. `load` reads the key files that are not known by id yet; it blocks.

    `gateway_id`: whose vault it is; None: of somebody who only works with the stores.
    """

    def __init__(
        self, database: Database, load: Callable[[], Iterable[StoreKey]], *, gateway_id: GatewayId | None = None
    ) -> None:
        self._database = database
        self._vault = database.vault
        self._load = load
        self.gateway_id = gateway_id
        self._noted: list[str] | None = None

    async def needed(self) -> list[str]:
        """Return the keys under which something may be locked."""
        async with self._database.connection() as connection:
            return await connection.fetch(NEEDED_STORE_KEYS)

    async def open(self) -> None:
        """Take the keys in hand, and lock with the one that all have.

        Raises StoreKeyMissing where something may be locked under a key that is not here.
        """
        try:
            await self.look()
            missing = set(await self.needed()) - set(self._vault.held)
        except asyncpg.UndefinedTableError:  # a database of a release before, which an administrator looks after
            return
        if missing:
            raise StoreKeyMissing(
                f"what this network stores is locked under store key {min(missing)}, which is not here",
                field="keys",
                hint="copy the folder `keys/store` of another gateway's data directory into this one's `keys`",
            )

    async def look(self) -> None:
        """Read new key files, say what is here, and lock with the newest that all gateways have."""
        self._vault.hold(await asyncio.to_thread(lambda: list(self._load())))
        held = sorted(self._vault.held)
        if held != self._noted:
            async with self._database.transaction(Transaction.JOIN_NETWORK) as connection:
                await self.note(connection)
        async with self._database.connection() as connection:
            common = await connection.first(COMMON_STORE_KEY, held=held, gateway_silent_ms=GATEWAY_SILENT_MS)
        if common is not None and common != self._vault.writes:
            await self._database.write(Transaction.JOIN_NETWORK, NEED_STORE_KEY, key_id=common)
        before = self._vault.writes
        if self._vault.write_with(common):
            tell = log.info if before is None else log.warning  # the first one is no news
            tell("store_key_changed", key_id=common or "", held=held)

    async def note(self, connection: Connection) -> None:
        """Say which keys are here; of a gateway in the transaction in which it joins."""
        held = sorted(self._vault.held)
        await connection.run(NOTE_STORE_KEYS, held=held, gateway_id=self.gateway_id or _NOBODY)
        self._noted = held
