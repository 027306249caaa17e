"""A gateway with the embedded database: killed, it is started again; where it cannot be, the gateway ends."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from proofgrid.primitives.errors import Unavailable
from proofgrid.sdk.health import check_health
from proofgrid.wire.addresses import parse_target
from tests.acceptance.tasks import register_toy, wait_for
from tests.cli.commands import proofgrid
from tests.networks import WAIT_SECONDS, Network, running_network, said

EXIT_TRY_AGAIN = 75


@pytest.fixture
async def network(toy_system_on_path: Path, srs_file: Path) -> AsyncIterator[Network]:
    """A gateway with a database of its own in its data directory."""
    root = Path(tempfile.mkdtemp(prefix="pg-"))  # a Unix socket needs a short path
    try:
        async with running_network(root, "", SRS_FILE=str(srs_file)) as network:
            yield network
    finally:
        if (pid := postmaster_of(root)) is not None:
            os.kill(pid, signal.SIGKILL)
        shutil.rmtree(root, ignore_errors=True)


def postmaster_of(root: Path) -> int | None:
    try:
        pid = int((root / "gateway" / "db" / "postmaster.pid").read_text().splitlines()[0])
        return pid if psutil.Process(pid).name() == "postgres" else None
    except (OSError, psutil.Error):
        return None


def kill_postmaster(root: Path) -> int:
    """kill -9 of the database's first process; return its number."""
    pid = postmaster_of(root)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    psutil.wait_procs([psutil.Process(pid)] if psutil.pid_exists(pid) else [], timeout=60)
    return pid


async def test_a_killed_database_is_started_again_and_work_goes_on(network: Network) -> None:
    assert network.gateway is not None
    await network.start_prover("p", "alice", ask=500)
    async with network.client() as client:
        program = await register_toy(client, network.root, slices=1)
        for number in range(2):
            hold = network.hold("p", "alice")
            task = await client.submit(program.digest, [str(number)], limit_price=1_500)
            await wait_for(client, task.task_id, "stage", stage="prove")
            killed = await asyncio.to_thread(kill_postmaster, network.root)
            hold.let_go()
            assert (await client.wait(task.task_id)).state == "done"
            assert postmaster_of(network.root) != killed
        left = postmaster_of(network.root)
        assert network.gateway.process.returncode is None

        network.gateway.kill()  # the database outlives it, and the next gateway goes on with it
        await network.gateway.process.wait()
        await network.start_gateway()
        task = await client.submit(program.digest, ["after"], limit_price=1_500)
        assert (await client.wait(task.task_id)).state == "done"
    assert postmaster_of(network.root) == left


@pytest.mark.thorough
async def test_a_second_gateway_on_the_data_directory_joins_on_a_port_of_its_own(network: Network) -> None:
    data_dir = str(network.root / "gateway")
    refused = await network._start("refused", ["gateway"], {"DATA_DIR": data_dir, "LISTEN": network.address})
    async with asyncio.timeout(WAIT_SECONDS):
        assert await refused.process.wait() == 1
    second = await network.start_another_gateway(DATA_DIR=data_dir)
    await network.start_prover("p", "alice", ask=500, GATEWAY=second)
    async with network.client() as client:
        program = await register_toy(client, network.root, slices=1)
        task = await client.submit(program.digest, ["x"], limit_price=1_500)
        assert (await client.wait(task.task_id)).state == "done"

    said = refused.log.read_text()
    assert f"cannot listen on {network.address}" in said
    assert "database_started" not in said
    assert await network.others[second].stop() == 0
    assert postmaster_of(network.root) is not None  # the first one still uses it


@pytest.mark.thorough
async def test_a_database_that_cannot_start_again_ends_the_gateway_with_a_code_of_its_own(
    toy_system_on_path: Path, srs_file: Path
) -> None:
    root = Path(tempfile.mkdtemp(prefix="pg-"))
    network = Network(root, "", {"SRS_FILE": str(srs_file), "DATABASE_PATIENCE_SECONDS": "8"})
    try:
        await network.start_gateway()
        assert network.gateway is not None
        check = ("gateway", "--check", "--listen", network.address)
        assert (await asyncio.to_thread(proofgrid, *check, home=root)).returncode == 0
        (root / "gateway" / "db" / "PG_VERSION").write_text("1\n")
        await asyncio.to_thread(kill_postmaster, root)
        await said(network.gateway.log, "not_serving")
        with pytest.raises(Unavailable, match="the database is away"):
            await check_health(parse_target(network.address))
        async with asyncio.timeout(WAIT_SECONDS):
            code = await network.gateway.process.wait()
        logged = network.gateway.log.read_text()
        gone = await asyncio.to_thread(proofgrid, *check, home=root)
    finally:
        await network.stop()
        shutil.rmtree(root, ignore_errors=True)

    assert gone.returncode == 1
    assert "PG-301" in gone.stderr
    assert code == EXIT_TRY_AGAIN, logged
    assert "PG-302" in logged
