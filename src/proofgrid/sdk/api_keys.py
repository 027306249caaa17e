"""API keys: what servers of yours carry instead of your signing key, each for a part of what that may do.

async with Client("grpcs://gateway.example:7400", key) as client:
    new = await client.api_keys.make("rollup backend", spend_per_day=5_000_000_000)
async with Client("grpcs://gateway.example:7400", new.secret) as server:
    task = await server.submit(…)
"""

from __future__ import annotations

from collections.abc import Iterable

from proofgrid.primitives.pages import Page
from proofgrid.sdk.answers.api_keys import ApiKey, NewApiKey
from proofgrid.sdk.answers.reading import read, read_page
from proofgrid.sdk.connection import Connection
from proofgrid.wire.v1 import api_keys_pb2 as messages


class ApiKeys:
    """For clients. `known` and `revoke` may safely be called twice, and are while none answers."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def make(
        self,
        label: str,
        *,
        scopes: Iterable[str] = (),
        subnetwork: str = "",
        spend_per_day: int = 0,
        expires_ms: int = 0,
        addresses: Iterable[str] = (),
    ) -> NewApiKey:
        """Make a key; its secret is in the answer and nowhere else.

        `scopes`: none means tasks:read, tasks:write, programs:read, network:read. `spend_per_day`: base units that may
        leave your account by it on one UTC day. `expires_ms` 0: never. `addresses`: of your servers, or their networks
        (203.0.113.0/24); it is good from nowhere else. Where a gateway dies before it answers, another one is made:
        revoke what you have no secret of.
        """
        request = messages.MakeApiKeyRequest(
            label=label,
            scopes=list(scopes),
            subnetwork=subnetwork,
            spend_per_day=spend_per_day,
            expires_ms=expires_ms,
            addresses=list(addresses),
        )
        return read(NewApiKey, await self._connection.ask(lambda services: services.api_keys.MakeApiKey, request))

    async def known(self, owner: str = "", *, limit: int = 0, cursor: str = "") -> Page[ApiKey]:
        """Return your keys, newest first, or for administrators those of an owner; dead ones stay for 30 days."""
        request = messages.ListApiKeysRequest(owner=owner, limit=limit, cursor=cursor)
        answer = await self._connection.ask(lambda services: services.api_keys.ListApiKeys, request)
        return read_page(ApiKey, answer.keys, answer.next_cursor)

    async def set_spend(self, key_id: str, spend_per_day: int) -> ApiKey:
        """Say anew what a key may spend a day, in base units; what it spent today stays counted. Not by an API key."""
        request = messages.SetApiKeyRequest(key_id=key_id, spend_per_day=spend_per_day)
        return read(ApiKey, await self._connection.ask(lambda services: services.api_keys.SetApiKey, request))

    async def revoke(self, key_id: str) -> ApiKey:
        """End a key, and those that it made, at once: calls that it has open end as well."""
        request = messages.RevokeApiKeyRequest(key_id=key_id)
        return read(ApiKey, await self._connection.ask(lambda services: services.api_keys.RevokeApiKey, request))
