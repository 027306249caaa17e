"""kill -9, cut streams and stopped processes: the task ends well, nothing is paid twice, the watch resumes."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from tests.acceptance.tasks import check_paid_once, events_of, patient, register_toy, wait_for
from tests.networks import Network


async def test_a_killed_provers_slice_is_proven_elsewhere(network: Network, tmp_path: Path) -> None:
    network.hold("doomed", "alice")
    doomed = await network.start_prover("doomed", "alice", ask=500)
    async with network.client() as client:
        program = await register_toy(client, tmp_path, slices=2)
        task = await client.submit(program.digest, ["x"], limit_price=1_500)
        await wait_for(client, task.task_id, "stage", stage="prove")
        children = doomed.children()

        doomed.kill()
        await network.start_prover("heir", "bob", ask=900)
        events = await events_of(client, task.task_id)
        await asyncio.to_thread(lambda: [child.wait(timeout=60) for child in children])

    returned = [event.data for event in events if event.kind == "returned"]
    assert children
    assert [item["reason"] for item in returned] == ["prover_lost"]
    assert events[-1].kind == "done"
    await check_paid_once(network)


async def test_a_killed_child_is_reported_and_its_slice_proven_elsewhere(network: Network, tmp_path: Path) -> None:
    hold = network.hold("clumsy", "alice")
    clumsy = await network.start_prover("clumsy", "alice", ask=500)
    async with network.client() as client:
        program = await register_toy(client, tmp_path, slices=2)
        task = await client.submit(program.digest, ["x"], limit_price=1_500)
        await wait_for(client, task.task_id, "stage", stage="prove")
        await network.start_prover("other", "bob", ask=900)

        [child] = clumsy.proving()
        child.kill()
        returned = (await wait_for(client, task.task_id, "returned")).data
        hold.let_go()
        events = await events_of(client, task.task_id)

    assert returned["reason"] == "child_crashed"
    assert "SIGKILL" in returned["detail"]
    assert events[-1].kind == "done"
    await check_paid_once(network)


async def test_a_killed_gateway_comes_back_and_loses_nothing(network: Network, tmp_path: Path) -> None:
    hold = network.hold("p", "alice")
    await network.start_prover("p", "alice", ask=500)
    async with network.client() as client:
        program = await register_toy(client, tmp_path, slices=3)
        task = await client.submit(program.digest, ["x"], limit_price=1_500)
        await wait_for(client, task.task_id, "stage", stage="prove")
        watching = asyncio.ensure_future(events_of(client, task.task_id))

        assert network.gateway is not None
        network.gateway.kill()
        await network.gateway.process.wait()
        hold.let_go()
        await network.start_gateway()
        events = await watching

    assert [event.cursor for event in events] == list(range(1, len(events) + 1))
    assert events[-1].kind == "done"
    await check_paid_once(network)


async def test_a_gateway_killed_while_combining_combines_after_its_restart(network: Network, tmp_path: Path) -> None:
    await network.start_prover("p", "alice", ask=500)
    async with network.client() as client:
        program = await register_toy(client, tmp_path, slices=1, rounds=100_000)
        task = await client.submit(program.digest, ["x", "y", "z"], limit_price=1_500)
        await wait_for(client, task.task_id, "combining")

        assert network.gateway is not None
        network.gateway.kill()
        await network.gateway.process.wait()
        await network.start_gateway()
        events = await events_of(client, task.task_id)

    assert events[-1].kind == "done"
    assert [event.kind for event in events].count("done") == 1
    await check_paid_once(network)


@pytest.mark.thorough
async def test_a_stopped_prover_that_wakes_up_late_is_fenced_off(network: Network, tmp_path: Path) -> None:
    hold = network.hold("sleeper", "alice")
    sleeper = await network.start_prover("sleeper", "alice", ask=500)
    async with network.client() as client:
        program = await register_toy(client, tmp_path, slices=1)
        task = await client.submit(program.digest, ["x"], limit_price=1_500)
        await wait_for(client, task.task_id, "stage", stage="prove")

        os.kill(sleeper.pid, signal.SIGSTOP)
        hold.let_go()  # its child goes on and finishes
        await wait_for(client, task.task_id, "returned", reason="prover_lost")
        os.kill(sleeper.pid, signal.SIGCONT)
        await network.start_prover("other", "bob", ask=900)
        events = await events_of(client, task.task_id)
        other = (await client.task(task.task_id)).jobs[0].operator

    assert events[-1].kind == "done"
    assert other in {network.keys["alice"].address, network.keys["bob"].address}
    await check_paid_once(network)


@pytest.mark.thorough
async def test_a_job_that_kills_every_prover_ends_with_its_reason_and_a_refund(
    network: Network, tmp_path: Path
) -> None:
    network.settings["ATTEMPTS_MAX"] = "2"
    assert network.gateway is not None
    await network.gateway.stop()
    await network.start_gateway()
    for number in range(2):
        await network.start_prover(f"p{number}", "alice", ask=500)
    async with network.client() as client:
        program = await register_toy(client, tmp_path, slices=1, behaviour="crash")
        task = await client.submit(program.digest, ["poison"], limit_price=1_500)
        task = await client.wait(task.task_id)
        account = await client.account()

    assert (task.state, task.failure_code) == ("failed", "PG-511")
    assert "SIGSEGV" in task.failure_detail
    assert account.balance == 10_000_000_000


@patient
async def test_a_prover_cut_off_for_a_moment_keeps_its_lease(network: Network, tmp_path: Path) -> None:
    """The child proves until the gateway is back: the result is handed in after the reconnect."""
    hold = network.hold("p", "alice")
    prover = await network.start_prover("p", "alice", ask=500)
    async with network.client() as client:
        program = await register_toy(client, tmp_path, slices=1)
        task = await client.submit(program.digest, ["x"], limit_price=1_500)
        await wait_for(client, task.task_id, "stage", stage="prove")
        before = {child.pid for child in prover.children()}

        assert network.gateway is not None
        network.gateway.kill()
        await network.gateway.process.wait()
        await network.start_gateway()
        await network.until(lambda status: len(status.provers) == 1)
        hold.let_go()
        events = await events_of(client, task.task_id)

    assert before
    assert [event.kind for event in events if event.kind in ("sold", "returned", "proven", "done")] == [
        "sold",
        "proven",
        "done",
    ]
    await check_paid_once(network)
