"""A network whose provers answer at once: nothing but the control plane is left to be measured."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import statistics
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import asyncpg

from proofgrid.primitives.digests import digest_of
from proofgrid.rules.jobs.classes import JobClass
from proofgrid.rules.jobs.offers import ProverTerms
from proofgrid.sdk.client import Client
from proofgrid.sdk.signing import CONNECT_PATH
from proofgrid.wire.codec import provers as codec
from proofgrid.wire.v1 import client_pb2, client_pb2_grpc, prover_pb2, prover_pb2_grpc
from tests.networks import Network, running_network

SUBMITTERS = 8
PROVERS = 4
SLOTS = 512
PAID_POLL_SECONDS = 0.02
LIMIT_PRICE = 1_000


@contextlib.asynccontextmanager
async def echo_network(folder: Path, dsn: str, **settings: str) -> AsyncIterator[tuple[Network, str]]:
    """Yield a running network without provers, and the echo program registered in it."""
    install_echo(folder / "site")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(folder / "site"), os.environ.get("PYTHONPATH")]))
    async with running_network(folder, dsn, SRS_LOGROWS="8", OPEN_TASKS="1000000", **settings) as network:
        yield network, await _register(network, folder)


def install_echo(site: Path) -> None:
    """Install the echo system as a third party's package, for processes that have `site` on their path."""
    info = site / "proofgrid_echo-1.0.dist-info"
    info.mkdir(parents=True)
    shutil.copy(Path(__file__).parent / "echo_system.py", site / "proofgrid_echo.py")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: proofgrid-echo\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[proofgrid.proof_systems]\necho = proofgrid_echo:EchoSystem\n")


async def _register(network: Network, folder: Path) -> str:
    source = folder / "source"
    source.write_text("echo")
    async with network.client() as client:
        program = await client.register_program({"model": source}, proof_system="echo")
    return str(program.digest)


# --- provers -----------------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def echo_provers(
    network: Network, *, count: int = PROVERS, slots: int = SLOTS, seconds: float = 0.0
) -> AsyncIterator[Counter[str]]:
    """Connections, spread over the gateways, that answer every lease with the right echo, after `seconds`.

    Yields the results that were refused, by what was said of them. Fails at the end unless whoever measured took note
    of them and cleared them: every result is right, so a refused one is the network's doing.
    """
    refused: Counter[str] = Counter()
    addresses = network.addresses.split(",")
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(
                _echo_prover(network, addresses[number % len(addresses)], number, slots, seconds, refused)
            )
            for number in range(count)
        ]
        await network.until(lambda status: len(status.provers) == count)
        yield refused
        for task in tasks:
            task.cancel()
    assert not refused, refused


async def _echo_prover(
    network: Network, address: str, number: int, slots: int, seconds: float, refused: Counter[str]
) -> None:
    terms = ProverTerms(
        name=f"echo-{number}",
        asks={"echo@1.0": 100 + number},
        classes=(JobClass.SMALL,),
        slots=slots,
        cores=1,
        memory_bytes=1 << 40,
        region="",
        version="benchmark",
    )
    async with network.client("alice", gateways=address) as operator, asyncio.TaskGroup() as group:
        stub = prover_pb2_grpc.ProverServiceStub(operator.connection.channel)
        hello = codec.write_hello(terms)
        metadata = await operator.connection.metadata(CONNECT_PATH, hello.SerializeToString())
        call: Any = stub.Connect(metadata=metadata)
        await call.write(hello)
        held: dict[str, prover_pb2.HeldLease] = {}
        outgoing: asyncio.Queue[prover_pb2.FromProver] = asyncio.Queue()
        group.create_task(_beat(outgoing, held))
        group.create_task(_send(call, outgoing))
        while True:
            message = await call.read()
            match message.WhichOneof("message"):
                case "leases":
                    for lease in message.leases.leases:
                        held[lease.lease_id] = prover_pb2.HeldLease(lease_id=lease.lease_id, fence=lease.fence)
                    asyncio.get_running_loop().call_later(seconds, outgoing.put_nowait, _echo(message.leases.leases))
                case "acks":
                    for ack in message.acks.acks:
                        if not ack.accepted:
                            refused[ack.detail] += 1
                        held.pop(ack.lease_id, None)


