"""Do two provers of one core each prove a task of four slices faster than one? Wall time from submit to done."""

from __future__ import annotations

import asyncio
from typing import Any

from benchmarks.digits import (
    bench_network,
    cleaned_up,
    made_srs,
    register_digits,
    rest,
    start_prover,
    start_warm_prover,
    stop_prover,
    timed_task,
)
from benchmarks.measuring import Result, Target, busy_percent, median, say, temporary_folder
from tests.networks import Network

NAME = "parallel"
RATIO_MAX = 0.6


def run(*, repetitions: int) -> Result:
    """Measure alternately, so that a disturbance of the machine meets both alike."""
    busy = busy_percent()
    with temporary_folder() as folder, made_srs(folder) as srs:
        network = Network(folder, "", {"SRS_FILE": str(srs)})
        with cleaned_up(network):
            table = asyncio.run(_measure(network, repetitions))

    one = median([row["one_prover_seconds"] for row in table])
    two = median([row["two_provers_seconds"] for row in table])
    ratio = two / one
    return Result(
        name=NAME,
        measured=f"a 4-slice task on two provers of one core each, median {two:.2f} s",
        against=f"the same on one of them, median {one:.2f} s",
        ratio=round(ratio, 4),
        targets=(Target(text=f"at most {RATIO_MAX} on two idle cores", met=ratio <= RATIO_MAX),),
        table=tuple(table),
        busy_before_percent=busy,
    )


async def _measure(network: Network, repetitions: int) -> list[dict[str, Any]]:
    table = []
    async with bench_network(network) as client:
        digest = await register_digits(client)
        await stop_prover(network, await start_warm_prover(network, client, digest, "bob"))
        await start_warm_prover(network, client, digest, "alice")
        for repetition in range(1, repetitions + 1):
            await rest()
            one = await timed_task(client, digest, number=repetition)
            bob = await start_prover(network, "bob")
            await rest()
            two = await timed_task(client, digest, number=repetition)
            await stop_prover(network, bob)
            table.append(
                {
                    "repetition": repetition,
                    "one_prover_seconds": one.seconds,
                    "busy_cores_one": one.busy_cores,
                    "two_provers_seconds": two.seconds,
                    "busy_cores_two": two.busy_cores,
                    "ratio": round(two.seconds / one.seconds, 3),
                    "jobs_per_prover": "+".join(str(jobs) for jobs in two.jobs_of.values()),
                }
            )
            say(f"repetition {repetition}: one prover {one.seconds:.2f} s, two {two.seconds:.2f} s")
    return table
