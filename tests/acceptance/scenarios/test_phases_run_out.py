"""Each phase of a lease has its own end: never begun, no progress, never judged; heartbeats lengthen none of them."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from proofgrid.wire.v1 import prover_pb2 as messages
from tests.acceptance.scenarios.scripted import ScriptedProver, prove
from tests.acceptance.tasks import events_of, register_toy, the_event, wait_for
from tests.networks import Network


def progress(lease: messages.Lease, permille: int = 0) -> messages.JobProgress:
    return messages.JobProgress(lease_id=lease.lease_id, fence=lease.fence, stage="prove", permille=permille)


async def test_a_prover_that_beats_and_never_begins_loses_the_lease_and_its_late_proof_counts_half(
    network: Network, tmp_path: Path
) -> None:
    """As if its result had been on the way all the time: its client is served, and nothing is proven twice."""
    async with network.client() as client, ScriptedProver(network, "idle", "alice") as idle:
        program = await register_toy(client, tmp_path, slices=1)
        task = await client.submit(program.digest, ["x"], limit_price=1_500)
        lease = await idle.take_lease()
        await idle.say(drain=messages.Drain())
        returned = await wait_for(client, task.task_id, "returned")
        await idle.say(result=prove(lease, "x"))
        verdict = await idle.verdict()
        events = await events_of(client, task.task_id)
        status = await client.status()

    assert (verdict.accepted, verdict.price) == (True, -(-lease.price // 2))
    assert [event.kind for event in events].count("sold") == 1
    assert [event.data["late"] for event in events if event.kind == "proven"] == ["not_started"]
    assert (returned.data["reason"], returned.data["attempts"]) == ("not_started", 0)
    assert [prover.jobs_failed for prover in status.provers] == [1]


async def test_a_prover_whose_speed_is_known_gets_the_time_that_it_needs_and_not_the_longest(
    network: Network, tmp_path: Path
) -> None:
    """The longest run of such a job is a minute; this prover needs milliseconds, so a quarter of that is plenty."""
    async with network.client() as client, ScriptedProver(network, "stuck", "alice") as stuck:
        program = await register_toy(client, tmp_path, slices=1)
        for number in range(3):
            task = await client.submit(program.digest, [f"{number}"], limit_price=1_500)
            await stuck.say(result=prove(await stuck.take_lease(), f"{number}"))
            await client.wait(task.task_id)

        task = await client.submit(program.digest, ["x"], limit_price=1_500)
        lease = await stuck.take_lease()
        await stuck.say(progress=progress(lease))
        returned = await wait_for(client, task.task_id, "returned")
        stuck.let_go(lease)
        async with ScriptedProver(network, "other", "bob", ask=600) as other:
            await other.say(result=prove(await other.take_lease(), "x"))
            events = await events_of(client, task.task_id)

    started = the_event(events, "stage")
    assert returned.data["reason"] == "timed_out"
    assert "no progress" in returned.data["detail"]
    assert 15_000 <= returned.at_ms - started.at_ms < 60_000


async def test_a_result_that_no_gateway_judges_in_time_sends_the_job_back_without_blame_and_is_paid_in_full(
    network: Network, tmp_path: Path
) -> None:
    network.settings["REPORT_MS"] = "2000"
    assert network.gateway is not None
    await network.gateway.stop()
    await network.start_gateway()
    async with network.client() as client, ScriptedProver(network, "done", "alice") as done:
        program = await register_toy(client, tmp_path, slices=1)
        task = await client.submit(program.digest, ["x"], limit_price=1_500)
        first = await done.take_lease()
        await done.say(drain=messages.Drain())
        signing = network.gateway.signing()
        workers = [child for child in network.gateway.children() if child not in signing]
        for worker in workers:
            os.kill(worker.pid, signal.SIGSTOP)  # those that verify
        try:
            await done.say(result=prove(first, "x"))
            returned = await wait_for(client, task.task_id, "returned")
        finally:
            for worker in workers:
                os.kill(worker.pid, signal.SIGCONT)
        late = await done.verdict()
        events = await events_of(client, task.task_id)

    assert (returned.data["reason"], returned.data["attempts"]) == ("store_fault", 0)
    assert (late.accepted, late.price) == (True, first.price)
    assert events[-1].kind == "done"
