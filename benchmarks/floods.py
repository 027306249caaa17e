"""What honest people notice of an attacker: a submit and a prover's heartbeat while each flood goes on.

The attacker (benchmarks/flooding.py) is one client and operator in a process of its own, which obeys nothing.
A heartbeat is answered where it names a lease that is not its prover's any more: that is how long one takes.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any
from uuid import uuid4

from benchmarks.echo_network import LIMIT_PRICE, echo_network, echo_provers
from benchmarks.flooding import FLOODS
from benchmarks.measuring import Ratio, Result, Target, busy_percent, say, temporary_folder
from proofgrid.primitives.errors import ProofgridError
from proofgrid.sdk.client import Client
from proofgrid.sdk.signing import CONNECT_PATH
from proofgrid.store.embedded import start_embedded
from proofgrid.wire.v1 import prover_pb2, prover_pb2_grpc
from tests.networks import Network

NAME = "floods"
CALM = "nobody"
SECONDS = 7.0  #: of each flood
EVERY_SECONDS = 0.1
BOUND_MS = 1_000.0
HONEST, MALLORY = "honest", "mallory"


def run(*, repetitions: int) -> Result:
    """Measure each flood once, in some two minutes, whatever `repetitions` says; run it again to see what differs."""
    busy = busy_percent()
    with temporary_folder() as folder:
        table = asyncio.run(measure(folder))
    flooded = [row for row in table if row["flood"] != CALM]
    calm = [row for row in table if row["flood"] == CALM]
    worst = max(row["submit_p99_ms"] for row in flooded)
    ratio = worst / max(row["submit_p99_ms"] for row in calm)
    return Result(
        name=NAME,
        measured="p99 of an honest client's submit, the worst of the floods",
        against="the same while nobody floods",
        ratio=ratio,
        targets=(
            Target(text=f"a submit under 1 s at p99; {worst:.0f} ms", met=worst < BOUND_MS),
            Target(text="a heartbeat under 1 s at p99", met=all(row["heartbeat_p99_ms"] < BOUND_MS for row in flooded)),
            Target(text="nobody else's call fails", met=not any(row["failed"] for row in flooded)),
        ),
        table=tuple(table),
        busy_before_percent=busy,
        ratios={"submit while flooded": Ratio(ratio, "less")},
    )


async def measure(folder: Path) -> list[dict[str, Any]]:
    """Return a row for each flood, and one without."""
    server = await asyncio.to_thread(start_embedded, folder / "db")
    try:
        async with echo_network(folder, server.dsn, HTTP="127.0.0.1:0") as (network, program), echo_provers(network):
            for name in (HONEST, MALLORY):
                network.add_key(name)
                await network.grant(name, "client")
                await network.grant(name, "operator")
            await network.deposit(HONEST, 1_000_000_000)
            async with network.client() as owner:
                await owner.ownership.share(program, ["*"])
            await _warm_up(network, program)
            return [await _while(network, program, what) for what in (CALM, *FLOODS)]
    finally:
        await asyncio.to_thread(server.stop)


async def _warm_up(network: Network, program: str) -> None:
    """Begin the program's line: the first submit of all waits for a worker to start, which no flood is to blame for."""
    async with Client(network.address, network.keys[HONEST], patience_seconds=20) as client:
        await client.submit(program, ["first"], limit_price=LIMIT_PRICE)


async def _while(network: Network, program: str, what: str) -> dict[str, Any]:
    say(what)
    attacker = None
    if what != CALM:
        key = network.keys[MALLORY].secret.hex()
        asked = (what, network.address, network.http, key, program, str(SECONDS + 2))
        command = ("-m", "benchmarks.flooding", *asked)
        attacker = await asyncio.create_subprocess_exec(sys.executable, *command, stdout=asyncio.subprocess.PIPE)
        await asyncio.sleep(1)
    failed: Counter[str] = Counter()
    submits, beats = await asyncio.gather(_submits(network, program, failed), _beats(network, failed))
    told = (await attacker.communicate())[0].decode().strip() if attacker is not None else ""
    return {
        "flood": what,
        "submits": len(submits),
        "submit_p50_ms": round(statistics.median(submits), 1),
        "submit_p99_ms": round(_p99(submits), 1),
        "heartbeat_p50_ms": round(statistics.median(beats), 1),
        "heartbeat_p99_ms": round(_p99(beats), 1),
        "failed": dict(failed),
        "attacker": told,
    }


async def _submits(network: Network, program: str, failed: Counter[str]) -> list[float]:
    took: list[float] = []
    until = time.monotonic() + SECONDS
    async with Client(network.address, network.keys[HONEST], patience_seconds=20, busy_seconds=0) as client:
        while time.monotonic() < until:
            sent = time.monotonic()
            try:
                await client.submit(program, [f"{time.time_ns()}"], limit_price=LIMIT_PRICE)
                took.append(1_000 * (time.monotonic() - sent))
            except ProofgridError as error:
                failed[error.code] += 1
            await asyncio.sleep(EVERY_SECONDS)
    return took


async def _beats(network: Network, failed: Counter[str]) -> list[float]:
    took: list[float] = []
    until = time.monotonic() + SECONDS
    async with Client(network.address, network.keys[HONEST], patience_seconds=20) as client:
        stub = prover_pb2_grpc.ProverServiceStub(client.connection.channel)
        hello = prover_pb2.Hello(name="honest", classes=["large"], slots=1, cores=1, memory_bytes=1 << 30)
        hello.asks.add(proof_system="echo@1.0", price=10**9)
        first = prover_pb2.FromProver(hello=hello)
        metadata = await client.connection.metadata(CONNECT_PATH, first.SerializeToString())
        call: Any = stub.Connect(metadata=metadata)
        await call.write(first)
        await call.read()
        while time.monotonic() < until:
            lease = prover_pb2.HeldLease(lease_id=str(uuid4()), fence=1)
            sent = time.monotonic()
            await call.write(prover_pb2.FromProver(heartbeat=prover_pb2.Heartbeat(held=[lease])))
            while (message := await call.read()).WhichOneof("message") != "stop":
                failed["other words"] += message.WhichOneof("message") is None
            took.append(1_000 * (time.monotonic() - sent))
            await asyncio.sleep(EVERY_SECONDS)
        call.cancel()
    return took


def _p99(values: list[float]) -> float:
    return statistics.quantiles(values, n=100)[98] if len(values) > 1 else 0.0
