"""What the network costs around proving: durable jobs per second from submit to paid, and submit-to-lease latency.

In the same run, on the same PostgreSQL: procrastinate, and a raw `FOR UPDATE SKIP LOCKED` loop as the floor. The proof
system is `echo`, the provers are connections that answer at once, so nothing but the control plane is measured.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import statistics
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import asyncpg
import procrastinate

from benchmarks.measuring import Result, Target, busy_percent, say, temporary_folder
from proofgrid.primitives.digests import digest_of
from proofgrid.rules.jobs.classes import JobClass
from proofgrid.rules.jobs.offers import ProverOffer
from proofgrid.sdk.client import Client
from proofgrid.store.embedded import start_embedded
from proofgrid.wire import codec
from proofgrid.wire.v1 import prover_pb2, prover_pb2_grpc
from tests.networks import Network, running_network

NAME = "control_plane"
SUBMITTERS = 8
PROVERS = 4
SLOTS = 512
JOBS = 1_000
BATCH = 100
PEER_JOBS = 1_000
PEER_WORKERS = 4


def run(*, repetitions: int) -> Result:
    """Measure once; the run is long enough for its medians."""
    busy = busy_percent()
    with temporary_folder() as folder:
        table = asyncio.run(_measure(folder))
    by_name = {row["what"]: row for row in table}
    ours = by_name["proofgrid, batches of 100"]["jobs_per_second"]
    peer = by_name["procrastinate, one by one"]["jobs_per_second"]
    latency = by_name["proofgrid, submit to lease at 50 jobs/s"]
    return Result(
        name=NAME,
        measured="durable jobs per second from submit to paid, batches of 100, one gateway",
        against="procrastinate, one by one, no-op jobs, on the same PostgreSQL",
        ratio=ours / peer,
        targets=(
            Target(text=f"at least 2,000 jobs/s; measured {ours:.0f}", met=ours >= 2_000),
            Target(text="at least 3 times procrastinate", met=ours >= 3 * peer),
            Target(
                text=f"p50 under 10 ms, p99 under 50 ms; {latency['p50_ms']:.1f} and {latency['p99_ms']:.1f}",
                met=latency["p50_ms"] < 10 and latency["p99_ms"] < 50,
            ),
        ),
        table=tuple(table),
        busy_before_percent=busy,
    )


async def _measure(folder: Path) -> list[dict[str, Any]]:
    site = folder / "site"
    _install_echo(site)
    server = await asyncio.to_thread(start_embedded, folder / "db")
    rows = []
    try:
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(site), os.environ.get("PYTHONPATH")]))
        async with (
            running_network(folder, server.dsn, SRS_LOGROWS="8", OPEN_TASKS="100000") as network,
            _provers(network),
        ):
            program = await _register(network, folder)
            say("proofgrid: batches")
            rows.append(_row("proofgrid, batches of 100", rate=await _throughput(network, program, batch=BATCH)))
            say("proofgrid: one by one")
            rows.append(_row("proofgrid, one by one", rate=await _throughput(network, program, batch=1)))
            for rate in (50, 500):
                say(f"proofgrid: latency at {rate} jobs/s")
                rows.append(await _latency(network, program, per_second=rate))
        say("procrastinate")
        rows.append(_row("procrastinate, one by one", rate=await _procrastinate(server.dsn)))
        say("raw SKIP LOCKED")
        rows.append(_row("raw SKIP LOCKED, one by one", rate=await _raw_queue(server.dsn)))
    finally:
        await asyncio.to_thread(server.stop)
    return rows


def _row(what: str, *, rate: float = 0.0, p50: float = 0.0, p99: float = 0.0) -> dict[str, Any]:
    return {"what": what, "jobs_per_second": rate, "p50_ms": p50, "p99_ms": p99}


# --- proofgrid ---------------------------------------------------------------------------------------


def _install_echo(site: Path) -> None:
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


@contextlib.asynccontextmanager
async def _provers(network: Network) -> AsyncIterator[None]:
    """Connections that answer every lease at once with the right echo."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_echo_prover(network, number)) for number in range(PROVERS)]
        await network.until(lambda status: len(status.provers) == PROVERS)
        yield
        for task in tasks:
            task.cancel()


async def _echo_prover(network: Network, number: int) -> None:
    offer = ProverOffer(
        name=f"echo-{number}",
        asks={"echo": 100 + number},
        classes=(JobClass.SMALL,),
        slots=SLOTS,
        cores=1,
        memory_bytes=1 << 40,
        region="",
        version="benchmark",
    )
    async with network.client("alice") as operator, asyncio.TaskGroup() as group:
        stub = prover_pb2_grpc.ProverServiceStub(operator.connection.channel)
        call: Any = stub.Connect(metadata=await operator.connection.metadata(single_use=True))
        await call.write(codec.write_hello(offer))
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
                    outgoing.put_nowait(_echo(message.leases.leases))
                case "acks":
                    for ack in message.acks.acks:
                        assert ack.accepted, ack.detail
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


