"""The stored input of a job is deleted or corrupted: the task ends with a refund, or it is mended in time."""

from __future__ import annotations

from pathlib import Path

from proofgrid.primitives.canonical import canonical_json
from proofgrid.primitives.digests import digest_of
from tests.acceptance.tasks import events_of, register_toy, wait_for
from tests.networks import Network

PADDING = 5_000  #: so that an input is an artifact


def _path_of_input(network: Network, text: str) -> Path:
    """Where the first slice's input of a toy task lies, locked with the store's key."""
    content = canonical_json({"start": digest_of(text.encode()), "padding": "x" * PADDING})
    digest = digest_of(content)
    return network.root / "gateway" / "artifacts" / "sha256" / digest[:2] / digest


async def test_jobs_whose_inputs_are_gone_end_their_tasks_with_a_refund(network: Network, tmp_path: Path) -> None:
    async with network.client() as client:
        program = await register_toy(client, tmp_path, slices=1, padding=PADDING)
        tasks = {how: await client.submit(program.digest, [how], limit_price=1_500) for how in ("deleted", "corrupted")}
        paths = {how: _path_of_input(network, how) for how in tasks}
        paths["deleted"].unlink()
        content = paths["corrupted"].read_bytes()
        paths["corrupted"].write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        await network.start_prover("p", "alice", ask=500, SLOTS="2")
        events = [event for task in tasks.values() for event in await events_of(client, task.task_id)]
        ended = [await client.task(task.task_id) for task in tasks.values()]
        balance = (await client.account()).balance
        provers = {prover.jobs_failed for prover in (await client.status()).provers}

    assert [(task.state, task.failure_code) for task in ended] == [("failed", "PG-511")] * 2
    assert all("artifact_lost" in task.failure_detail for task in ended)
    assert {event.data["reason"] for event in events if event.kind == "returned"} == {"artifact_lost"}
    assert balance == 10_000_000_000
    assert provers == {0}, "it was no prover's fault"


async def test_an_input_that_is_mended_in_time_is_proven(network: Network, tmp_path: Path) -> None:
    async with network.client() as client:
        program = await register_toy(client, tmp_path, slices=1, padding=PADDING)
        task = await client.submit(program.digest, ["x"], limit_price=1_500)
        path = _path_of_input(network, "x")
        content = path.read_bytes()
        path.unlink()
        await network.start_prover("p", "alice", ask=500)
        await wait_for(client, task.task_id, "returned", reason="artifact_lost")
        path.write_bytes(content)
        task = await client.wait(task.task_id)

    assert task.state == "done"
