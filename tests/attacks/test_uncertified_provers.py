"""Somebody has an operator's token but not its certificate, or another operator's, or one from before.

Pins down: where a gateway asks for certificates a prover's stream is let in only with one that the network made for its
operator, which counts now; it comes by itself, and a new one before it ends, without a break; the port of clients lets
no prover in; a certificate counts no more when its authority's key is retired, or its operator's role is taken.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from uuid import uuid4

import grpc
import pytest

from proofgrid.doors.grpc.hearing import hearing
from proofgrid.doors.grpc.prover import ProverService
from proofgrid.doors.grpc.server import bind, bind_for_provers
from proofgrid.doors.services.front_door import FrontDoor
from proofgrid.doors.services.key import KeyService
from proofgrid.doors.services.listening import Listen
from proofgrid.primitives.certificates import new_request, request_statement
from proofgrid.primitives.clock import SystemClock
from proofgrid.primitives.errors import InvalidField, NotAllowed, ProofgridError, Unavailable
from proofgrid.primitives.ids import Address
from proofgrid.roles.intake.callers import Callers
from proofgrid.roles.intake.certificates import Certificates
from proofgrid.roles.prover import link as link_module
from proofgrid.roles.prover.link import Link
from proofgrid.roles.prover.session_secret import SessionSecret
from proofgrid.rules.access.rights import needs
from proofgrid.rules.access.roles import Caller, Role
from proofgrid.rules.identity.key_list import KeyState, Purpose, first_list, sign_list, with_end, with_key
from proofgrid.rules.identity.network_keys import NetworkKeys
from proofgrid.rules.jobs.limits import Limits
from proofgrid.rules.jobs.offers import Welcome
from proofgrid.sdk import certificate as certificate_module
from proofgrid.sdk.certificate import ShownCertificate
from proofgrid.store.access import GRANT_ROLE, REVOKE_ROLE
from proofgrid.store.database import Database
from proofgrid.store.transactions import Transaction
from proofgrid.wire.v1 import keys_pb2_grpc, prover_pb2_grpc
from tests.certificates import CA, tls_settings
from tests.makers import a_key, some_terms

ROOT, ONE, TWO = a_key(2), a_key(21), a_key(22)
ALICE, MALLORY = a_key(5), a_key(6)
SECONDS = 60


@dataclass
class Desk:
    """Lets everybody in, and says whom."""

    came: asyncio.Queue[Address] = field(default_factory=asyncio.Queue)
    ended: asyncio.Queue[Address] = field(default_factory=asyncio.Queue)

    @needs(Role.OPERATOR, once=True)
    async def open_session(self, operator: Address, terms: Any, origin: Any) -> Any:
        self.came.put_nowait(operator)
        return SimpleNamespace(
            session_id=uuid4(),
            prover_id=f"{operator}/{terms.name}",
            operator=operator,
            outgoing=asyncio.Queue(),
            dropped=(),
            slots=1,
        )

    async def close_session(self, session: Any) -> None:
        self.ended.put_nowait(session.operator)


@dataclass
class World:
    """A gateway that asks for certificates, at two ports, and who comes to it."""

    folder: Path
    desk: Desk
    keys: NetworkKeys
    certificates: Certificates
    port: int = 0

    @property
    def gateway(self) -> str:
        return f"grpcs://localhost:{self.port}"

    @asynccontextmanager
    async def prover(self, key: Any = ALICE) -> AsyncIterator[asyncio.Queue[Any]]:
        """A prover that wants in; yields what it hears."""
        said: asyncio.Queue[Any] = asyncio.Queue()
        loop = asyncio.get_running_loop()
        link = Link(
            [self.gateway],
            key,
            terms=some_terms,
            held=tuple,
            secret=SessionSecret(a_key(8)),
            certify=lambda _network: None,
            deliver=lambda message: loop.call_soon_threadsafe(said.put_nowait, message),
            network=ROOT.address,
            ca_file=self.folder / CA,
            clock=SystemClock(),
        )
        link.start()
        try:
            yield said
        finally:
            await asyncio.to_thread(link.close)


async def _next(queue: asyncio.Queue[Any]) -> Any:
    async with asyncio.timeout(SECONDS):
        return await queue.get()


@pytest.fixture
async def world(database: Database, tmp_path: Path) -> AsyncIterator[World]:
    settings = tls_settings(tmp_path)
    listen = Listen(certificate=Path(settings["TLS_CERTIFICATE"]), private_key=Path(settings["TLS_KEY"]))
    keys = NetworkKeys.of(ROOT)
    world = World(tmp_path, Desk(), keys, Certificates(keys, SystemClock()))
    server = grpc.aio.server()
    heard = hearing(server, {"localhost"})
    door = FrontDoor(Callers(database, audience=ROOT.address, limits=Limits(), clock=SystemClock()))
    service = ProverService(
        door, cast(Any, world.desk), network=ROOT.address, heartbeat_ms=1_000, certificates=world.certificates
    )
    prover_pb2_grpc.add_ProverServiceServicer_to_server(service, heard)
    keys_pb2_grpc.add_KeyServiceServicer_to_server(KeyService(door, cast(Any, None), world.certificates), heard)
    world.port = bind(server, listen)
    world.certificates.port = bind_for_provers(server, listen, lambda: world.certificates.roots)
    await server.start()
    for key in (ALICE, MALLORY):
        await database.write(Transaction.CHANGE_ROLES, GRANT_ROLE, address=key.address, role="operator", label="")
    yield world
    await server.stop(0)


async def test_an_honest_prover_gets_its_certificate_by_itself(world: World) -> None:
    async with world.prover() as said:
        assert isinstance(await _next(said), Welcome)
    assert await _next(world.desk.came) == ALICE.address


async def test_where_none_is_asked_for_a_prover_connects_where_clients_do(world: World) -> None:
    world.certificates.port = 0
    async with world.prover() as said:
        assert isinstance(await _next(said), Welcome)
    assert await _next(world.desk.came) == ALICE.address


async def test_a_new_one_comes_before_it_ends_and_nobody_notices(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificate_module, "RENEW_AFTER", 1e-6)
    async with world.prover() as said:
        for _ in range(3):
            assert await _next(world.desk.came) == ALICE.address
        heard = [await _next(said) for _ in range(3)]
    assert any(isinstance(one, Welcome) for one in heard)
    assert not any(isinstance(one, NotAllowed) for one in heard)


async def test_a_stream_ends_with_its_certificate(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificate_module, "RENEW_AFTER", 1_000.0)
    monkeypatch.setattr(Certificates, "seconds_left", lambda *_: 0.0)
    async with world.prover():
        assert await _next(world.desk.came) == ALICE.address
        assert await _next(world.desk.ended) == ALICE.address


async def _refusal(world: World, key: Any = ALICE) -> ProofgridError:
    async with world.prover(key) as said:
        while True:
            heard = await _next(said)
            if isinstance(heard, ProofgridError):
                return heard
            assert not isinstance(heard, Welcome)


async def test_the_port_of_clients_lets_no_prover_in(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_module, "fetch_certificate", lambda *_, **__: None)
    refused = await _refusal(world)
    assert isinstance(refused, NotAllowed)
    assert f"at port {world.certificates.port}" in refused.hint
    assert world.desk.came.empty()


async def test_a_token_of_alice_with_the_certificate_of_mallory_is_refused(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch = certificate_module.fetch_certificate
    monkeypatch.setattr(
        link_module, "fetch_certificate", lambda channel, key, *rest, **named: fetch(channel, MALLORY, *rest, **named)
    )
    refused = await _refusal(world)
    assert isinstance(refused, NotAllowed)
    assert f"the certificate is {MALLORY.address}'s" in refused.detail
    assert world.desk.came.empty()


@pytest.mark.parametrize("authority", ["stranger", "nobody"])
async def test_a_certificate_of_another_authority_does_not_even_get_to_talk(
    world: World, monkeypatch: pytest.MonkeyPatch, authority: str
) -> None:
    secret, request = new_request()
    made = Certificates(NetworkKeys.of(MALLORY), SystemClock())
    certificate = made.authorities[0].certify(request, ALICE.address, serial=1, now_ms=SystemClock().now_ms())[0]
    shown = ShownCertificate(
        address=f"localhost:{world.certificates.port}",
        certificate=certificate if authority == "stranger" else b"",
        secret=secret if authority == "stranger" else b"",
        renew_seconds=1_000,
    )
    if authority == "nobody":
        roots = (world.folder / CA).read_bytes()
        monkeypatch.setattr(ShownCertificate, "credentials", lambda *_: grpc.ssl_channel_credentials(roots))
    monkeypatch.setattr(link_module, "fetch_certificate", lambda *_, **__: shown)
    assert isinstance(await _refusal(world), Unavailable)
    assert world.desk.came.empty()


async def test_what_was_certified_by_a_retired_key_counts_no_more(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = with_key(first_list(ROOT.address), ONE.address, [Purpose.CERTIFICATES], now_ms=1)
    named = with_key(named, TWO.address, [Purpose.CERTIFICATES], now_ms=2)
    cold = NetworkKeys(ROOT.address, [ONE, TWO], sign_list(named, ROOT))
    world.certificates._keys = cold
    secret, request = new_request()
    old = Certificates(NetworkKeys(ROOT.address, [ONE], cold.keys), SystemClock()).authorities[0]
    certificate = old.certify(request, ALICE.address, serial=1, now_ms=SystemClock().now_ms())[0]
    assert world.certificates.check(certificate, ALICE.address)
    cold.hear(sign_list(with_end(named, ONE.address, KeyState.RETIRED, now_ms=3), ROOT))
    with pytest.raises(NotAllowed, match="none of this network's that counts now"):
        world.certificates.check(certificate, ALICE.address)
    shown = ShownCertificate(
        address=f"localhost:{world.certificates.port}", certificate=certificate, secret=secret, renew_seconds=1_000
    )
    fetch = certificate_module.fetch_certificate
    monkeypatch.setattr(link_module, "fetch_certificate", lambda *_, **__: shown)
    assert isinstance(await _refusal(world), Unavailable | NotAllowed)
    monkeypatch.setattr(link_module, "fetch_certificate", fetch)
    async with world.prover() as said:
        assert isinstance(await _next(said), Welcome)


async def test_nobody_without_the_role_is_certified(world: World, database: Database) -> None:
    assert isinstance(await _refusal(world, a_key(7)), ProofgridError)
    await database.write(Transaction.CHANGE_ROLES, REVOKE_ROLE, address=MALLORY.address, role="operator")
    assert isinstance(await _refusal(world, MALLORY), ProofgridError)
    assert world.desk.came.empty()


async def test_a_request_that_somebody_else_signed_gets_nothing(world: World) -> None:
    _, request = new_request()
    alice = Caller(ALICE.address, frozenset({Role.OPERATOR}))
    for signature in (
        "",
        MALLORY.sign(request_statement(ROOT.address, request)),
        ALICE.sign(request_statement(MALLORY.address, request)),
        ALICE.sign(request_statement(ROOT.address, new_request()[1])),
    ):
        with pytest.raises(InvalidField) as refusal:
            await world.certificates.certify(alice, request, signature)
        assert refusal.value.field == "signature"
