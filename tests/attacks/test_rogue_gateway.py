"""A gateway in somebody's list that is nobody's friend: it writes down every call and makes it again elsewhere.

Pins down: what is spoken to one gateway is good at no other; who has a token that was spoken to an honest gateway (a
balancer, a log) can make no other call of it, say nothing else with it, and do nothing twice that is money, rights or
administration; a hello is one prover's, at one gateway, once.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import grpc
import pytest

from proofgrid.doors.grpc.hearing import hearing
from proofgrid.doors.grpc.prover import ProverService
from proofgrid.doors.services.admin import AdminService
from proofgrid.doors.services.artifact import ArtifactService
from proofgrid.doors.services.client import ClientService
from proofgrid.doors.services.front_door import FrontDoor
from proofgrid.primitives.clock import SystemClock
from proofgrid.primitives.errors import BadToken, ProofgridError, TokenReplayed, Unavailable
from proofgrid.primitives.ids import Address
from proofgrid.primitives.refusals import WrongPurpose
from proofgrid.roles.intake.access_list import AccessList
from proofgrid.roles.intake.accounts import Accounts
from proofgrid.roles.intake.callers import Callers
from proofgrid.roles.intake.treasury import Treasury
from proofgrid.roles.prover.link import Link
from proofgrid.roles.prover.session_secret import SessionSecret
from proofgrid.rules.access.rights import ANYBODY, needs
from proofgrid.rules.access.roles import Role
from proofgrid.rules.access.sessions import CallId
from proofgrid.rules.jobs.limits import Limits
from proofgrid.rules.ledger.accounts import client_account
from proofgrid.sdk.client import Client
from proofgrid.sdk.connection import Connection
from proofgrid.sdk.signing import CONNECT_PATH
from proofgrid.sdk.transfer import upload_file
from proofgrid.store.access import GRANT_ROLE, ROLES_OF
from proofgrid.store.database import Database
from proofgrid.store.ledger import balance_of
from proofgrid.store.transactions import Transaction
from proofgrid.wire.codec.provers import write_hello
from proofgrid.wire.errors import read_error
from proofgrid.wire.v1 import client_pb2, client_pb2_grpc, prover_pb2_grpc
from tests.makers import a_key, some_terms

NETWORK, CLIENT, OPERATOR, THIEF = a_key(9), a_key(1), a_key(2), a_key(66)
HERE = "/proofgrid.v1."
STATUS, SUBMIT, UPLOAD = (
    HERE + "ClientService/GetStatus",
    HERE + "ClientService/Submit",
    HERE + "ArtifactService/Upload",
)
GRANT, DEPOSIT = HERE + "AdminService/Grant", HERE + "AdminService/Deposit"
SECONDS = 30


@dataclass(frozen=True, slots=True)
class Recorded:
    """A call as it came over the wire: path, headers, and its first message."""

    path: str
    header: str
    body: bytes


@dataclass(slots=True)
class Rogue(grpc.GenericRpcHandler):
    """Writes every call down and is never there."""

    calls: asyncio.Queue[Recorded] = field(default_factory=asyncio.Queue)

    def service(self, details: grpc.HandlerCallDetails) -> Any:
        async def hear(parts: AsyncIterator[bytes], context: Any) -> None:
            headers = dict(context.invocation_metadata())
            body = await anext(aiter(parts), b"")
            self.calls.put_nowait(Recorded(details.method, headers.get("authorization", ""), body))
            await context.abort(grpc.StatusCode.UNAVAILABLE, "busy, ask another one")

        return grpc.stream_stream_rpc_method_handler(cast(Any, hear))


class Tasks:
    """Counts who got in as a client."""

    def __init__(self) -> None:
        self.got_in: list[tuple[Address, str]] = []

    @needs(Role.CLIENT)
    async def submit(self, caller: Any, request: Any) -> Any:
        self.got_in.append((caller.address, request.idempotency_key))
        raise Unavailable("let in")

    @needs(*ANYBODY)
    async def now(self) -> Any:
        self.got_in.append((NETWORK.address, "status"))
        raise Unavailable("let in")

    @needs(*ANYBODY)
    async def store(self, caller: Any, declared: Any, chunks: Any) -> Any:
        self.got_in.append((caller.address, f"{declared.size_bytes} bytes"))
        raise Unavailable("let in")

    @needs(Role.OPERATOR, once=True)
    async def open_session(self, operator: Address, terms: Any, origin: Any) -> Any:
        self.got_in.append((operator, terms.name))
        raise Unavailable("let in")


class World:
    """An honest gateway and a rogue one; `keys` that may do everything, and call through the rogue one first."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.tasks = Tasks()
        self.rogue = Rogue()
        self.honest_address = self.rogue_address = ""

    def serve(self, server: grpc.aio.Server) -> None:
        """Offer what an honest gateway offers, as far as it is asked here."""
        callers = Callers(self.database, audience=NETWORK.address, limits=Limits(), clock=SystemClock())
        door = FrontDoor(callers)
        everything = SimpleNamespace(
            access=AccessList(self.database, callers.known_roles),
            treasury=Treasury(self.database),
            tasks=self.tasks,
            status=self.tasks,
            callers=callers,
            gate=SimpleNamespace(place=lambda _: nullcontext()),
            limits=Limits(),
            accounts=Accounts(self.database),
            dead_letters=None,
        )
        intake = cast(Any, everything)
        client_pb2_grpc.add_AdminServiceServicer_to_server(AdminService(door, intake), server)
        client_pb2_grpc.add_ClientServiceServicer_to_server(ClientService(door, intake), server)
        client_pb2_grpc.add_ArtifactServiceServicer_to_server(ArtifactService(door, intake.tasks), server)
        prover = ProverService(door, intake.tasks, network=NETWORK.address, heartbeat_ms=1_000)
        prover_pb2_grpc.add_ProverServiceServicer_to_server(prover, server)

    async def recorded(self) -> Recorded:
        """Return the next call that the rogue gateway wrote down."""
        async with asyncio.timeout(SECONDS):
            return await self.rogue.calls.get()

    async def roles_of(self, address: Address) -> list[Role]:
        async with self.database.connection() as connection:
            return list(await connection.fetch(ROLES_OF, address=address))

    async def balance(self, address: Address) -> int:
        async with self.database.connection() as connection:
            return await balance_of(connection, client_account(address))


