"""The network's keys: which there are, and the next list of them; roles sign by the newest that was heard of here.

list signed by the root key -> one row -> every gateway is told: it reads its folder of keys again, signs by the list
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import structlog

from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.ids import Address
from proofgrid.primitives.signatures import Signer
from proofgrid.roles.loop import Loop, every
from proofgrid.rules.access.api_keys import Scope
from proofgrid.rules.access.rights import ANYBODY, needs
from proofgrid.rules.access.roles import Caller, Role
from proofgrid.rules.identity.key_list import (
    KeyState,
    Purpose,
    SignedKeyList,
    check_follows,
    first_list,
    read_signed_list,
)
from proofgrid.rules.identity.network_keys import NetworkKeys
from proofgrid.rules.incidents.signals import Signal
from proofgrid.store.connection import Connection
from proofgrid.store.database import Database
from proofgrid.store.incidents import open_incidents
from proofgrid.store.keys import ADD_KEY_LIST, LATEST_KEY_LIST
from proofgrid.store.transactions import Transaction

LOOK_SECONDS = 30.0  #: for key files that somebody put there; lists are told at once

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownKeys:
    """The network's keys, as a caller may see them."""

    network: Address
    keys: SignedKeyList | None
    held: Sequence[Address]  #: by this gateway; empty for those who are no administrators


class KeyRing:
    """`load` reads the keys that lie on this machine, and may block; `keep` stores a list there."""

    def __init__(
        self,
        database: Database,
        keys: NetworkKeys,
        *,
        load: Callable[[], Iterable[Signer]],
        keep: Callable[[SignedKeyList], None],
    ) -> None:
        self._database = database
        self._keys = keys
        self._load = load
        self._keep = keep
        self._loop = Loop("network_keys", every(LOOK_SECONDS, self.look), first=LOOK_SECONDS, retry_seconds=1.0)

    def wake(self) -> None:
        """The list may have changed."""
        self._loop.wake()

    async def run(self) -> None:
        """Look for new lists and new key files until cancelled."""
        await self._loop.run()

    @needs(*ANYBODY, scopes=(Scope.NETWORK_READ,))
    async def get(self, caller: Caller) -> ShownKeys:
        """Return the newest list; an administrator sees also which of them this gateway has."""
        held = self._keys.held if caller.is_admin else []
        return ShownKeys(network=self._keys.network, keys=self._keys.keys, held=held)

    def ever_named(self, purpose: Purpose) -> list[Address]:
        """Return every key that was ever the network's for a purpose, its root key first; anybody may know them."""
        named = [key.address for key in self._keys.named.keys if purpose in key.purposes]
        return [self._keys.network, *named]

    @needs(Role.ADMIN, once=True)
    async def publish(self, admin: Caller, text: str) -> ShownKeys:
        """Let everybody go by the next list.

        Raises InvalidField for one that is not the next, that the root key did not sign, or by which this gateway could
        sign nothing any more.
        """
        signed = read_signed_list(text, field="keys")
        await self._load_again()
        async with self._database.transaction(Transaction.CHANGE_KEYS) as connection:
            if not await self._is_there(connection, signed):
                self._check_served(signed)
                if await connection.first(ADD_KEY_LIST, number=signed.list.number, spelled=signed.text) is None:
                    raise InvalidField("somebody else published a list meanwhile", field="keys", hint="admin keys list")
                await self._note_stolen(connection, signed)
        await self._hear(signed)
        return await self.get(admin)

    async def _note_stolen(self, connection: Connection, signed: SignedKeyList) -> None:
        """Open an incident for each key that this list revokes first, in the transaction that publishes it."""
        before = {key.address for key in self._keys.named.keys if key.state is KeyState.REVOKED}
        await open_incidents(
            connection,
            [
                Signal(
                    kind="key_compromised",
                    subject=key.address,
                    detail=f"list {signed.list.number} revokes the network's key for {', '.join(key.purposes)}",
                    facts={"purposes": [one.value for one in key.purposes], "list": signed.list.number},
                )
                for key in signed.list.keys
                if key.state is KeyState.REVOKED and key.address not in before
            ],
        )

    async def look(self) -> None:
        """Another gateway may have published a list, or a key may lie here that did not before."""
        async with self._database.connection() as connection:
            stored = await connection.first(LATEST_KEY_LIST)
        try:
            await self._load_again()
            if stored is not None:
                await self._hear(read_signed_list(stored, field="key_lists"))
        except InvalidField as error:  # a file that is half copied is whole the next time
            log.error("keys_not_read", error=str(error))

    async def _is_there(self, connection: Connection, signed: SignedKeyList) -> bool:
        """Return whether this very list is the newest; raise InvalidField unless it is that or the next."""
        stored = await connection.first(LATEST_KEY_LIST)
        before = first_list(self._keys.network) if stored is None else read_signed_list(stored, field="key_lists").list
        if stored == signed.text:
            return True
        check_follows(before, signed.list)
        return False

    def _check_served(self, signed: SignedKeyList) -> None:
        if lacking := self._keys.lacks(signed.list):
            raise InvalidField(
                f"by this list the gateway that you ask could not sign {', '.join(lacking)} any more",
                field="keys",
                hint="put the file of an active key for that into the folder `keys` of its data directory first",
            )

    async def _load_again(self) -> None:
        self._keys.hold(await asyncio.to_thread(lambda: list(self._load())))

    async def _hear(self, signed: SignedKeyList) -> None:
        if not self._keys.hear(signed):
            return
        await asyncio.to_thread(self._keep, signed)
        lacking = self._keys.lacks(signed.list)
        log.warning("keys_changed", number=signed.list.number, lacking=[one.value for one in lacking])
