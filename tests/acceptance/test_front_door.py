"""Who may come in: every wrong token is refused with its stable code, over the real wire."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message

from proofgrid.primitives.clock import SystemClock
from proofgrid.primitives.errors import (
    BadToken,
    IdempotencyConflict,
    InvalidField,
    NotAllowed,
    NoToken,
    RateLimited,
    TokenExpired,
    TokenReplayed,
    TooLarge,
    TooManyOpen,
    Unavailable,
    UnknownKey,
    WrongAudience,
)
from proofgrid.primitives.ids import Address
from proofgrid.primitives.signatures import SigningKey
from proofgrid.sdk.connection import Connection
from proofgrid.sdk.services import Services
from proofgrid.sdk.signing import CONNECT_PATH
from proofgrid.sdk.tokens import make_token, purpose_of
from proofgrid.sdk.transfer import upload_file
from proofgrid.wire.addresses import parse_target
from proofgrid.wire.codec.provers import write_hello
from proofgrid.wire.errors import read_error
from proofgrid.wire.v1 import client_pb2 as messages
from proofgrid.wire.v1 import prover_pb2, prover_pb2_grpc
from tests.acceptance.tasks import register_toy
from tests.makers import a_key, some_terms
from tests.networks import Network, running_network

NOW_MS = SystemClock().now_ms
SAY_HELLO_TRIES = 5
STATUS = ("/proofgrid.v1.ClientService/GetStatus", messages.GetStatusRequest())
HELLO = (CONNECT_PATH, write_hello(some_terms()))

in_one_loop = pytest.mark.asyncio(loop_scope="module")


async def refusal(network: Network, token: str | None) -> Exception:
    """Call with this token and return the refusal."""
    metadata = () if token is None else (("authorization", f"Bearer {token}"),)
    async with Connection(network.address, None) as connection:
        with pytest.raises(grpc.RpcError) as caught:
            await Services(connection.channel).client.GetStatus(messages.GetStatusRequest(), metadata=metadata)
    return read_error(caught.value)


def token_of(
    network: Network,
    who: str,
    *,
    key: SigningKey | None = None,
    audience: Address | None = None,
    call: tuple[str, Message] = STATUS,
    age_ms: int = 0,
    lifetime_ms: int = 60_000,
) -> str:
    """Return a token of one of the network's people, for a call of it."""
    path, message = call
    return make_token(
        key or network.keys[who],
        network=audience or network.admin_key.address,
        purpose=purpose_of(path, message.SerializeToString(), gateway=parse_target(network.address).name),
        now_ms=NOW_MS() - age_ms,
        lifetime_ms=lifetime_ms,
    )


@in_one_loop
async def test_every_wrong_token_is_refused_with_its_code(shared_network: Network) -> None:
    def token(**other: Any) -> str:
        return token_of(shared_network, "client", **other)

    signed, _, signature = token().rpartition(".")
    stolen = token(key=a_key(7)).rpartition(".")[2]

    assert isinstance(await refusal(shared_network, None), NoToken)
    assert isinstance(await refusal(shared_network, "nonsense"), BadToken)
    assert isinstance(await refusal(shared_network, f"{signed}.{stolen}"), BadToken)
    assert isinstance(await refusal(shared_network, f"{signed[:-1]}A.{signature}"), BadToken)
    assert isinstance(await refusal(shared_network, token(audience=a_key(7).address)), WrongAudience)
    assert isinstance(await refusal(shared_network, token(age_ms=120_000)), TokenExpired)
    assert isinstance(await refusal(shared_network, token(lifetime_ms=10**9)), TokenExpired)
    assert isinstance(await refusal(shared_network, token(key=a_key(7))), UnknownKey)


async def say_hello(network: Network, token: str) -> prover_pb2.ToProver:
    """Open a prover stream with this token and return the first answer.

    Where a refusal meets the hello under way, gRPC forgets the refusal: who asks again hears it.
    """
    for _ in range(SAY_HELLO_TRIES):
        with suppress(Unavailable):
            return await _say_hello_once(network, token)
    return await _say_hello_once(network, token)