@pytest.fixture
async def world(database: Database) -> AsyncIterator[World]:
    world = World(database)
    honest, rogue = grpc.aio.server(), grpc.aio.server()
    rogue.add_generic_rpc_handlers((world.rogue,))
    names: set[str] = set()
    world.serve(hearing(honest, names))
    world.honest_address = f"127.0.0.1:{honest.add_insecure_port('127.0.0.1:0')}"
    world.rogue_address = f"127.0.0.1:{rogue.add_insecure_port('127.0.0.1:0')}"
    names.add(world.honest_address)
    await honest.start()
    await rogue.start()
    for key, role in ((CLIENT, "client"), (OPERATOR, "operator")):
        await database.write(Transaction.CHANGE_ROLES, GRANT_ROLE, address=key.address, role=role, label="")
    yield world
    await honest.stop(0)
    await rogue.stop(0)


async def make(address: str, call: Recorded) -> ProofgridError | bytes:
    """Make a call as somebody wrote it down; return what it was refused with, or answered."""
    async with grpc.aio.insecure_channel(address) as channel:

        async def parts() -> AsyncIterator[bytes]:
            yield call.body

        asked: Any = channel.stream_stream(call.path)(cast(Any, parts()), metadata=(("authorization", call.header),))
        try:
            async with asyncio.timeout(SECONDS):
                return b"".join([cast(bytes, one) async for one in asked])
        except grpc.aio.AioRpcError as error:
            return read_error(error)


async def spoken_to(address: str, key: Any, path: str, message: Any) -> Recorded:
    """Return a call as an honest caller makes it at a gateway."""
    async with Connection(address, key, network=NETWORK.address) as connection:
        body = message.SerializeToString()
        ((_, header),) = await connection.metadata(path, body)
    return Recorded(path, header, body)


