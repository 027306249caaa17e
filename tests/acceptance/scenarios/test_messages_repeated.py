"""Results that come twice, early, late, under an old fence or by somebody else: paid once, to the right one."""

from __future__ import annotations

from pathlib import Path

import pytest

from proofgrid.wire.v1 import prover_pb2 as messages
from tests.acceptance.scenarios.scripted import ScriptedProver, prove
from tests.acceptance.tasks import database_of, events_of, register_toy, wait_for
from tests.networks import Network


async def test_a_result_that_comes_twice_is_answered_alike_and_paid_once(network: Network, tmp_path: Path) -> None:
    async with network.client() as client, ScriptedProver(network, "echo", "alice") as prover:
        program = await register_toy(client, tmp_path, slices=1)
        task = await client.submit(program.digest, ["x"], limit_price=1_500)
        lease = await prover.take_lease()
        for _ in range(3):
            await prover.say(result=prove(lease, "x"))
        verdicts = [(await prover.verdict()).accepted for _ in range(3)]
        await client.wait(task.task_id)
        await prover.say(result=prove(lease, "x"))  # replayed long after the end
        verdicts.append((await prover.verdict()).accepted)

    assert verdicts == [True] * 4


async def test_a_result_before_its_progress_counts_and_the_progress_after_it_does_not(
    network: Network, tmp_path: Path
) -> None:
    async with network.client() as client, ScriptedProver(network, "hasty", "alice") as prover:
        program = await register_toy(client, tmp_path, slices=1)
        task = await client.submit(program.digest, ["x"], limit_price=1_500)
        lease = await prover.take_lease()
        await prover.say(result=prove(lease, "x"))
        assert (await prover.verdict()).accepted
        await prover.say(
            progress=messages.JobProgress(lease_id=lease.lease_id, fence=lease.fence, stage="late", permille=1)
        )
        events = await events_of(client, task.task_id)

    assert "late" not in {event.data.get("stage") for event in events}


async def test_a_late_result_is_refused_by_its_code_and_the_second_lease_is_paid(
    network: Network, tmp_path: Path
) -> None:
    async with network.client() as client, ScriptedProver(network, "sleepy", "alice") as prover:
        program = await register_toy(client, tmp_path, slices=1)
        task = await client.submit(program.digest, ["x"], limit_price=1_500)
        first = await prover.take_lease()
        prover.silent = True
        await wait_for(client, task.task_id, "returned", reason="prover_lost")
        async with ScriptedProver(network, "awake", "bob", ask=600) as other:
            second = await other.take_lease()
            await prover.say(result=prove(first, "x"))
            late = await prover.verdict()
            await other.say(result=prove(second, "x"))
            assert (await other.verdict()).accepted
        await client.wait(task.task_id)

    assert second.fence > first.fence
    assert (late.accepted, late.code) == (False, "PG-330")
    assert await _operator_paid(network) == network.keys["bob"].address


@pytest.mark.parametrize("thief", ["bob", "alice"])
async def test_nobody_is_paid_under_another_ones_lease_or_a_wrong_fence(
    network: Network, tmp_path: Path, thief: str
) -> None:
    """bob knows the lease's id and fence; alice, whose lease it is, names another fence."""
    async with (
        network.client() as client,
        ScriptedProver(network, "worker", "alice") as worker,
        ScriptedProver(network, "thief", thief, ask=1_400) as other,
    ):
        program = await register_toy(client, tmp_path, slices=1)
        task = await client.submit(program.digest, ["x"], limit_price=1_500)
        lease = await worker.take_lease()
        stolen = prove(lease, "x")
        if thief == "alice":
            stolen.fence += 1
        await other.say(result=stolen)
        refused = await other.verdict()
        failure = messages.JobFailure(lease_id=lease.lease_id, fence=stolen.fence, code="PG-320", detail="sabotage")
        await other.say(failure=failure)
        await other.say(heartbeat=messages.Heartbeat(held=[messages.HeldLease(lease_id=lease.lease_id, fence=1)]))
        stop = (await other.hear("stop")).stop
        await worker.say(result=prove(lease, "x"))
        assert (await worker.verdict()).accepted
        events = await events_of(client, task.task_id)

    assert (refused.accepted, refused.code) == (False, "PG-330")
    assert stop.lease_id == lease.lease_id
    assert "returned" not in {event.kind for event in events}
    assert await _operator_paid(network) == network.keys["alice"].address


async def test_a_lease_of_which_only_others_speak_expires(network: Network, tmp_path: Path) -> None:
    async with (
        network.client() as client,
        ScriptedProver(network, "owner", "alice") as owner,
        ScriptedProver(network, "other", "bob", ask=1_400) as other,
    ):
        program = await register_toy(client, tmp_path, slices=1)
        task = await client.submit(program.digest, ["x"], limit_price=1_500)
        lease = await owner.take_lease()
        owner.let_go(lease)
        for _ in range(3):
            held = messages.HeldLease(lease_id=lease.lease_id, fence=lease.fence)
            await other.say(heartbeat=messages.Heartbeat(held=[held]))
        await wait_for(client, task.task_id, "returned", reason="prover_lost")
        await other.say(result=prove(await other.take_lease(), "x"))
        assert (await other.verdict()).accepted


async def _operator_paid(network: Network) -> str:
    async with database_of(network) as connection:
        rows = await connection.fetch("SELECT credit FROM transfers WHERE reason = 'proof'")
    assert len(rows) == 1
    return str(rows[0]["credit"]).rpartition(":")[2]
