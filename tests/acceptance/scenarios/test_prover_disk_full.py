"""No more room on a prover's disk: it says so, its job is proven elsewhere, and the prover itself lives on.

A limit on the size of files stands for the full disk: it needs no rights and no mount, and the write fails in the same
place. Logs are far below it.
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path

import pytest

from tests.acceptance.tasks import events_of, register_toy, wait_for
from tests.networks import Network

LIMIT_BYTES = 4 << 20


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can limit another process")
async def test_a_job_that_finds_no_room_on_one_prover_is_proven_on_another(network: Network, tmp_path: Path) -> None:
    full = await network.start_prover("full", "alice", ask=500)
    resource.prlimit(full.pid, resource.RLIMIT_FSIZE, (LIMIT_BYTES, LIMIT_BYTES))
    async with network.client() as client:
        program = await register_toy(client, tmp_path, slices=1, behaviour="fill")
        task = await client.submit(program.digest, ["x"], limit_price=1_500)
        returned = await wait_for(client, task.task_id, "returned")
        await network.start_prover("roomy", "bob", ask=900)
        events = await events_of(client, task.task_id)

    assert returned.data["reason"] == "child_crashed"
    assert "File too large" in returned.data["detail"]
    assert [event.data["prover"].rpartition("/")[2] for event in events if event.kind == "proven"] == ["roomy"]
    assert full.process.returncode is None