async def _throughput(network: Network, program: str, *, batch: int) -> float:
    """Submit JOBS jobs from SUBMITTERS clients; return jobs per second until the last is paid and its task done."""
    tasks = JOBS // batch
    numbers = iter(range(tasks))

    async def submitter() -> None:
        async with network.client() as client:
            for number in numbers:
                inputs = [f"{batch}-{number}-{place}" for place in range(batch)]
                await client.submit(program, inputs, limit_price=1_000)

    before = await _done(network)
    started = time.perf_counter()
    await asyncio.gather(*(submitter() for _ in range(SUBMITTERS)))
    await network.until(lambda status: status.tasks_by_state["done"] >= before + tasks)
    return JOBS / (time.perf_counter() - started)


async def _done(network: Network) -> int:
    async with network.client() as client:
        return int((await client.status()).tasks_by_state["done"])


async def _latency(network: Network, program: str, *, per_second: int, seconds: int = 6) -> dict[str, Any]:
    """Submit at a steady rate; return how long after the submit was sent the lease was granted, by the event log."""
    waits: list[float] = []

    async def one(client: Client, number: int) -> None:
        sent = time.time_ns() / 1e6
        task = await client.submit(program, [f"latency-{per_second}-{number}"], limit_price=1_000)
        async for event in client.watch(task.task_id):
            if event.kind == "sold":
                waits.append(event.at_ms - sent)
                return

    async with network.client() as client, asyncio.TaskGroup() as group:
        for number in range(per_second * seconds):
            group.create_task(one(client, number))
            await asyncio.sleep(1 / per_second)
    cuts = statistics.quantiles(waits, n=100)
    return _row(
        f"proofgrid, submit to lease at {per_second} jobs/s", rate=float(per_second), p50=cuts[49], p99=cuts[98]
    )


# --- peers -------------------------------------------------------------------------------------------


async def _procrastinate(dsn: str) -> float:
    """No-op jobs, deferred one by one by eight submitters, worked off by four workers."""
    app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=dsn, min_size=4, max_size=16))

    @app.task(name="nothing")
    async def nothing(number: int) -> None:
        return None

    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        started = time.perf_counter()

        async def submit(first: int) -> None:
            for number in range(first, PEER_JOBS, SUBMITTERS):
                await nothing.defer_async(number=number)

        async with asyncio.TaskGroup() as group:
            worker = group.create_task(
                app.run_worker_async(concurrency=PEER_WORKERS, wait=True, install_signal_handlers=False)
            )
            await asyncio.gather(*(submit(first) for first in range(SUBMITTERS)))
            connection = await asyncpg.connect(dsn)
            left = "SELECT count(*) FROM procrastinate_jobs WHERE status <> 'succeeded'"
            while await connection.fetchval(left):  # noqa: ASYNC110 - it tells nobody when it is done
                await asyncio.sleep(0.02)
            seconds = time.perf_counter() - started
            await connection.close()
            worker.cancel()
    return PEER_JOBS / seconds


async def _raw_queue(dsn: str) -> float:
    """Insert, take with SKIP LOCKED, delete: each its own transaction. What no durable queue of rows can beat."""
    pool = await asyncpg.create_pool(dsn, min_size=12, max_size=12)
    await pool.execute("CREATE TABLE raw_queue (id bigserial PRIMARY KEY, payload text)")
    left = PEER_JOBS
    started = time.perf_counter()

    async def submit(first: int) -> None:
        for number in range(first, PEER_JOBS, SUBMITTERS):
            await pool.execute("INSERT INTO raw_queue (payload) VALUES ($1)", str(number))

    async def work() -> None:
        nonlocal left
        take = (
            "DELETE FROM raw_queue WHERE id = (SELECT id FROM raw_queue ORDER BY id FOR UPDATE SKIP LOCKED LIMIT 1)"
            " RETURNING id"
        )
        while left > 0:
            if await pool.fetchval(take) is None:
                await asyncio.sleep(0.001)
            else:
                left -= 1

    submitters = (submit(first) for first in range(SUBMITTERS))
    await asyncio.gather(*submitters, *(work() for _ in range(PEER_WORKERS)))
    seconds = time.perf_counter() - started
    await pool.close()
    return PEER_JOBS / seconds
