"""What a second process of a gateway gives: everything on one core against two processes on two.

Three networks, each with a PostgreSQL and provers of its own, stand side by side and work in turns:

    one core    one process; it, its workers, PostgreSQL, provers and submitters all keep to one core
    one         one process, all of them on two cores
    two         two processes behind one address, all of them on two cores

Two cores can do no more than twice of one, so 2 is what is possible at all; what a task costs in processor time on each
side (gateway, workers, PostgreSQL, load) says how much of it a second process uses up.
"""

from __future__ import annotations

import asyncio
import os
import statistics
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from benchmarks.echo_network import echo_network, echo_provers, throughput
from benchmarks.measuring import Ratio, Result, Target, busy_percent, say, temporary_folder
from benchmarks.processor_time import Parts, postmaster_of
from proofgrid.store.embedded import DATABASE
from tests.networks import Network

NAME = "processes"
CORES = 2
SINGLE_JOBS = 600
BATCH = 100
BATCHED_JOBS = 3_000
UNHURRIED = {"PICK_UP_MS": "60000", "LEASE_TTL_MS": "60000"}  #: one core may be slow, and is not to be late
WANTED = 1.6
SIBLING = "proofgrid.bootstrap.gateway.several.process"
LOADS = {"one by one": (SINGLE_JOBS, 1), f"batches of {BATCH}": (BATCHED_JOBS, BATCH)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of the networks that are compared."""

    name: str
    cores: int
    processes: int


ONE_CORE = Side(name="one core, one process", cores=1, processes=1)
ONE = Side(name="two cores, one process", cores=CORES, processes=1)
TWO = Side(name="two cores, two processes", cores=CORES, processes=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A side, running."""

    side: Side
    network: Network
    program: str
    parts: Parts


def run(*, repetitions: int) -> Result:
    """Measure each side and load in turns, `repetitions` times; medians count. Linux only."""
    busy = busy_percent()
    with temporary_folder() as folder:
        table = asyncio.run(_measure(folder, repetitions))
    sealed = {(row["side"], row["load"]): row["sealed_per_second"] for row in table}
    ratios = {load: sealed[TWO.name, load] / sealed[ONE_CORE.name, load] for load in LOADS}
    against_one = {load: sealed[TWO.name, load] / sealed[ONE.name, load] for load in LOADS}
    single, batched = LOADS
    return Result(
        name=NAME,
        measured="tasks one by one, sealed per second, two processes on two cores",
        against="one process, all of it and the load generator on one of them",
        ratio=round(ratios[single], 2),
        targets=(
            Target(text=f"at least {WANTED} times; measured {ratios[single]:.2f}", met=ratios[single] >= WANTED),
            Target(
                text=f"batches lose nothing against one process on two cores; {against_one[batched]:.2f}",
                met=against_one[batched] >= 1,
            ),
        ),
        table=tuple(table),
        busy_before_percent=busy,
        ratios={f"{load}, two processes / one core": Ratio(ratio, "more") for load, ratio in ratios.items()},
    )


async def _measure(folder: Path, repetitions: int) -> list[dict[str, Any]]:
    rows: dict[tuple[str, str], list[dict[str, float]]] = {}
    async with AsyncExitStack() as stack:
        sides = []
        for number, side in enumerate((ONE_CORE, ONE, TWO)):
            say(f"starting: {side.name}")
            sides.append(await stack.enter_async_context(_running(folder / str(number), side)))
        for repetition in range(repetitions):
            for one in sides:
                for load, (jobs, batch) in LOADS.items():
                    say(f"{repetition + 1} of {repetitions}: {one.side.name}, {load}")
                    measured = await _turn(one, jobs=jobs, batch=batch)
                    say(
                        f"  {measured['sealed_per_second']:.1f} sealed/s, {measured['all_ms']:.1f} ms of processor each"
                    )
                    rows.setdefault((one.side.name, load), []).append(measured)
    return [
        {"side": side, "load": load, **_medians(measured)}
        for (side, load), measured in sorted(rows.items(), key=_order)
    ]


def _order(row: tuple[tuple[str, str], object]) -> tuple[int, str]:
    (side, load), _ = row
    return list(LOADS).index(load), side


def _medians(measured: list[dict[str, float]]) -> dict[str, float]:
    return {name: round(statistics.median(one[name] for one in measured), 2) for name in measured[0]}


@asynccontextmanager
async def _running(folder: Path, side: Side) -> AsyncIterator[Running]:
    await asyncio.to_thread(folder.mkdir)
    database = folder / "gateway" / "db"
    async with AsyncExitStack() as stack:
        with _on_cores(side.cores):
            network, program = await stack.enter_async_context(
                echo_network(folder, "", PROCESSES=str(side.processes), **UNHURRIED)  # it starts its PostgreSQL
            )
            network.dsn = f"postgresql://postgres@/{DATABASE}?host={database}"
            await stack.enter_async_context(echo_provers(network))
            await throughput(network, program, jobs=SINGLE_JOBS // 2, batch=1)  # warm
        parts = Parts(_gateways_of(network), postmaster_of(database))
        yield Running(side=side, network=network, program=program, parts=parts)


def _gateways_of(network: Network) -> tuple[int, ...]:
    """Return the processes that are gateways: the siblings, or the one that stands alone."""
    assert network.gateway is not None
    siblings = [child.pid for child in network.gateway.children() if SIBLING in child.cmdline()]
    return tuple(siblings) or (network.gateway.pid,)


async def _turn(one: Running, *, jobs: int, batch: int) -> dict[str, float]:
    with _on_cores(one.side.cores):
        before = one.parts.seconds()
        rates = await throughput(one.network, one.program, jobs=jobs, batch=batch)
        spent = one.parts.ms_per_task(before, jobs)
    return {
        "paid_per_second": rates["paid_per_second"],
        "sealed_per_second": rates["done_per_second"],
        **spent,
        "all_ms": sum(spent.values()),
    }


@contextmanager
def _on_cores(count: int) -> Iterator[None]:
    """Keep this process, and what it starts meanwhile, to the first `count` cores that it may use."""
    every = sorted(os.sched_getaffinity(0))
    _keep_to(set(every[:count]))
    try:
        yield
    finally:
        _keep_to(set(every))


def _keep_to(cores: set[int]) -> None:
    for thread in psutil.Process().threads():  # gRPC and asyncpg have threads of their own
        os.sched_setaffinity(thread.id, cores)
