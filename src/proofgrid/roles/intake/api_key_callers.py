"""Callers by API key: which key it is, that it is good now, and when each was used last.

Keys that call often are held for a second at most; the database tells of revocations.
"""

from __future__ import annotations

from contextlib import suppress

from proofgrid.primitives.clock import Clock
from proofgrid.primitives.errors import BadToken, Recoverable
from proofgrid.primitives.turns import Urgency
from proofgrid.roles.intake.known import Known
from proofgrid.roles.loop import Loop, every
from proofgrid.rules.access.api_keys import ApiKey, check_live, check_secret, id_of
from proofgrid.store.api_keys import GET_API_KEY, NOTE_KEYS_USED, StoredKey
from proofgrid.store.database import Database
from proofgrid.store.transactions import Transaction

NOTE_SECONDS = 30.0  #: so late is what a list says of a key's last use


class ApiKeyCallers:
    """Needs its `run` in a TaskGroup."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._used: dict[str, int] = {}
        self.known: Known[str, StoredKey | None] = Known(self._stored, clock=clock)

    async def run(self) -> None:
        """Write down when keys were used, now and then, until cancelled; what is known by then as well."""
        try:
            await Loop("api_keys_used", every(NOTE_SECONDS, self.note), first=NOTE_SECONDS).run()
        finally:
            with suppress(Recoverable):
                await self.note()

    def has(self, token: str) -> bool:
        """Was it known a while ago that there is a key of this name? Asks nobody. Raises BadToken."""
        return self.known.last(id_of(token)) is not None

    async def authenticate(self, token: str, *, is_private: bool) -> ApiKey:
        """Return the key that a caller carries.

        `is_private`: nobody on the way could read it. Raises BadToken where somebody could, or for a key that is none;
        UnknownKey for one that was revoked, TokenExpired.
        """
        if not is_private:
            raise BadToken(
                "an API key goes over TLS, or stays on this machine", hint="this one was readable on its way: revoke it"
            )
        stored = await self.known.of(id_of(token))
        check_secret(token, None if stored is None else stored.secret_hash)
        key = self._live(stored)
        self._used[key.key_id] = self._clock.now_ms()
        return key

    async def check(self, key_id: str) -> None:
        """Raise UnknownKey, TokenExpired, for a key that is not good any more, as the database has it now."""
        self._live(await self.known.read(key_id))

    async def note(self) -> None:
        """Write down when keys were used since the last time."""
        used, self._used = self._used, {}
        if not used:
            return
        try:
            await self._database.write(
                Transaction.NOTE_KEYS_USED, NOTE_KEYS_USED, key_ids=list(used), moments=list(used.values())
            )
        except BaseException:
            self._used = used | self._used
            raise

    def _live(self, stored: StoredKey | None) -> ApiKey:
        if stored is None:
            raise BadToken("there is no such API key")
        check_live(stored.may, is_revoked=stored.is_revoked, now_ms=self._clock.now_ms())
        return stored.may

    async def _stored(self, key_id: str) -> StoredKey | None:
        async with self._database.connection(Urgency.ADMISSION) as connection:
            return await connection.first(GET_API_KEY, key_id=key_id)
