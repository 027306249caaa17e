"""What the network costs around proving: durable jobs per second from submit to paid, and submit-to-lease latency.

In the same run, on the same PostgreSQL: procrastinate, and a raw `FOR UPDATE SKIP LOCKED` loop as the floor. The load
generator (8 submitters, 4 provers that answer at once) runs on the same machine.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from benchmarks.echo_network import all_done, echo_network, echo_provers, submit_to_lease, throughput
from benchmarks.measuring import Result, Target, busy_percent, say, temporary_folder
from benchmarks.queue_peers import procrastinate_per_second, raw_queue_per_second
from proofgrid.store.embedded import start_embedded
from tests.networks import Network

NAME = "control_plane"
BATCH = 100
JOBS = 20_000  #: in batches
SINGLE_JOBS = 1_500
BATCHED = f"proofgrid, batches of {BATCH}"
SINGLE = "proofgrid, one by one"
PEER = "procrastinate, one by one"
CALM = "proofgrid, submit to lease at 50 jobs/s"
RUSH = "proofgrid, submit to lease at 500 jobs/s"


def run(*, repetitions: int) -> Result:
    """Measure once; the run is long enough for its medians."""
    busy = busy_percent()
    with temporary_folder() as folder:
        table = asyncio.run(_measure(folder))
    by_name = {row["what"]: row for row in table}
    ours, peer, calm = by_name[BATCHED]["paid_per_second"], by_name[PEER]["paid_per_second"], by_name[CALM]
    lost = by_name[RUSH]["refused"]
    return Result(
        name=NAME,
        measured=f"durable jobs per second from submit to paid, batches of {BATCH}, one gateway",
        against="procrastinate, one by one, no-op jobs, on the same PostgreSQL",
        ratio=round(ours / peer, 2),
        targets=(
            Target(text=f"at least 2,000 jobs/s; measured {ours:.0f}", met=ours >= 2_000),
            Target(text="at least 3 times procrastinate", met=ours >= 3 * peer),
            Target(text=f"no right result refused at 500 jobs/s; {lost:.0f} were", met=not lost),
            Target(
                text=f"p50 under 10 ms, p99 under 50 ms; {calm['p50_ms']} and {calm['p99_ms']}",
                met=calm["p50_ms"] < 10 and calm["p99_ms"] < 50,
            ),
        ),
        table=tuple(table),
        busy_before_percent=busy,
    )


async def _measure(folder: Path) -> list[dict[str, Any]]:
    server = await asyncio.to_thread(start_embedded, folder / "db")
    rows: list[dict[str, Any]] = []
    try:
        async with echo_network(folder, server.dsn) as (network, program):
            async with echo_provers(network) as refused:
                rows += await _one_gateway(network, program, refused)
            async with _another_gateway(network), echo_provers(network):
                say("two gateways: batches")
                rates = await throughput(network, program, jobs=JOBS, batch=BATCH)
                rows.append(_row(f"{BATCHED}, two gateways", **rates))
        say("procrastinate")
        rows.append(_row(PEER, paid_per_second=await procrastinate_per_second(server.dsn)))
        say("raw SKIP LOCKED")
        rows.append(_row("raw SKIP LOCKED, one by one", paid_per_second=await raw_queue_per_second(server.dsn)))
    finally:
        await asyncio.to_thread(server.stop)
    return rows


async def _one_gateway(network: Network, program: str, refused: Counter[str]) -> list[dict[str, Any]]:
    say("warming up")
    await throughput(network, program, jobs=200, batch=1)
    rows = []
    say(CALM)
    rows.append(_row(CALM, **await submit_to_lease(network, program, per_second=50)))
    for name, jobs, batch in ((BATCHED, JOBS, BATCH), (SINGLE, SINGLE_JOBS, 1)):
        say(name)
        rows.append(_row(name, **await throughput(network, program, jobs=jobs, batch=batch)))
    assert not refused, refused  # nothing so far was more than a gateway can take
    say(RUSH)
    rush = await submit_to_lease(network, program, per_second=500)
    await all_done(network)
    for why, count in refused.items():
        say(f"{count} right results were refused: {why}")
    rows.append(_row(RUSH, **rush, refused=refused.total()))
    refused.clear()
    return rows


@asynccontextmanager
async def _another_gateway(network: Network) -> AsyncIterator[None]:
    address = await network.start_another_gateway()
    yield
    await network.others.pop(address).stop()


def _row(what: str, **measured: float) -> dict[str, Any]:
    return {"what": what, **{name: round(value, 1) for name, value in measured.items()}}
