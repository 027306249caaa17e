"""Somebody has an API key that is not its own: what it may do, and that it ends with everything that is open.

Pins down: a key that is revoked, expires, or loses its maker ends the streams that were opened with it, by whatever
gateway, and nobody else's; it is refused where its scope does not reach and where others can read it; its secret is in
no log; a wrong secret costs its caller what any forged token does, and the server that has the right one nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import grpc
import pytest

from proofgrid.doors.grpc.hearing import hearing
from proofgrid.doors.services.api_keys import ApiKeyService
from proofgrid.doors.services.front_door import CallContext, FrontDoor, streaming
from proofgrid.primitives.account_errors import OutOfScope
from proofgrid.primitives.clock import ManualClock, SystemClock
from proofgrid.primitives.errors import BadToken, ProofgridError, RateLimited, TokenExpired, UnknownKey
from proofgrid.roles.intake.api_keys import ApiKeys
from proofgrid.roles.intake.callers import Callers
from proofgrid.roles.intake.heard import Heard, hear
from proofgrid.rules.access.api_keys import Scope, WantedKey
from proofgrid.rules.access.rights import needs
from proofgrid.rules.access.roles import Caller, Role
from proofgrid.rules.jobs.limits import Limits
from proofgrid.sdk.client import Client
from proofgrid.store.access import GRANT_ROLE
from proofgrid.store.database import Database
from proofgrid.store.listener import Listener
from proofgrid.store.transactions import Transaction
from proofgrid.telemetry.redaction import redacted
from proofgrid.wire.v1 import api_keys_pb2_grpc
from proofgrid.wire.v1 import client_pb2 as messages
from proofgrid.wire.v1 import client_pb2_grpc as services
from tests.makers import a_key
from tests.toy_call import told, toy_call

NETWORK = a_key(2).address
OWNER = a_key(1)
NOTHING = Heard(method="", names=frozenset(), body="")  #: keys are bound to no call
HOLDER = ["tasks:read", "keys:write"]


class Watching(services.ClientServiceServicer):
    """A stream that lasts until somebody ends it."""

    def __init__(self, callers: Callers) -> None:
        self._door = FrontDoor(callers)

    @needs(Role.CLIENT, scopes=(Scope.TASKS_READ,))
    async def watch(self) -> None: ...

    @streaming
    async def WatchTask(  # noqa: N802
        self, request: messages.WatchTaskRequest, context: CallContext
    ) -> AsyncIterator[messages.TaskEvent]:
        await self._door.admit(context, self.watch)
        yield messages.TaskEvent(cursor=1, kind="stage", data_json="{}")
        await asyncio.Event().wait()


class Network:
    """Two gateways of one database, and clients by key and by API key."""

    def __init__(self, database: Database) -> None:
        self.callers = [Callers(database, audience=NETWORK, limits=Limits(), clock=SystemClock()) for _ in "ab"]
        self.addresses: list[str] = []
        self.servers: list[grpc.aio.Server] = []
        for callers in self.callers:
            server = grpc.aio.server()
            self.addresses.append(f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}")
            heard = hearing(server, {self.addresses[-1]})
            services.add_ClientServiceServicer_to_server(Watching(callers), heard)  # type: ignore[abstract]
            keys = ApiKeyService(FrontDoor(callers), ApiKeys(database, callers.api_keys, SystemClock()))
            api_keys_pb2_grpc.add_ApiKeyServiceServicer_to_server(keys, heard)
            self.servers.append(server)

    def client(self, key: object, *, gateway: int = 0) -> Client:
        return Client(self.addresses[gateway], key, network=NETWORK, patience_seconds=0)  # type: ignore[arg-type]


@pytest.fixture
async def network(database: Database) -> AsyncIterator[Network]:
    network = Network(database)
    await database.write(Transaction.CHANGE_ROLES, GRANT_ROLE, address=OWNER.address, role="client", label="")
    listeners = [Listener(database.dsn, {"api_keys": callers.api_key_changed}) for callers in network.callers]
    async with asyncio.TaskGroup() as group:
        running = [group.create_task(one.run()) for one in listeners]
        running += [group.create_task(callers.calls.run()) for callers in network.callers]
        for listener, callers, server in zip(listeners, network.callers, network.servers, strict=True):
            await listener.wait_listening()
            callers.hear()
            await server.start()
        async with asyncio.timeout(60):
            yield network
        for one in running:
            one.cancel()
    for server in network.servers:
        await server.stop(0)


async def made(network: Network, *, scopes: list[str] = HOLDER, expires_ms: int = 0) -> tuple[str, str]:
    async with network.client(OWNER) as owner:
        new = await owner.api_keys.make("a server", scopes=scopes, expires_ms=expires_ms)
    return new.key.key_id, new.secret


async def test_a_revoked_keys_streams_end_at_every_gateway_and_nobody_elses_do(network: Network) -> None:
    key_id, secret = await made(network)
    _, other = await made(network)
    async with (
        network.client(secret) as here,
        network.client(secret, gateway=1) as there,
        network.client(other) as beside,
        network.client(OWNER) as owner,
    ):
        streams = [client.watch("t") for client in (here, there)]
        spared = [client.watch("t") for client in (beside, owner)]
        for stream in (*streams, *spared):
            await anext(stream)
        waiting = [asyncio.ensure_future(anext(stream)) for stream in spared]
        assert (await owner.api_keys.revoke(key_id)).revoked
        for stream in streams:
            with pytest.raises(UnknownKey, match="revoked"):
                await anext(stream)
        with pytest.raises(UnknownKey, match="revoked"):
            await anext(there.watch("t"))
        assert not [one for one in waiting if one.done()]
        for one in waiting:
            one.cancel()


async def test_with_its_maker_a_keys_streams_end(network: Network) -> None:
    maker_id, secret = await made(network)
    async with network.client(secret) as maker:
        child = await maker.api_keys.make("of a key", scopes=["tasks:read"])
    async with network.client(child.secret, gateway=1) as thief, network.client(OWNER) as owner:
        stream = thief.watch("t")
        await anext(stream)
        await owner.api_keys.revoke(maker_id)
        with pytest.raises(UnknownKey, match="revoked"):
            await anext(stream)


async def test_a_stream_ends_when_the_time_of_its_key_is_over(network: Network) -> None:
    _, secret = await made(network, expires_ms=SystemClock().now_ms() + 1_500)
    async with network.client(secret) as client:
        stream = client.watch("t")
        await anext(stream)
        with pytest.raises(TokenExpired):
            await anext(stream)


async def test_a_key_reaches_no_further_than_its_scope(network: Network) -> None:
    _, secret = await made(network, scopes=["keys:read"])
    async with network.client(secret) as thief:
        for call in (lambda: thief.api_keys.make("more"), lambda: thief.api_keys.revoke("0" * 16)):
            with pytest.raises(OutOfScope):
                await call()
        with pytest.raises(OutOfScope):
            await anext(thief.watch("t"))


async def test_who_guesses_is_refused_like_any_forger_and_shuts_the_right_one_out_nowhere(database: Database) -> None:
    await database.write(Transaction.CHANGE_ROLES, GRANT_ROLE, address=OWNER.address, role="client", label="")
    callers = Callers(database, audience=NETWORK, limits=Limits(stranger_requests_burst=5), clock=ManualClock())
    callers.hear()
    keys = ApiKeys(database, callers.api_keys, SystemClock())
    wanted = WantedKey(label="a server", scopes=frozenset({Scope.TASKS_READ}))
    _, secret = await keys.make(Caller(OWNER.address, frozenset({Role.CLIENT})), wanted)

    async def admit(token: str) -> Caller:
        clients = frozenset({Role.CLIENT})
        return await callers.admit(
            token, clients, heard=NOTHING, scopes=wanted.scopes, is_private=True, host="10.0.0.1"
        )

    await admit(secret)
    refused: list[type[ProofgridError]] = []
    for number in range(12):
        try:
            await admit(f"pgk_{number:016x}_{number:064x}")
        except ProofgridError as error:
            refused.append(type(error))
    assert refused == [BadToken] * 5 + [RateLimited] * 7
    assert (await admit(secret)).address == OWNER.address


async def test_a_key_that_comes_over_the_network_in_plain_text_is_refused(network: Network) -> None:
    _, secret = await made(network)
    hear(NOTHING)
    call = toy_call(token=secret)
    call.auth_context.return_value = {}
    with pytest.raises(ConnectionAbortedError):
        await ApiKeyService(FrontDoor(network.callers[0]), ApiKeys(None, None, None)).ListApiKeys(None, call)  # type: ignore[arg-type]
    assert "revoke it" in told(call)
    call.auth_context.return_value = {"transport_security_type": [b"ssl"]}
    caller = await FrontDoor(network.callers[0]).admit(call, ApiKeys(None, None, None).make)  # type: ignore[arg-type]
    assert caller.api_key_id in secret


def test_a_keys_secret_is_in_no_log() -> None:
    secret = "ab" * 32
    assert secret not in redacted(f"call failed: pgk_{'1' * 16}_{secret} and more")
    assert "pgk_1111111111111111_" in redacted(f"authorization=pgk_{'1' * 16}_{secret}")