# --- what a rogue gateway wrote down, made elsewhere ---


def grant(address: Address, role: str) -> client_pb2.GrantRequest:
    return client_pb2.GrantRequest(address=address, role=role)


async def speak(world: World, what: str, folder: Path) -> None:
    """Make a call with the SDK, as its user does, at the rogue gateway."""
    options: dict[str, Any] = {"network": NETWORK.address, "patience_seconds": 0}
    with suppress(ProofgridError):
        async with (
            Client(world.rogue_address, CLIENT, **options) as client,
            Client(world.rogue_address, NETWORK, **options) as admin,
        ):
            match what:
                case "status":
                    await client.status()
                case "submit":
                    await client.submit("0" * 64, ["secret"], limit_price=1)
                case "upload":
                    (folder / "file").write_bytes(b"bytes")
                    await upload_file(client.connection, folder / "file")
                case "grant":
                    await admin.admin.grant(CLIENT.address, "operator")
                case "deposit":
                    await admin.admin.deposit(CLIENT.address, 10, deposit_id="d")
                case "connect":
                    link = a_link(world.rogue_address)
                    link.start()
                    await asyncio.to_thread(link.close)


def a_link(address: str) -> Link:
    return Link(
        [address],
        OPERATOR,
        terms=some_terms,
        held=lambda: (),
        secret=SessionSecret(a_key(5)),
        certify=lambda network: None,
        deliver=lambda _: None,
        network=NETWORK.address,
        ca_file=None,
        clock=SystemClock(),
    )


SPOKEN = ("status", "submit", "upload", "grant", "deposit")


@pytest.mark.parametrize("what", SPOKEN)
async def test_what_was_spoken_to_a_rogue_gateway_is_good_at_no_other(world: World, what: str, tmp_path: Path) -> None:
    await speak(world, what, tmp_path)
    call = await world.recorded()
    answer = await make(world.honest_address, call)
    assert isinstance(answer, WrongPurpose), answer
    assert answer.field == "gateway"
    assert world.rogue_address in answer.detail
    assert not world.tasks.got_in
    assert await world.balance(CLIENT.address) == 0
    assert await world.roles_of(CLIENT.address) == [Role.CLIENT]


@pytest.mark.parametrize("what", SPOKEN)
async def test_its_token_grants_nothing_and_submits_nothing(world: World, what: str, tmp_path: Path) -> None:
    """The attack that worked: one header, any call."""
    await speak(world, what, tmp_path)
    header = (await world.recorded()).header
    mine = grant(THIEF.address, "admin").SerializeToString()
    for path, body in ((GRANT, mine), (SUBMIT, b""), (STATUS, b"")):
        assert isinstance(await make(world.honest_address, Recorded(path, header, body)), WrongPurpose)
    assert await world.roles_of(THIEF.address) == []
    assert not world.tasks.got_in


async def test_a_hello_that_a_rogue_gateway_heard_is_nobodys_elsewhere(world: World) -> None:
    link = a_link(world.rogue_address)
    link.start()
    call = await world.recorded()
    await asyncio.to_thread(link.close)
    assert call.path == CONNECT_PATH
    answer = await make(world.honest_address, call)
    assert isinstance(answer, WrongPurpose)
    assert answer.field == "gateway"
    assert not world.tasks.got_in


# --- who has a token that was spoken to an honest gateway ---


async def test_a_token_of_one_call_makes_no_other(world: World) -> None:
    read = await spoken_to(world.honest_address, NETWORK, STATUS, client_pb2.GetStatusRequest())
    stolen = Recorded(GRANT, read.header, grant(THIEF.address, "admin").SerializeToString())
    answer = await make(world.honest_address, stolen)
    assert isinstance(answer, WrongPurpose)
    assert answer.field == "method"
    assert await world.roles_of(THIEF.address) == []


