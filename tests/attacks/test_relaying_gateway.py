"""A rogue gateway at its strongest: in somebody's list, with a certificate of its own, it passes each call on while it
lasts, answers and streams as well, to an honest gateway.

Pins down: with a key's tokens it gets nowhere, be it a submission with the victim's money, a grant, a deposit, an
upload or a prover's stream, since tokens name the host that their caller's TLS verified. An API key names nothing: it
gets in where the key is good, so its list of addresses, its scopes and its day are what limits it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import grpc
import pytest
import trustme

from proofgrid.doors.grpc.hearing import hearing
from proofgrid.doors.services.api_keys import ApiKeyService
from proofgrid.doors.services.front_door import FrontDoor
from proofgrid.primitives.clock import SystemClock
from proofgrid.primitives.errors import NotAllowed, ProofgridError
from proofgrid.primitives.refusals import WrongPurpose
from proofgrid.roles.intake.api_keys import ApiKeys
from proofgrid.roles.intake.callers import Callers
from proofgrid.roles.prover.link import Link
from proofgrid.roles.prover.session_secret import SessionSecret
from proofgrid.rules.jobs.limits import Limits
from proofgrid.sdk.client import Client
from proofgrid.sdk.signing import CONNECT_PATH
from proofgrid.sdk.transfer import upload_file
from proofgrid.store.access import GRANT_ROLE
from proofgrid.store.database import Database
from proofgrid.store.transactions import Transaction
from proofgrid.wire.v1 import api_keys_pb2_grpc
from tests.attacks.test_rogue_gateway import CLIENT, NETWORK, OPERATOR, SECONDS, World
from tests.makers import a_key, some_terms


@dataclass(slots=True)
class Relay(grpc.GenericRpcHandler):
    """Makes every call that comes at an honest gateway, under the headers it came with, and answers what that says."""

    there: grpc.aio.Channel
    relayed: list[str] = field(default_factory=list)

    def service(self, details: grpc.HandlerCallDetails) -> Any:
        path = str(cast(Any, details).method)

        async def relay(parts: AsyncIterator[bytes], context: Any) -> AsyncIterator[bytes]:
            self.relayed.append(path)
            headers = tuple((key, value) for key, value in context.invocation_metadata() if key == "authorization")
            call: Any = self.there.stream_stream(path)(cast(Any, parts), metadata=headers)
            try:
                async for answer in call:
                    yield answer
            except grpc.aio.AioRpcError as error:
                context.set_trailing_metadata(error.trailing_metadata())
                await context.abort(error.code(), error.details())

        return grpc.stream_stream_rpc_method_handler(cast(Any, relay))


@dataclass(slots=True)
class Relayed:
    """The world of a rogue gateway, over TLS: both gateways have certificates that the victims believe."""

    world: World
    relay: Relay
    rogue: str  #: its address, as it stands in the victims' lists
    honest: str
    ca_file: Path

    def client(self, key: object, *, at: str = "") -> Client:
        return Client(
            at or self.rogue,
            key,  # type: ignore[arg-type]
            network=NETWORK.address,
            ca_file=self.ca_file,
            patience_seconds=0,
        )


def _credentials(authority: trustme.CA, name: str) -> grpc.ServerCredentials:
    made = authority.issue_cert(name)
    return grpc.ssl_server_credentials([(made.private_key_pem.bytes(), made.cert_chain_pems[0].bytes())])


@pytest.fixture
async def relayed(database: Database, tmp_path: Path) -> AsyncIterator[Relayed]:
    authority, world = trustme.CA(), World(database)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    honest, rogue = grpc.aio.server(), grpc.aio.server()
    heard = hearing(honest, {"127.0.0.1"})  # the name in its certificate
    world.serve(heard)
    callers = Callers(database, audience=NETWORK.address, limits=Limits(), clock=SystemClock())
    keys = ApiKeyService(FrontDoor(callers), ApiKeys(database, callers.api_keys, SystemClock()))
    api_keys_pb2_grpc.add_ApiKeyServiceServicer_to_server(keys, heard)
    port = honest.add_secure_port("127.0.0.1:0", _credentials(authority, "127.0.0.1"))
    trusted = grpc.ssl_channel_credentials(authority.cert_pem.bytes())
    async with grpc.aio.secure_channel(f"127.0.0.1:{port}", trusted) as there:
        relay = Relay(there)
        rogue.add_generic_rpc_handlers((relay,))
        rogue_port = rogue.add_secure_port("localhost:0", _credentials(authority, "localhost"))
        await honest.start()
        await rogue.start()
        for key, role in ((CLIENT, "client"), (OPERATOR, "operator")):
            await database.write(Transaction.CHANGE_ROLES, GRANT_ROLE, address=key.address, role=role, label="")
        async with asyncio.timeout(2 * SECONDS):
            yield Relayed(
                world, relay, f"grpcs://localhost:{rogue_port}", f"grpcs://127.0.0.1:{port}", tmp_path / "ca.pem"
            )
        await rogue.stop(0)
        await honest.stop(0)


async def _upload(client: Client, folder: Path) -> object:
    (folder / "file").write_bytes(b"bytes")
    return await upload_file(client.connection, folder / "file")


Call = Callable[[Client, Client, Path], Awaitable[object]]
CALLS: dict[str, Call] = {
    "submit with the victim's money": lambda client, _, __: client.submit("0" * 64, ["secret"], limit_price=1),
    "read the network's status": lambda client, _, __: client.status(),
    "upload": lambda client, _, folder: _upload(client, folder),
    "grant": lambda _, admin, __: admin.admin.grant(a_key(66).address, "admin"),
    "deposit": lambda _, admin, __: admin.admin.deposit(CLIENT.address, 10, deposit_id="d"),
    "make an API key": lambda client, _, __: client.api_keys.make("mine", scopes=["tasks:read"]),
}


@pytest.mark.parametrize("what", CALLS)
async def test_what_is_passed_on_as_it_is_spoken_is_refused(relayed: Relayed, what: str, tmp_path: Path) -> None:
    async with relayed.client(CLIENT) as client, relayed.client(NETWORK) as admin:
        with pytest.raises(WrongPurpose) as refusal:
            await CALLS[what](client, admin, tmp_path)
    assert refusal.value.field == "gateway"
    assert relayed.relay.relayed
    assert not relayed.world.tasks.got_in
    assert await relayed.world.roles_of(a_key(66).address) == []
    assert await relayed.world.balance(CLIENT.address) == 0


async def test_no_session_of_a_prover_is_begun_through_it(relayed: Relayed) -> None:
    said: asyncio.Queue[object] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def link_to(address: str) -> Link:
        return Link(
            [address],
            OPERATOR,
            terms=some_terms,
            held=lambda: (),
            secret=SessionSecret(a_key(5)),
            certify=lambda _: None,
            deliver=lambda one: loop.call_soon_threadsafe(said.put_nowait, one) and None,
            network=NETWORK.address,
            ca_file=relayed.ca_file,
            clock=SystemClock(),
        )

    for address in (relayed.rogue, relayed.honest):
        link = link_to(address)
        link.start()
        delivered = await said.get()
        await asyncio.to_thread(link.close)
        if address == relayed.rogue:
            assert isinstance(delivered, ProofgridError)
            assert CONNECT_PATH in relayed.relay.relayed
            assert not relayed.world.tasks.got_in
    assert [operator for operator, _ in relayed.world.tasks.got_in][:1] == [OPERATOR.address]


async def test_an_api_key_gets_in_where_it_is_good_and_nowhere_else(relayed: Relayed) -> None:
    async with relayed.client(CLIENT, at=relayed.honest) as owner:
        anywhere = await owner.api_keys.make("anywhere", scopes=["keys:read"])
        at_home = await owner.api_keys.make("at home", scopes=["keys:read"], addresses=["203.0.113.0/24"])
        # What limits a bearer: whoever has one is its owner's server, until it is revoked.
        async with relayed.client(anywhere.secret) as victim:
            assert [key.label for key in await victim.api_keys.known()] == ["at home", "anywhere"]
            await owner.api_keys.revoke(anywhere.key.key_id)
            with pytest.raises(ProofgridError, match="was revoked"):
                await victim.api_keys.known()
        # Where its owner has said from where it is good, its thief has to be there.
        async with relayed.client(at_home.secret) as victim:
            with pytest.raises(NotAllowed, match=r"is not good from 127\.0\.0\.1"):
                await victim.api_keys.known()
        here = await owner.api_keys.make("here", scopes=["keys:read"], addresses=["127.0.0.1", "203.0.113.7"])
        assert here.key.addresses == ("127.0.0.1/32", "203.0.113.7/32")
    async with relayed.client(here.secret, at=relayed.honest) as server:
        assert len(await server.api_keys.known()) == 3
    with suppress(ProofgridError):
        async with relayed.client(here.secret) as victim:  # a thief on the same machine is at home
            await victim.api_keys.known()
