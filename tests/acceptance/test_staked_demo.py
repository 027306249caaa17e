"""`make demo CHAIN=1` as a newcomer runs it, and a Ctrl-C in the middle."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE
from pathlib import Path
from typing import Any

import psutil
import pytest

from proofgrid.chain.devnet import downloads
from proofgrid.cli.kit.failures import EXIT_INTERRUPTED
from proofgrid.primitives.errors import InvalidField

DEMO = (sys.executable, "-m", "proofgrid.cli.main", "demo", "--chain")


@pytest.fixture(autouse=True)
def _a_chain() -> None:
    try:
        downloads.anvil()
        downloads.core()
    except (InvalidField, downloads.NotFetched) as error:
        pytest.skip(f"no local chain here: {error}")


async def test_a_lie_is_paid_for_on_the_chain(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(*DEMO, "--json", cwd=tmp_path, stdout=PIPE, stderr=PIPE)
    out, err = await process.communicate()
    assert process.returncode == 0, err[-3000:]
    report: dict[str, Any] = json.loads(out)

    assert (report["ok"], report["faults"]) == (True, [])
    assert (report["debt"]["state"], report["debt"]["number"]) == ("final", 0)
    assert report["staked_before"] - report["staked_after"] == report["slash_taken"] == 10**9
    assert (report["cost"], report["compensation"]) == (2_200_000_000, 250_000_000)


@pytest.mark.thorough
async def test_ctrl_c_in_the_middle_leaves_no_process(tmp_path: Path) -> None:
    told = {**os.environ, "PYTHONUNBUFFERED": "1"}
    process = await asyncio.create_subprocess_exec(*DEMO, cwd=tmp_path, env=told, stdout=PIPE, stderr=DEVNULL)
    assert process.stdout is not None
    while b"ProofgridVault" not in await process.stdout.readline():
        assert not process.stdout.at_eof()
    started = psutil.Process(process.pid).children(recursive=True)
    assert "anvil" in {one.name().partition("-")[0] for one in started}
    process.send_signal(signal.SIGINT)
    await process.communicate()
    assert process.returncode == EXIT_INTERRUPTED
    _, living = await asyncio.to_thread(psutil.wait_procs, started, timeout=60)
    assert not living
