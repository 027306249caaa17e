"""`python -m benchmarks.flooding WHAT ADDRESS HTTP KEY PROGRAM SECONDS`: an attacker in a process of its own.

It is as fast as it can and obeys nothing. Its last line says how many calls it made, and what they were told.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import grpc
import httpx

from benchmarks.echo_network import LIMIT_PRICE
from proofgrid.primitives.errors import ProofgridError
from proofgrid.primitives.signatures import SigningKey
from proofgrid.sdk.client import Client
from proofgrid.sdk.signing import CONNECT_PATH
from proofgrid.sdk.transfer import upload_file
from proofgrid.wire.errors import read_error
from proofgrid.wire.v1 import client_pb2, client_pb2_grpc, prover_pb2, prover_pb2_grpc, quotes_pb2

AT_ONCE = 8
BRACKETS = "[" + "[]," * 2_000_000 + "[]]"
IDS = [str(uuid4()) for _ in range(4_096)]

Call = Callable[[Client, str], Awaitable[object]]


async def _brackets(client: Client, program: str) -> object:
    request = client_pb2.SubmitRequest(
        program_digest=program, inputs_json=BRACKETS, limit_price=LIMIT_PRICE, idempotency_key=str(uuid4())
    )
    return await client.connection.call(lambda services: services.client.Submit, request)


async def _quotes(client: Client, program: str) -> object:
    inputs = json.dumps([str(number) for number in range(1_000)])
    request = quotes_pb2.QuoteRequest(program_digest=program, inputs_json=inputs)
    return await client.connection.call(lambda services: services.quotes.GetQuote, request)


async def _strangers(client: Client, program: str) -> object:
    stub = client_pb2_grpc.ClientServiceStub(client.connection.channel)
    try:
        await stub.GetNetwork(client_pb2.GetNetworkRequest())
        await stub.GetStatus(client_pb2.GetStatusRequest(), metadata=(("authorization", f"Bearer {uuid4()}"),))
    except grpc.aio.AioRpcError as error:
        raise read_error(error) from None
    return None


async def _stream(client: Client, message: prover_pb2.FromProver) -> None:
    stub = prover_pb2_grpc.ProverServiceStub(client.connection.channel)
    hello = prover_pb2.Hello(name=f"flood-{uuid4().hex[:8]}", classes=["small"], slots=1, cores=1, memory_bytes=1 << 30)
    hello.asks.add(proof_system="echo@1.0", price=100)
    first = prover_pb2.FromProver(hello=hello)
    call = stub.Connect(metadata=await client.connection.metadata(CONNECT_PATH, first.SerializeToString()))
    await call.write(first)
    await call.read()

    async def drain() -> None:
        while await call.read() is not grpc.aio.EOF:
            pass

    draining = asyncio.ensure_future(drain())
    try:
        while True:
            await call.write(message)
    except grpc.aio.AioRpcError as error:
        raise read_error(error) from None
    finally:
        draining.cancel()


async def _heartbeats(client: Client, program: str) -> None:
    held = [prover_pb2.HeldLease(lease_id=one, fence=1) for one in IDS]
    await _stream(client, prover_pb2.FromProver(heartbeat=prover_pb2.Heartbeat(held=held)))


async def _phantoms(client: Client, program: str) -> None:
    public = json.dumps({"a": ["0" * 60] * 800})
    results = [prover_pb2.JobResult(lease_id=one, fence=1, proof=b"p", public_json=public) for one in IDS[:200]]
    await _stream(client, prover_pb2.FromProver(results=prover_pb2.JobResults(results=results)))


async def _uploads(client: Client, program: str) -> object:
    with tempfile.NamedTemporaryFile() as file:
        file.write(uuid4().bytes * (1 << 18))
        file.flush()
        return await upload_file(client.connection, Path(file.name))


async def _builds(client: Client, program: str) -> object:
    with tempfile.NamedTemporaryFile() as file:
        file.write(uuid4().bytes)
        file.flush()
        return await client.register_program({"model": Path(file.name)}, proof_system="echo")


async def _hellos(client: Client, program: str) -> None:
    """Connect under one more name, and hang up at once."""
    stub = prover_pb2_grpc.ProverServiceStub(client.connection.channel)
    hello = prover_pb2.Hello(name=f"flood-{uuid4().hex[:8]}", classes=["small"], slots=1, cores=1, memory_bytes=1 << 30)
    hello.asks.add(proof_system="echo@1.0", price=100)
    first = prover_pb2.FromProver(hello=hello)
    call = stub.Connect(metadata=await client.connection.metadata(CONNECT_PATH, first.SerializeToString()))
    try:
        await call.write(first)
        await call.read()
    except grpc.aio.AioRpcError as error:
        raise read_error(error) from None
    finally:
        call.cancel()


async def _refusals(client: Client, program: str) -> object:
    """Ask for what only administrators may: each refusal is for the audit log."""
    return await client.admin.grant(f"0x{uuid4().hex}{uuid4().hex[:8]}", "admin", label="me")


async def _browsers(client: Client, program: str) -> object:
    """Ask for pages, for documents, and with bodies that are too much."""
    async with httpx.AsyncClient(base_url=HTTP[0], trust_env=False, timeout=5) as http:
        with suppress(httpx.HTTPError):
            await http.get("/")
            await http.get(f"/market/{uuid4()}")
            await http.get("/v1/openapi.json")
            await http.post("/v1/tasks", content=BRACKETS.encode(), headers={"content-type": "application/json"})
    return None


HTTP = [""]  #: of the gateway

FLOODS: dict[str, Call] = {
    "brackets": _brackets,
    "quotes": _quotes,
    "strangers": _strangers,
    "heartbeats": _heartbeats,
    "phantom results": _phantoms,
    "uploads": _uploads,
    "builds": _builds,
    "hellos": _hellos,
    "refused calls": _refusals,
    "browsers": _browsers,
}


async def flood(what: str, address: str, key: SigningKey, program: str, seconds: float) -> Counter[str]:
    """Return what became of the calls, by code."""
    told: Counter[str] = Counter()
    until = time.monotonic() + seconds

    async def go_on(client: Client) -> None:
        while time.monotonic() < until:
            try:
                await FLOODS[what](client, program)
                told["done"] += 1
            except ProofgridError as error:
                told[error.code] += 1

    async with Client(address, key, patience_seconds=1, busy_seconds=0) as client:
        await asyncio.wait([asyncio.ensure_future(go_on(client)) for _ in range(AT_ONCE)], timeout=seconds)
    return told


if __name__ == "__main__":
    what, address, HTTP[0], key, program, seconds = sys.argv[1:]
    print(dict(asyncio.run(flood(what, address, SigningKey(bytes.fromhex(key)), program, float(seconds)))))
