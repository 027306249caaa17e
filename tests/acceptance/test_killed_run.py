"""kill -9 of a test run: the gateways and provers that it had started end themselves."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]
RUN = """
import asyncio, sys
from pathlib import Path
from tests.networks import running_network

async def run(root, dsn, srs):
    async with running_network(Path(root), dsn, SRS_FILE=srs) as network:
        prover = await network.start_prover("p", "alice", ask=500)
        print(network.gateway.pid, prover.pid, flush=True)
        await asyncio.Event().wait()

asyncio.run(run(*sys.argv[1:]))
"""


async def test_a_killed_test_run_leaves_no_gateway_and_no_prover_behind(
    tmp_path: Path, database_dsn: str, toy_system_on_path: Path, srs_file: Path
) -> None:
    command = [sys.executable, "-c", RUN, str(tmp_path), database_dsn, str(srs_file)]
    run = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
    assert run.stdout is not None
    started = [psutil.Process(int(pid)) for pid in (await run.stdout.readline()).split()]
    family = [*started, *(child for process in started for child in process.children(recursive=True))]

    run.kill()
    await run.wait()

    _, alive = await asyncio.to_thread(psutil.wait_procs, family, 60)
    for process in alive:
        process.kill()
    assert len(family) >= 2
    assert not alive
