"""What Prometheus waits for: `/metrics` of a gateway that a thousand provers are connected to, answered while they are.

python -m benchmarks.metrics_page [PROVERS] [READS]
"""

from __future__ import annotations

import asyncio
import socket
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx

from benchmarks.echo_network import echo_network
from proofgrid.cli.demo.processes import stop_database
from proofgrid.rules.jobs.classes import JobClass
from proofgrid.rules.jobs.offers import ProverTerms
from proofgrid.sdk.signing import CONNECT_PATH
from proofgrid.wire.codec import provers as codec
from proofgrid.wire.v1 import prover_pb2, prover_pb2_grpc
from tests.networks import Network

LANES = 20  #: tasks of so many regions: each has a lane with numbers of its own
BEAT_SECONDS = 2.0
GOAL_MS = 20.0


async def main(provers: int, reads: int) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), free_port()
        async with (
            echo_network(
                folder, "", METRICS=f"127.0.0.1:{port}", REQUESTS_PER_SECOND="10000", REQUESTS_BURST="10000"
            ) as (network, program),
            asyncio.TaskGroup() as group,
        ):
            beating = group.create_task(connected(network, provers, group))
            await network.until(lambda status: len(status.provers) == provers)
            async with network.client() as client:
                await client.submit(program, ["waits"], limit_price=1)
            await print_reads(f"http://127.0.0.1:{port}/metrics", reads, provers)
            beating.cancel()
        stop_database(folder / "gateway" / "db")


def free_port() -> int:
    """Return a port that was free just now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


async def connected(network: Network, provers: int, group: asyncio.TaskGroup) -> None:
    """Connect provers, all over one connection, and keep them alive."""
    async with network.client("alice") as operator:
        stub = prover_pb2_grpc.ProverServiceStub(operator.connection.channel)
        calls: list[Any] = []
        try:
            for number in range(provers):
                calls.append(await _connect(operator, stub, number))
                group.create_task(_hear(calls[-1]))
            while True:
                for call in calls:
                    await call.write(prover_pb2.FromProver(heartbeat=prover_pb2.Heartbeat()))
                await asyncio.sleep(BEAT_SECONDS)
        finally:
            for call in calls:
                call.cancel()


async def _connect(operator: Any, stub: Any, number: int) -> Any:
    terms = ProverTerms(
        name=f"p-{number}",
        asks={"echo@1.0": 10_000 + number},
        classes=(JobClass.SMALL,),
        slots=1,
        cores=1,
        memory_bytes=1 << 30,
        region=f"region-{number % LANES}",
        version="benchmark",
    )
    hello = codec.write_hello(terms)
    call = stub.Connect(metadata=await operator.connection.metadata(CONNECT_PATH, hello.SerializeToString()))
    await call.write(hello)
    return call


async def _hear(call: Any) -> None:
    try:
        async for _ in call:
            pass
    except asyncio.CancelledError:
        return


async def print_reads(address: str, reads: int, provers: int) -> None:
    """Read the page again and again, one read after the other."""
    took, text = [], ""
    async with httpx.AsyncClient(trust_env=False) as http:
        for _ in range(reads):
            began = time.perf_counter()
            text = (await http.get(address)).text
            took.append(1_000 * (time.perf_counter() - began))
            await asyncio.sleep(0.05)
    p50, p95 = statistics.median(took), sorted(took)[-1 - reads // 20]
    lines = sum(not line.startswith("#") for line in text.splitlines())
    print(
        f"/metrics with {provers} provers: p50 {p50:.1f} ms, p95 {p95:.1f} ms of {reads} reads, {lines} lines,"
        f" {len(text) >> 10} KiB; under {GOAL_MS:g} ms at the median: {'yes' if p50 < GOAL_MS else 'no'}"
    )


if __name__ == "__main__":
    asyncio.run(main(*(int(one) for one in [*sys.argv[1:3], "1000", "100"][:2])))
