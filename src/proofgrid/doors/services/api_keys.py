"""API keys, as services read and answer them."""

from __future__ import annotations

from proofgrid.doors.services.front_door import CallContext, FrontDoor, answering
from proofgrid.primitives.signatures import parse_address
from proofgrid.roles.intake.api_keys import ApiKeys
from proofgrid.rules.access.api_keys import WantedKey, parse_addresses, parse_key_id, parse_scopes
from proofgrid.store.api_keys import StoredKey
from proofgrid.wire.v1 import api_keys_pb2 as messages
from proofgrid.wire.v1 import api_keys_pb2_grpc as services


class ApiKeyService(services.ApiKeyServiceServicer):
    """What `ApiKeyService` of proto/proofgrid/wire/v1/api_keys.proto promises."""

    def __init__(self, door: FrontDoor, keys: ApiKeys) -> None:
        self._door = door
        self._keys = keys

    @answering
    async def MakeApiKey(self, request: messages.MakeApiKeyRequest, context: CallContext) -> messages.NewApiKey:  # noqa: N802
        caller = await self._door.admit(context, self._keys.make)
        wanted = WantedKey(
            label=request.label,
            scopes=parse_scopes(request.scopes),
            subnetwork=request.subnetwork,
            spend_per_day=request.spend_per_day,
            expires_ms=request.expires_ms,
            addresses=parse_addresses(request.addresses),
        )
        made, secret = await self._keys.make(caller, wanted)
        return messages.NewApiKey(key=write_api_key(made), secret=secret)

    @answering
    async def ListApiKeys(  # noqa: N802
        self, request: messages.ListApiKeysRequest, context: CallContext
    ) -> messages.ListApiKeysResponse:
        caller = await self._door.admit(context, self._keys.list_for)
        owner = parse_address(request.owner, field="owner") if request.owner else None
        found = await self._keys.list_for(caller, owner, limit=request.limit, cursor=request.cursor)
        return messages.ListApiKeysResponse(keys=[write_api_key(one) for one in found], next_cursor=found.next_cursor)

    @answering
    async def SetApiKey(self, request: messages.SetApiKeyRequest, context: CallContext) -> messages.ApiKey:  # noqa: N802
        caller = await self._door.admit(context, self._keys.set_spend)
        key_id = parse_key_id(request.key_id)
        return write_api_key(await self._keys.set_spend(caller, key_id, spend_per_day=request.spend_per_day))

    @answering
    async def RevokeApiKey(self, request: messages.RevokeApiKeyRequest, context: CallContext) -> messages.ApiKey:  # noqa: N802
        caller = await self._door.admit(context, self._keys.revoke)
        return write_api_key(await self._keys.revoke(caller, parse_key_id(request.key_id)))


def write_api_key(key: StoredKey) -> messages.ApiKey:
    return messages.ApiKey(
        key_id=key.key_id,
        owner=key.owner,
        maker_id=key.maker_id or "",
        label=key.label,
        scopes=key.scopes,
        subnetwork=key.subnetwork,
        spend_per_day=key.spend_per_day,
        spent_today=key.spent_today,
        created_ms=key.created_ms,
        expires_ms=key.expires_ms,
        revoked=key.is_revoked,
        used_ms=key.used_ms or 0,
        addresses=key.addresses,
    )
