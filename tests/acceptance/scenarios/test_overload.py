"""Asked for too much, a gateway refuses some of it and blames nobody; one that stood still takes nothing back."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from benchmarks.echo_network import echo_network, echo_provers
from benchmarks.overload import FLOODS, measure_loads
from proofgrid.wire.v1 import prover_pb2 as messages
from tests.acceptance.scenarios.checkers import check_no_process_left, check_promises
from tests.acceptance.scenarios.conftest import SETTINGS
from tests.acceptance.scenarios.scripted import ScriptedProver, prove
from tests.acceptance.tasks import database_of, events_of, register_toy
from tests.networks import Network

NORMAL_SECONDS = 5.0  #: as issue 13 demands
STOOD_STILL_SECONDS = int(SETTINGS["LEASE_TTL_MS"]) / 1_000 + 1.5


async def test_under_three_times_too_much_no_prover_is_blamed_and_nobody_who_asks_little_is_refused(
    tmp_path: Path, database_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", os.environ.get("PYTHONPATH", ""))  # the echo system's packages stay here
    async with echo_network(tmp_path, database_dsn) as (network, program), echo_provers(network) as refused:
        _, loads = await measure_loads(network, program, refused, floods=FLOODS[-2:], seconds=3.0, saturating_jobs=120)
        await check_promises(network)
    check_no_process_left(tmp_path)

    for load in loads:
        assert load.taken, load
        assert not load.errors, load
        assert not load.lease_ends, load
        assert not load.sold_twice, load
        assert not load.results_refused, load
        assert not load.small_refused, load
        assert load.normal_after_seconds <= NORMAL_SECONDS, load


async def test_a_gateway_that_stood_still_for_longer_than_a_lease_lives_takes_none_back(
    network: Network, tmp_path: Path
) -> None:
    """Heartbeats came all the time, and nobody read them."""
    assert network.gateway is not None
    async with network.client() as client, ScriptedProver(network, "patient", "alice") as patient:
        program = await register_toy(client, tmp_path, slices=1)
        tasks = [await client.submit(program.digest, ["x"], limit_price=1_500) for _ in range(2)]
        first, second = await patient.take_lease(), await patient.take_lease()
        await patient.say(progress=messages.JobProgress(lease_id=first.lease_id, fence=first.fence, stage="prove"))

        os.kill(network.gateway.pid, signal.SIGSTOP)
        await asyncio.sleep(STOOD_STILL_SECONDS)
        os.kill(network.gateway.pid, signal.SIGCONT)
        await asyncio.sleep(1.5)  # the watch looks at least once a second
        async with database_of(network) as connection:
            states = [row["state"] for row in await connection.fetch("SELECT state FROM leases ORDER BY fence")]
        for lease in (first, second):
            await patient.say(result=prove(lease, "x"))
        events = [await events_of(client, task.task_id) for task in tasks]

    assert set(states) <= {"offered", "running"}
    for of_task in events:
        kinds = [event.kind for event in of_task]
        assert (kinds.count("sold"), kinds.count("returned"), kinds[-1]) == (1, 0, "done")