async def test_a_token_of_one_message_says_nothing_else(world: World) -> None:
    request = client_pb2.SubmitRequest(program_digest="0" * 64, inputs_json='["mine"]', idempotency_key="k")
    call = await spoken_to(world.honest_address, CLIENT, SUBMIT, request)
    request.inputs_json = '["theirs"]'
    answer = await make(world.honest_address, Recorded(SUBMIT, call.header, request.SerializeToString()))
    assert isinstance(answer, WrongPurpose)
    assert answer.field == "body"
    assert not world.tasks.got_in
    assert isinstance(await make(world.honest_address, call), Unavailable)
    assert world.tasks.got_in == [(CLIENT.address, "k")]


async def test_nothing_of_money_and_rights_is_done_twice_with_one_token(world: World) -> None:
    granted = await spoken_to(world.honest_address, NETWORK, GRANT, grant(CLIENT.address, "operator"))
    paid = client_pb2.DepositRequest(address=CLIENT.address, amount=10, deposit_id="d")
    deposited = await spoken_to(world.honest_address, NETWORK, DEPOSIT, paid)
    for call in (granted, deposited):
        assert isinstance(await make(world.honest_address, call), bytes)
        assert isinstance(await make(world.honest_address, call), TokenReplayed)
    assert await world.balance(CLIENT.address) == 10


async def test_once_is_once_at_all_gateways_of_a_network(world: World) -> None:
    call = await spoken_to(world.honest_address, NETWORK, GRANT, grant(CLIENT.address, "operator"))
    another = grpc.aio.server()
    # Behind one balancer: the same name, another process.
    world.serve(hearing(another, {world.honest_address}))
    address = f"127.0.0.1:{another.add_insecure_port('127.0.0.1:0')}"
    await another.start()
    try:
        assert isinstance(await make(address, call), bytes)
        assert isinstance(await make(world.honest_address, call), TokenReplayed)
    finally:
        await another.stop(0)


async def test_a_token_of_an_upload_is_for_its_header(world: World) -> None:
    header = client_pb2.UploadRequest(header=client_pb2.UploadHeader(size_bytes=5))
    call = await spoken_to(world.honest_address, CLIENT, UPLOAD, header)
    header.header.size_bytes = 1 << 20
    answer = await make(world.honest_address, Recorded(UPLOAD, call.header, header.SerializeToString()))
    assert isinstance(answer, WrongPurpose)
    assert answer.field == "body"
    await make(world.honest_address, call)
    assert world.tasks.got_in == [(CLIENT.address, "5 bytes")]


def a_hello(address: str, *, name: str = "p") -> Any:
    call = CallId(operator=OPERATOR.address, network=NETWORK.address, gateway=address, nonce="0" * 32)
    return write_hello(some_terms(), SessionSecret(a_key(5)).sign(name=name, call=call))


async def test_a_hello_is_one_provers_once(world: World) -> None:
    link = a_link(world.honest_address)
    hello, ((_, header),) = link._hello(NETWORK.address, Connection(world.honest_address, None).target)
    other = Recorded(CONNECT_PATH, header, a_hello(world.honest_address).SerializeToString())
    answer = await make(world.honest_address, other)
    assert isinstance(answer, WrongPurpose)
    assert answer.field == "body"
    same = Recorded(CONNECT_PATH, header, hello)
    assert isinstance(await make(world.honest_address, same), Unavailable)
    assert [operator for operator, _ in world.tasks.got_in] == [OPERATOR.address]
    assert isinstance(await make(world.honest_address, same), TokenReplayed)


async def test_a_session_that_was_signed_for_another_call_is_not_taken(world: World) -> None:
    """Who has the operator's key and heard a hello of its machine cannot begin a session of that machine."""
    heard = a_hello(world.rogue_address)
    call = await spoken_to(world.honest_address, OPERATOR, CONNECT_PATH, heard)
    answer = await make(world.honest_address, call)
    assert isinstance(answer, BadToken)
    assert answer.field == "session_signature"
    assert not world.tasks.got_in


async def test_a_token_that_is_bound_to_nothing_is_told_so(world: World) -> None:
    call = Recorded(STATUS, "Bearer pg1.e30.0x00", b"")
    answer = await make(world.honest_address, call)
    assert isinstance(answer, BadToken)
    assert "update proofgrid" in answer.hint
