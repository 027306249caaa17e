"""Two machines with one name: the first one works on, the second is told who has the name; nobody is blamed for it."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import pytest

from tests.acceptance.tasks import database_of, events_of, register_toy, submit_and_watch, wait_for
from tests.networks import WAIT_SECONDS, Network


async def until_opened(network: Network, sessions: int) -> None:
    """Wait until so many sessions were opened, the last of which is live."""
    query = "SELECT count(*) = $1 AND count(*) FILTER (WHERE open) = 1 FROM sessions"
    async with database_of(network) as connection, asyncio.timeout(WAIT_SECONDS):
        while not await connection.fetchval(query, sessions):  # noqa: ASYNC110 - rows tell nobody
            await asyncio.sleep(0.05)


@pytest.mark.thorough
async def test_a_second_machine_of_the_same_name_ends_with_the_address_of_the_first(
    network: Network, tmp_path: Path
) -> None:
    hold = network.hold("p", "alice")
    first = await network.start_prover("p", "alice", ask=500)
    async with network.client() as client:
        program = await register_toy(client, tmp_path, slices=1)
        task = await client.submit(program.digest, ["x"], limit_price=1_500)
        await wait_for(client, task.task_id, "stage", stage="prove")
        second = await network.start_prover("p", "alice", ask=500, DATA_DIR=str(tmp_path / "second machine"))
        async with asyncio.timeout(WAIT_SECONDS):
            code = await second.process.wait()
        hold.let_go()
        kinds = [event.kind for event in await events_of(client, task.task_id)]

    said = second.log.read_text()
    assert code == 1
    assert "prover_waiting_for_name" in said
    assert "PG-209" in said
    assert "connected from 127.0.0.1:" in said
    assert first.process.returncode is None
    assert "returned" not in kinds
    assert kinds[-1] == "done"
    async with database_of(network) as connection:
        assert await connection.fetchval("SELECT count(*) FROM sessions") == 1


async def test_a_killed_prover_s_name_is_free_at_once_and_a_stopped_one_s_after_its_silence(
    network: Network, tmp_path: Path
) -> None:
    first = await network.start_prover("p", "alice", ask=500)
    first.kill()
    await first.process.wait()
    again = await network.start_prover("p", "alice", ask=500)
    await until_opened(network, 2)
    assert "prover_waiting_for_name" not in again.log.read_text()

    again.process.send_signal(signal.SIGSTOP)
    try:
        elsewhere = await network.start_prover("p", "alice", ask=500, DATA_DIR=str(tmp_path / "elsewhere"))
        await until_opened(network, 3)
    finally:
        again.process.send_signal(signal.SIGCONT)
    async with network.client() as client:
        program = await register_toy(client, tmp_path, slices=1)
    [task] = await submit_and_watch(network, network.address, program.digest, "client", tasks=1)

    assert task.state == "done"
    assert "prover_waiting_for_name" in elsewhere.log.read_text()
    assert elsewhere.process.returncode is None
