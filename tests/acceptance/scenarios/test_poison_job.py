"""A job that kills every prover ends in the dead-letter queue with its reason, and can be replayed from there."""

from __future__ import annotations

from pathlib import Path

import pytest

from proofgrid.primitives.errors import UnknownTask
from tests.acceptance.tasks import register_toy
from tests.networks import Network


async def test_a_poison_job_is_a_dead_letter_with_its_reason_and_its_replay_is_a_new_task(
    network: Network, tmp_path: Path
) -> None:
    network.settings["ATTEMPTS_MAX"] = "2"
    assert network.gateway is not None
    await network.gateway.stop()
    await network.start_gateway()
    provers = [await network.start_prover(f"p{number}", "alice", ask=500) for number in range(2)]
    async with network.client() as client, network.administrator() as administrator:
        program = await register_toy(client, tmp_path, slices=2, behaviour="crash")
        task = await client.submit(program.digest, ["poison"], limit_price=1_500)
        task = await client.wait(task.task_id)
        listed = await administrator.admin.dead_letters()
        letter = await administrator.admin.dead_letter(task.task_id)

        # The reason is gone: these provers do not die of it.
        for prover in provers:
            (network.keys_directory(prover.name, "alice") / "toy-behaviour").write_text("ok")
        replayed = [(await administrator.admin.replay_dead_letter(task.task_id)).replayed_as for _ in range(2)]
        second = await client.wait(replayed[0])
        left = await administrator.admin.dead_letters()
        with pytest.raises(UnknownTask):
            await administrator.admin.replay_dead_letter(second.task_id)

    assert (task.state, task.failure_code) == ("failed", "PG-511")
    assert [one.task_id for one in listed] == [task.task_id]
    assert "SIGSEGV" in letter.detail
    assert {one.reason for one in letter.tries} == {"child_crashed"}
    assert replayed[0] == replayed[1] != task.task_id
    assert (second.state, second.escrow) == ("done", task.escrow)
    assert not left
