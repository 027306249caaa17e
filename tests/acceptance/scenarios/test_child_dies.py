"""The child process of a job crashes, exits, panics, runs out of memory: one prover's trouble, another one's job."""

from __future__ import annotations

import asyncio
from pathlib import Path

import psutil
import pytest

from tests.acceptance.tasks import events_of, register_toy, wait_for
from tests.networks import Network


@pytest.mark.parametrize(
    ("behaviour", "said"),
    [("crash", "SIGSEGV"), ("exit", "7"), ("panic", "explicit panic"), ("memory", "out of memory")],
)
async def test_a_child_that_dies_on_one_prover_is_reported_and_its_job_proven_on_another(
    network: Network, tmp_path: Path, behaviour: str, said: str
) -> None:
    await network.start_prover("unlucky", "alice", ask=500)
    keys = network.keys_directory("unlucky", "alice")
    keys.mkdir(parents=True, exist_ok=True)
    (keys / "toy-behaviour").write_text(behaviour)
    async with network.client() as client:
        program = await register_toy(client, tmp_path, slices=1)
        task = await client.submit(program.digest, ["x"], limit_price=1_500)
        returned = await wait_for(client, task.task_id, "returned")
        await network.start_prover("lucky", "bob", ask=900)
        events = await events_of(client, task.task_id)

    assert returned.data["reason"] == "child_crashed"
    assert said in returned.data["detail"]
    assert [event.data["prover"].rpartition("/")[2] for event in events if event.kind == "proven"] == ["lucky"]


async def test_a_child_that_hangs_is_killed_with_its_group_and_its_job_proven_elsewhere(
    network: Network, tmp_path: Path
) -> None:
    network.settings |= {"RUN_MS_FLOOR": "3000", "RUN_MS_PER_UNIT": "1"}
    assert network.gateway is not None
    await network.gateway.stop()
    await network.start_gateway()
    prover = await network.start_prover("stuck", "alice", ask=500)
    keys = network.keys_directory("stuck", "alice")
    keys.mkdir(parents=True, exist_ok=True)
    (keys / "toy-behaviour").write_text("hang")
    async with network.client() as client:
        program = await register_toy(client, tmp_path, slices=1)
        task = await client.submit(program.digest, ["x"], limit_price=1_500)
        await wait_for(client, task.task_id, "stage", stage="prove")
        children = prover.proving()
        await network.start_prover("other", "bob", ask=900)
        returned = await wait_for(client, task.task_id, "returned")
        events = await events_of(client, task.task_id)

        # An engine that ignores SIGTERM has a second of grace; the other prover may be done before it is over.
        _, alive = await asyncio.to_thread(psutil.wait_procs, children, 10)

    assert children
    assert not alive
    assert returned.data["reason"] == "timed_out"
    assert events[-1].kind == "done"
