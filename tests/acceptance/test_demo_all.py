"""`proofgrid demo --all` as a newcomer runs it: every system on one network, and a Ctrl-C in the middle.

Keys of wraps take minutes, so this runs with the others that make some: `make test-wraps`.
"""

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

from proofgrid.cli.kit.failures import EXIT_INTERRUPTED
from proofgrid.proofs.registry import missing_systems

DEMO = (sys.executable, "-m", "proofgrid.cli.main", "demo", "--all")
SECONDS = 3_600  #: two setups, on a machine that others use

pytestmark = pytest.mark.skipif(not os.environ.get("WRAP_PARTS"), reason="keys of wraps take minutes: make test-wraps")


@pytest.fixture(autouse=True)
def _every_engine() -> None:
    if missing := {"ezkl", "groth16", "noir"} & set(missing_systems()):
        pytest.skip(f"{', '.join(missing)}: not here")


def left_by(data_dir: Path) -> list[int]:
    processes = psutil.process_iter(["pid", "cmdline"])
    return [one.pid for one in processes if any(str(data_dir) in part for part in one.info["cmdline"] or [])]


@pytest.mark.timeout(SECONDS)
async def test_every_system_proves_at_once_on_one_network(tmp_path: Path) -> None:
    data_dir = Path(f"/tmp/demo-all-{os.getpid()}")
    command = [*DEMO, "--json", "--data-dir", str(data_dir)]
    process = await asyncio.create_subprocess_exec(*command, cwd=tmp_path, stdout=PIPE, stderr=PIPE)
    out, err = await process.communicate()
    assert process.returncode == 0, err[-3000:]
    report: dict[str, Any] = json.loads(out)

    requests = {one["name"]: one for one in report["requests"]}
    assert (report["ok"], report["faults"]) == (True, [])
    assert {"digits", "two-numbers", "factors", "squares"} <= set(requests)
    assert all(one["is_right"] for one in requests.values())
    assert requests["two-numbers"]["wrapped"]["jobs"] == 2
    assert "proofs: what is linked is equal (1)" in requests["squares"]["checks"]
    assert len({one["prover"] for request in requests.values() for one in request["jobs"]}) == 3
    assert not left_by(data_dir)


async def test_ctrl_c_in_the_middle_leaves_no_process(tmp_path: Path) -> None:
    data_dir = Path(f"/tmp/demo-all-stopped-{os.getpid()}")
    # No keys in the cache: it is stopped while it makes some.
    told = {**os.environ, "PYTHONUNBUFFERED": "1", "PROOFGRID_DEMO_KEYS": str(tmp_path / "keys")}
    command = [*DEMO, "--data-dir", str(data_dir)]
    process = await asyncio.create_subprocess_exec(*command, cwd=tmp_path, env=told, stdout=PIPE, stderr=DEVNULL)
    assert process.stdout is not None
    while b"keys of wraps, for" not in await process.stdout.readline():
        assert not process.stdout.at_eof()
    started = psutil.Process(process.pid).children(recursive=True)
    assert left_by(data_dir) and started
    process.send_signal(signal.SIGINT)
    await process.communicate()
    assert process.returncode == EXIT_INTERRUPTED
    _, living = await asyncio.to_thread(psutil.wait_procs, started, timeout=60)
    assert not living and not left_by(data_dir)
    assert not list((tmp_path / "keys").glob("wraps-*"))