async def _say_hello_once(network: Network, token: str) -> prover_pb2.ToProver:
    async def hello() -> AsyncIterator[Any]:
        yield HELLO[1]
        await asyncio.sleep(3600)

    async with Connection(network.address, None) as connection:
        stub = prover_pb2_grpc.ProverServiceStub(connection.channel)
        call = stub.Connect(hello(), metadata=(("authorization", f"Bearer {token}"),))
        try:
            async for message in call:
                return message
        except grpc.RpcError as error:
            raise read_error(error) from None
        finally:
            call.cancel()
    raise AssertionError("no answer")


@in_one_loop
async def test_a_replayed_hello_is_refused(shared_network: Network) -> None:
    token = token_of(shared_network, "alice", call=HELLO)

    assert (await say_hello(shared_network, token)).WhichOneof("message") == "welcome"
    with pytest.raises(TokenReplayed):
        await say_hello(shared_network, token)


@in_one_loop
async def test_a_client_is_no_operator_and_an_operator_no_client(shared_network: Network, tmp_path: Path) -> None:
    with pytest.raises(NotAllowed):
        await say_hello(shared_network, token_of(shared_network, "client", call=HELLO))
    async with shared_network.client("alice") as operator:
        with pytest.raises(NotAllowed):
            await operator.submit("0" * 64, ["x"], limit_price=1)
        with pytest.raises(InvalidField):
            (tmp_path / "file").write_text("free storage")
            await upload_file(operator.connection, tmp_path / "file")


@in_one_loop
async def test_a_revoked_key_is_refused_at_once(shared_network: Network) -> None:
    async with shared_network.client() as client:
        await client.status()
        async with shared_network.administrator() as admin:
            await admin.admin.revoke(shared_network.keys["client"].address, "client")
        with pytest.raises(UnknownKey):
            await client.status()
        await shared_network.grant("client", "client")
        await client.status()


@in_one_loop
async def test_a_deposit_moves_money_once(shared_network: Network) -> None:
    await shared_network.deposit("client", 500, "again")
    await shared_network.deposit("client", 500, "again")
    with pytest.raises(IdempotencyConflict):
        await shared_network.deposit("client", 501, "again")
    async with shared_network.client() as client:
        assert (await client.account()).balance == 10_000_000_500


async def test_the_limits_of_a_client_hold(
    tmp_path: Path, database_dsn: str, toy_system_for_file: Path, srs_file: Path
) -> None:
    limits = {"OPEN_TASKS": "2", "UPLOAD_BYTES": "1000", "STORED_BYTES": "1500", "SRS_FILE": str(srs_file)}
    async with running_network(tmp_path, database_dsn, **limits) as network, network.client() as client:
        program = await register_toy(client, tmp_path, slices=1)
        await client.submit(program.digest, ["1"], limit_price=1)
        await client.submit(program.digest, ["2"], limit_price=1)
        with pytest.raises(TooManyOpen):
            await client.submit(program.digest, ["3"], limit_price=1)

        (tmp_path / "large").write_bytes(b"x" * 1001)
        with pytest.raises(TooLarge):
            await upload_file(client.connection, tmp_path / "large")
        (tmp_path / "first").write_bytes(b"x" * 1000)
        await upload_file(client.connection, tmp_path / "first")
        (tmp_path / "second").write_bytes(b"y" * 1000)
        with pytest.raises(TooLarge):
            await upload_file(client.connection, tmp_path / "second")


async def test_too_many_requests_are_refused(
    tmp_path: Path, database_dsn: str, toy_system_for_file: Path, srs_file: Path
) -> None:
    limits = {"REQUESTS_PER_SECOND": "1", "REQUESTS_BURST": "5", "SRS_FILE": str(srs_file)}
    async with running_network(tmp_path, database_dsn, **limits) as network, network.client("bob") as someone:
        with pytest.raises(RateLimited):
            await asyncio.gather(*(someone.status() for _ in range(20)))
