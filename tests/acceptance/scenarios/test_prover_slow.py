"""A prover that takes longer than a lease lives without a heartbeat: slow is not dead."""

from __future__ import annotations

from pathlib import Path

from tests.acceptance.tasks import events_of, register_toy
from tests.networks import Network


async def test_a_slow_prover_that_still_beats_keeps_its_lease(network: Network, tmp_path: Path) -> None:
    await network.start_prover("slow", "alice", ask=500)
    async with network.client() as client:
        program = await register_toy(client, tmp_path, slices=1, behaviour="slow", sleep_ms=10_000)
        task = await client.submit(program.digest, ["x"], limit_price=1_500)
        await network.start_prover("idle", "bob", ask=900)
        events = await events_of(client, task.task_id)

    assert [event.data["prover"].rpartition("/")[2] for event in events if event.kind == "proven"] == ["slow"]
    assert "returned" not in {event.kind for event in events}
