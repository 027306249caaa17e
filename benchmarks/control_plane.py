"""What the network costs around proving: durable jobs per second, submit-to-lease latency, processor time of a task.

In the same run, on the same PostgreSQL: what the machine can do anyway (yardstick.py), procrastinate above all. The
load generator (8 submitters, 4 provers that answer at once) runs on the same machine.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from benchmarks.echo_network import all_done, echo_network, echo_provers, idle_call_ms, submit_to_lease, throughput
from benchmarks.measuring import Ratio, Result, Target, busy_percent, say, temporary_folder
from benchmarks.processor_time import Parts, postmaster_of
from benchmarks.yardstick import Yardstick, measure_yardstick
from proofgrid.store.embedded import start_embedded
from tests.networks import Network

NAME = "control_plane"
BATCH = 100
JOBS = 20_000  #: in batches
SINGLE_JOBS = 1_500
BATCHED = f"batches of {BATCH}"
SINGLE = "one by one"
CALM = "submit to lease at 10 jobs/s"
THIRD = "submit to lease at a third of saturation"
IDLE_CALL = "a call that does nothing, 10 a second"
RUSH = "submit to lease at 500 jobs/s"
PROCESSOR_MS_MAX = {"gateway_ms": 4.0, "postgresql_ms": 3.0, "workers_ms": 2.0}

Row = dict[str, Any]


def run(*, repetitions: int) -> Result:
    """Measure once; the run is long enough for its medians."""
    busy = busy_percent()
    with temporary_folder() as folder:
        table, yardstick = asyncio.run(_measure(folder))
    by_name = {row["what"]: row for row in table}
    batched, single, calm, third, idle = (by_name[name] for name in (BATCHED, SINGLE, CALM, THIRD, IDLE_CALL))
    lost = by_name[RUSH]["refused"]
    ratios = _ratios(batched, single, third, yardstick) | _latency_ratios(calm, third, idle)
    return Result(
        name=NAME,
        measured="single tasks per second from submit to sealed, eight submitters, one gateway",
        against="procrastinate, one by one, no-op jobs, its best setting, on the same PostgreSQL",
        ratio=ratios["one by one, sealed / procrastinate"].value,
        targets=(
            Target(
                text="one by one, sealed: at least 1.0 times procrastinate",
                met=single["done_per_second"] >= yardstick.procrastinate,
            ),
            Target(
                text="batches, paid: at least 8 times procrastinate",
                met=batched["paid_per_second"] >= 8 * yardstick.procrastinate,
            ),
            Target(
                text=f"at 10 jobs/s p50 under 10 ms; {calm['p50_ms']}",
                met=calm["p50_ms"] < 10,
            ),
            Target(
                text="at a third of saturation p50 at most 6 and p99 at most 15 round trips of a notification",
                met=third["p50_ms"] <= 6 * yardstick.notify_p50_ms and third["p99_ms"] <= 15 * yardstick.notify_p50_ms,
            ),
            Target(
                text="at 10 jobs/s p50 at most 8 calls that do nothing; at a third of saturation at most 3 times that,"
                " p99 at most 8 times",
                met=calm["p50_ms"] <= 8 * idle["p50_ms"]
                and third["p50_ms"] <= 3 * calm["p50_ms"]
                and third["p99_ms"] <= 8 * calm["p50_ms"],
            ),
            Target(
                text="processor time of a single task at most 4 (gateway), 3 (PostgreSQL), 2 ms (workers)",
                met=all(single[part] <= most for part, most in PROCESSOR_MS_MAX.items()),
            ),
            Target(text=f"no right result refused at 500 jobs/s; {lost:.0f} were", met=not lost),
        ),
        table=tuple(table),
        busy_before_percent=busy,
        ratios=ratios,
    )


def _ratios(batched: Row, single: Row, third: Row, yardstick: Yardstick) -> dict[str, Ratio]:
    peer, trip, core = yardstick.procrastinate, yardstick.notify_p50_ms, yardstick.core_ms
    return {
        "one by one, sealed / procrastinate": Ratio(single["done_per_second"] / peer, "more"),
        "one by one, paid / procrastinate": Ratio(single["paid_per_second"] / peer, "more"),
        "batches, paid / procrastinate": Ratio(batched["paid_per_second"] / peer, "more"),
        "submit to lease, p50 / NOTIFY": Ratio(third["p50_ms"] / trip, "less"),
        "submit to lease, p99 / NOTIFY": Ratio(third["p99_ms"] / trip, "less"),
        "gateway's time of a single task / a piece of Python": Ratio(single["gateway_ms"] / core, "less"),
        "PostgreSQL's time of a single task / a piece of Python": Ratio(single["postgresql_ms"] / core, "less"),
        "workers' time of a single task / a piece of Python": Ratio(single["workers_ms"] / core, "less"),
    }


def _latency_ratios(calm: Row, third: Row, idle: Row) -> dict[str, Ratio]:
    return {
        "submit to lease at 10 jobs/s, p50 / a call that does nothing": Ratio(calm["p50_ms"] / idle["p50_ms"], "less"),
        "submit to lease, p50 at a third / at 10 jobs/s": Ratio(third["p50_ms"] / calm["p50_ms"], "less"),
        "submit to lease, p99 at a third / p50 at 10 jobs/s": Ratio(third["p99_ms"] / calm["p50_ms"], "less"),
    }


async def _measure(folder: Path) -> tuple[list[Row], Yardstick]:
    data_dir = folder / "db"
    server = await asyncio.to_thread(start_embedded, data_dir)
    try:
        say("the machine's own yardstick")
        yardstick = await measure_yardstick(server.dsn, folder)
        rows: list[Row] = []
        async with echo_network(folder, server.dsn) as (network, program):
            assert network.gateway is not None
            parts = Parts((network.gateway.pid,), postmaster_of(data_dir))
            async with echo_provers(network) as refused:
                rows += await _one_gateway(network, program, refused, parts)
            async with _another_gateway(network), echo_provers(network):
                say("two gateways: batches")
                rates = await throughput(network, program, jobs=JOBS, batch=BATCH)
                rows.append(_row(f"{BATCHED}, two gateways", **rates))
    finally:
        await asyncio.to_thread(server.stop)
    return rows + yardstick.rows(), yardstick


async def _one_gateway(network: Network, program: str, refused: Counter[str], parts: Parts) -> list[Row]:
    say("warming up")
    await throughput(network, program, jobs=300, batch=1)
    rows = []
    for name, jobs, batch in ((BATCHED, JOBS, BATCH), (SINGLE, SINGLE_JOBS, 1)):
        say(name)
        before = parts.seconds()
        rates = await throughput(network, program, jobs=jobs, batch=batch)
        rows.append(_row(name, **rates, **parts.ms_per_task(before, jobs)))
    third = max(1, round(rows[-1]["done_per_second"] / 3))
    say(IDLE_CALL)
    rows.append(_row(IDLE_CALL, p50_ms=await idle_call_ms(network)))
    for name, per_second in ((CALM, 10), (THIRD, third)):
        say(f"{name}: {per_second}")
        rows.append(_row(name, **await submit_to_lease(network, program, per_second=per_second), offered=per_second))
    assert not refused, refused  # nothing so far was more than a gateway can take
    say(RUSH)
    rush = await submit_to_lease(network, program, per_second=500)
    await all_done(network)
    for why, count in refused.items():
        say(f"{count} right results were refused: {why}")
    rows.append(_row(RUSH, **rush, offered=500, refused=refused.total()))
    refused.clear()
    return rows


@asynccontextmanager
async def _another_gateway(network: Network) -> AsyncIterator[None]:
    address = await network.start_another_gateway()
    yield
    await network.others.pop(address).stop()


def _row(what: str, **measured: float) -> Row:
    return {"what": what, **{name: round(value, 2) for name, value in measured.items()}}