async def _send(call: Any, outgoing: asyncio.Queue[prover_pb2.FromProver]) -> None:
    while True:
        await call.write(await outgoing.get())


async def _beat(outgoing: asyncio.Queue[prover_pb2.FromProver], held: Mapping[str, prover_pb2.HeldLease]) -> None:
    while True:
        await asyncio.sleep(1)
        outgoing.put_nowait(prover_pb2.FromProver(heartbeat=prover_pb2.Heartbeat(held=list(held.values()))))


def _echo(leases: Sequence[prover_pb2.Lease]) -> prover_pb2.FromProver:
    results = [
        prover_pb2.JobResult(
            lease_id=lease.lease_id,
            fence=lease.fence,
            proof=digest_of(lease.small_input).encode(),
            public_json="{}",
        )
        for lease in leases
    ]
    return prover_pb2.FromProver(results=prover_pb2.JobResults(results=results))


# --- load --------------------------------------------------------------------------------------------


async def throughput(network: Network, program: str, *, jobs: int, batch: int) -> dict[str, float]:
    """Submit jobs from several clients at once; return jobs per second until all are paid, and until all is done."""
    addresses = network.addresses.split(",")
    numbers = iter(range(jobs // batch))
    nonce = time.time_ns()

    async def submitter(address: str) -> None:
        async with network.client(gateways=address) as client:
            for number in numbers:
                inputs = [f"{nonce}-{number}-{place}" for place in range(batch)]
                await client.submit(program, inputs, limit_price=LIMIT_PRICE)

    observer = await asyncpg.connect(network.dsn)
    before = await observer.fetchval("SELECT sum(jobs_proven) FROM provers") or 0
    started = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number in range(SUBMITTERS):
            group.create_task(submitter(addresses[number % len(addresses)]))
        await _until(observer, "SELECT coalesce(sum(jobs_proven), 0) >= $1 FROM provers", before + jobs)
        paid_seconds = time.perf_counter() - started
    await observer.close()
    await all_done(network)
    done_seconds = time.perf_counter() - started
    return {"paid_per_second": jobs / paid_seconds, "done_per_second": jobs / done_seconds}


async def all_done(network: Network) -> None:
    """Wait until no task is open."""
    observer = await asyncpg.connect(network.dsn)
    await _until(observer, "SELECT NOT EXISTS (SELECT FROM tasks WHERE state IN ('open', 'combining'))")
    await observer.close()


async def _until(observer: Any, condition: str, *values: Any) -> None:
    while not await observer.fetchval(condition, *values):  # noqa: ASYNC110 - an observer from outside
        await asyncio.sleep(PAID_POLL_SECONDS)


async def idle_call_ms(network: Network, *, per_second: int = 10, calls: int = 50) -> float:
    """Return how long a call takes that asks for nothing and needs no key, p50, when so few come."""
    took = []
    async with network.client() as client:
        stub = client_pb2_grpc.ClientServiceStub(client.connection.channel)
        for _ in range(calls):
            called = time.perf_counter()
            await stub.GetNetwork(client_pb2.GetNetworkRequest())
            took.append((time.perf_counter() - called) * 1000)
            await asyncio.sleep(1 / per_second)
    return statistics.median(took)


async def submit_to_lease(network: Network, program: str, *, per_second: int, seconds: int = 8) -> dict[str, float]:
    """Submit at a steady rate; return how long after the submit was sent the lease was granted, by the event log."""
    waits: list[float] = []

    async def one(client: Client, number: int) -> None:
        sent = time.time_ns() / 1e6
        task = await client.submit(program, [f"latency-{per_second}-{number}"], limit_price=LIMIT_PRICE)
        async for event in client.watch(task.task_id):
            if event.kind == "sold":
                waits.append(event.at_ms - sent)
                return

    async with network.client() as client, asyncio.TaskGroup() as group:
        for number in range(per_second * seconds):
            group.create_task(one(client, number))
            await asyncio.sleep(1 / per_second)
    cuts = statistics.quantiles(waits, n=100)
    return {"p50_ms": cuts[49], "p99_ms": cuts[98]}
