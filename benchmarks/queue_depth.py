"""Does a long queue hurt? 100,000 jobs wait: memory of the gateway, submit latency, and the rounds that sell them.

Nobody proves while the queue grows; then a few slow slots work on it, so that rounds meet the whole queue every time.
The figure of docs/queue-depth.svg is this benchmark's, written with `--json` off in the repository's root.
"""

from __future__ import annotations

import asyncio
import itertools
import statistics
import time
from pathlib import Path
from typing import Any

import asyncpg
import psutil

from benchmarks.echo_network import LIMIT_PRICE, echo_network, echo_provers
from benchmarks.line_chart import Line, line_chart
from benchmarks.measuring import Result, Target, busy_percent, say, temporary_folder
from proofgrid.sdk.client import Client
from proofgrid.store.embedded import start_embedded
from tests.networks import Network

NAME = "queue_depth"
JOBS = 100_000
BATCH = 1_000
STEP = 10_000
PROBES = 40  #: single submits at each depth
ROUNDS_SECONDS = 8.0
SLOTS = 8
PROVE_SECONDS = 0.02
FIGURE = Path(__file__).parents[1] / "docs" / "queue-depth.svg"
RSS_MAX_MIB = 300
INTERVAL_MS = 100


def run(*, repetitions: int) -> Result:
    """Measure once: the queue is the repetition."""
    busy = busy_percent()
    with temporary_folder() as folder:
        table, rounds = asyncio.run(_measure(folder))
    first, last = table[0], table[-1]
    rss = max(row["gateway_rss_mib"] for row in table)
    FIGURE.write_text(_figure(table))
    return Result(
        name=NAME,
        measured=f"p50 of a submit with {JOBS:,} jobs in the queue, {last['submit_p50_ms']} ms",
        against=f"p50 of a submit with an empty queue, {first['submit_p50_ms']} ms",
        ratio=round(last["submit_p50_ms"] / first["submit_p50_ms"], 2),
        targets=(
            Target(text=f"memory of the gateway under {RSS_MAX_MIB} MiB; {rss} MiB", met=rss < RSS_MAX_MIB),
            Target(text="submit latency does not grow with the queue (ratio at most 1.5)", met=_is_flat(table)),
            Target(
                text=f"rounds hold their interval of {INTERVAL_MS} ms; p50 {rounds['gap_p50_ms']} ms between two",
                met=rounds["gap_p50_ms"] <= INTERVAL_MS,
            ),
        ),
        table=(*table, {"queued_jobs": JOBS, **rounds}),
        busy_before_percent=busy,
    )


def _is_flat(table: list[dict[str, Any]]) -> bool:
    half = len(table) // 2
    early, late = (statistics.median(row["submit_p50_ms"] for row in part) for part in (table[:half], table[half:]))
    return bool(late <= 1.5 * early)


async def _measure(folder: Path) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    server = await asyncio.to_thread(start_embedded, folder / "db")
    try:
        async with echo_network(folder, server.dsn) as (network, program):
            async with network.client() as client:
                table = [await _at_depth(network, client, program, 0)]
                while table[-1]["queued_jobs"] < JOBS:
                    depth = table[-1]["queued_jobs"] + STEP
                    say(f"{depth:,} jobs in the queue")
                    await _fill(client, program, depth)
                    table.append(await _at_depth(network, client, program, depth))
            rounds = await _rounds(network)
            rounds["gateway_rss_mib"] = _rss_mib(network)
            async with network.client() as client:
                for task in await client.tasks(limit=1_000):
                    await client.cancel(task.task_id)
    finally:
        await asyncio.to_thread(server.stop)
    return table, rounds


async def _fill(client: Client, program: str, depth: int) -> None:
    for number in range(STEP // BATCH):
        inputs = [f"{depth}-{number}-{place}" for place in range(BATCH)]
        await client.submit(program, inputs, limit_price=LIMIT_PRICE)


async def _at_depth(network: Network, client: Client, program: str, depth: int) -> dict[str, Any]:
    waits = []
    for number in range(PROBES):
        started = time.perf_counter()
        await client.submit(program, [f"probe-{depth}-{number}"], limit_price=LIMIT_PRICE)
        waits.append((time.perf_counter() - started) * 1_000)
    cuts = statistics.quantiles(waits, n=20)
    return {
        "queued_jobs": depth,
        "submit_p50_ms": round(cuts[9], 2),
        "submit_p95_ms": round(cuts[18], 2),
        "gateway_rss_mib": _rss_mib(network),
    }


def _rss_mib(network: Network) -> int:
    assert network.gateway is not None
    return int(psutil.Process(network.gateway.pid).memory_info().rss >> 20)


async def _rounds(network: Network) -> dict[str, Any]:
    """Let a few slots work on the whole queue; return how far apart the rounds were that sold something."""
    observer = await asyncpg.connect(network.dsn)
    async with echo_provers(network, slots=SLOTS, seconds=PROVE_SECONDS):
        await asyncio.sleep(ROUNDS_SECONDS)
        rows = await observer.fetch("SELECT at_ms, units FROM rounds ORDER BY at_ms")
    await observer.close()
    moments = [row["at_ms"] for row in rows if row["units"]]
    gaps = [later - earlier for earlier, later in itertools.pairwise(moments)]
    cuts = statistics.quantiles(gaps, n=20)
    return {"rounds": len(moments), "gap_p50_ms": round(cuts[9], 1), "gap_p95_ms": round(cuts[18], 1)}


def _figure(table: list[dict[str, Any]]) -> str:
    depths = [row["queued_jobs"] / 1_000 for row in table]
    return line_chart(
        title="A submit, while jobs wait in the queue",
        x_label="thousand jobs in the queue",
        y_label="milliseconds; MiB",
        lines=[
            Line("submit, p50 (ms)", depths, [row["submit_p50_ms"] for row in table]),
            Line("submit, p95 (ms)", depths, [row["submit_p95_ms"] for row in table]),
            Line("memory of the gateway (10 MiB)", depths, [row["gateway_rss_mib"] / 10 for row in table]),
        ],
    )
