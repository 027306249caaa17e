"""Two processes behind one address: one is killed, all are stopped, and nothing is lost."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from proofgrid.rules.scheduling.chores import doer_of
from tests.acceptance.tasks import check_paid_once, database_of, register_toy, submit_and_watch
from tests.certificates import CA, tls_settings
from tests.networks import WAIT_SECONDS, Network, Process

TASKS = 4
PROVERS = 4


def siblings_of(gateway: Process) -> dict[int, psutil.Process]:
    """Return the living siblings by their number."""
    found = {}
    for child in gateway.children():
        words = child.cmdline()
        if "proofgrid.bootstrap.gateway.several.process" in words:
            found[int(words[-1])] = child
    return found


async def until_siblings(gateway: Process, numbers: set[int], but: int = 0) -> dict[int, psutil.Process]:
    """Wait until these live, none of them as the process `but`."""
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            living = siblings_of(gateway)
            if set(living) == numbers and but not in {child.pid for child in living.values()}:
                return living
            await asyncio.sleep(0.05)


@pytest.fixture
async def network(toy_system_on_path: Path, srs_file: Path) -> AsyncIterator[Network]:
    """One gateway of two processes, encrypted, with the database that its supervisor started."""
    root = Path(tempfile.mkdtemp(prefix="pg-"))  # a Unix socket needs a short path
    settings = {**tls_settings(root), "SRS_FILE": str(srs_file), "PROCESSES": "2", "LOG_JSON": "true"}
    network = Network(root, "", settings, scheme="grpcs", ca_file=root / CA)
    try:
        await network.start_gateway()
        await network.let_in()
        yield network
    finally:
        await network.stop()
        shutil.rmtree(root, ignore_errors=True)


@pytest.mark.thorough
async def test_one_of_two_killed_under_load_loses_nothing(network: Network) -> None:
    gateway = network.gateway
    assert gateway is not None
    hold = network.hold("p3", "bob")  # work is under way, whenever it is that the process dies
    for number in range(PROVERS):
        await network.start_prover(
            f"p{number}", ("alice", "bob")[number % 2], ask=500 + number, TLS_CA=str(network.root / CA)
        )
    async with network.client() as client:
        program = await register_toy(client, network.root, slices=2)
    loads = [
        asyncio.ensure_future(submit_and_watch(network, network.address, program.digest, name, tasks=TASKS))
        for name in ("one", "two", "three")
    ]
    await network.until(lambda status: status.jobs_by_state.get("proven", 0) >= 2)
    living = await until_siblings(gateway, {1, 2})
    killed = doer_of("default/toy", (1, 2))
    assert killed is not None
    os.kill(living[killed].pid, signal.SIGKILL)  # it held the rounds
    hold.let_go()
    tasks = [task for group in await asyncio.gather(*loads) for task in group]
    await until_siblings(gateway, {1, 2}, but=living[killed].pid)
    await network.until(lambda status: len(status.provers) == PROVERS)
    await network.check_ledger()
    network.dsn = f"postgresql://postgres@/proofgrid?host={network.root / 'gateway' / 'db'}"
    await check_paid_once(network)
    async with database_of(network) as connection:
        epoch = await connection.fetchval("SELECT max(epoch) FROM lanes")
    network.dsn = ""

    assert {task.state for task in tasks} == {"done"}
    assert epoch <= 5  # the lead went over when its process died, and back: never for a notification that both heard

    # The supervisor is killed: its processes end too, and the next one finds the database that it left.
    siblings = list(siblings_of(gateway).values())
    gateway.kill()
    await ended(siblings)
    await network.start_gateway()

    # Ctrl-C in a terminal: all drain together, and nothing is left, not even the database.
    started = network.gateway.children() if network.gateway is not None else []
    assert network.gateway is not None
    os.kill(network.gateway.pid, signal.SIGINT)
    async with asyncio.timeout(WAIT_SECONDS):
        assert await network.gateway.process.wait() == 0
    await ended(started)
    assert not (network.root / "gateway" / "db" / "postmaster.pid").exists()

    # What is no line of ours are the last words of a killed process's helper, by Python itself.
    lines = [json.loads(line) for line in gateway.log.read_text().splitlines() if line.startswith("{")]
    assert {line.get("process") for line in lines} == {None, 1, 2}
    assert [line["number"] for line in lines if line["event"] == "process_died"] == [killed]


async def ended(processes: list[psutil.Process]) -> None:
    """Wait until none of them lives."""
    _, left = await asyncio.to_thread(psutil.wait_procs, processes, WAIT_SECONDS)
    assert left == []
