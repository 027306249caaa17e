"""Which keys speak for a network, as its root key says.

keys = await client.admin.keys.get()                 # the signature is checked
await client.admin.keys.publish(sign_list(with_key(keys.named, address, [Purpose.ROUNDS], now_ms=...), root))
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from proofgrid.primitives.errors import InvalidField, WrongAudience
from proofgrid.primitives.ids import Address
from proofgrid.primitives.signatures import parse_address
from proofgrid.rules.identity.key_list import BYTES_MAX, KeyList, SignedKeyList, first_list, read_signed_list
from proofgrid.sdk.connection import Connection
from proofgrid.wire.v1 import keys_pb2 as messages


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkKeys:
    """What a gateway says of its network's keys, checked."""

    network: Address
    signed: SignedKeyList | None  #: None: the root key signs everything
    held: Sequence[Address]  #: by the gateway that was asked; empty for those who are no administrators

    @property
    def named(self) -> KeyList:
        """The list; where there is none, the one in which the root key stands alone."""
        return first_list(self.network) if self.signed is None else self.signed.list


class KeyLists:
    """`get` is for everybody who may use the network, `publish` for administrators."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def get(self) -> NetworkKeys:
        """Return the newest list. Raises WrongAudience for one of another network, InvalidField for a forged one."""
        request = messages.GetKeysRequest()
        return await self._read(await self._connection.ask(lambda services: services.keys.GetKeys, request))

    async def publish(self, signed: SignedKeyList) -> NetworkKeys:
        """Let the network go by the next list; published twice it is the same."""
        request = messages.PublishKeysRequest(keys=signed.text)
        return await self._read(await self._connection.ask(lambda services: services.keys.PublishKeys, request))

    async def _read(self, answer: messages.NetworkKeys) -> NetworkKeys:
        network = await self._connection.network()
        signed = read_signed_list(answer.keys) if answer.keys else None
        named = answer.network if signed is None else signed.list.network
        if parse_address(named, field="network") != network:
            raise WrongAudience(f"these are the keys of {named}, not of {network}", field="network")
        held = [parse_address(one, field="held") for one in answer.held]
        return NetworkKeys(network=network, signed=signed, held=held)


def read_list_file(path: Path | None, *, field: str = "--keys") -> SignedKeyList | None:
    """Return the list of a file by `proofgrid admin keys list --save`, None for no file. Raises InvalidField."""
    if path is None:
        return None
    try:
        with path.open("rb") as file:
            content = file.read(BYTES_MAX + 1)
    except OSError as error:
        raise InvalidField(f"{path} cannot be read: {error.strerror}", field=field) from None
    return read_signed_list(content, field=field)
