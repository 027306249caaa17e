"""A network whose first artifact store loses everything goes on from its second copies."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.acceptance.tasks import check_paid_once, events_of, fetch_and_verify, register_toy, wait_for
from tests.networks import running_network


async def test_a_task_ends_well_although_the_first_store_is_emptied_while_it_waits(
    tmp_path: Path, database_dsn: str, toy_system_on_path: Path, srs_file: Path
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    settings = {"ARTIFACTS": str(first), "ARTIFACTS_MIRROR": str(second), "SRS_FILE": str(srs_file)}
    async with running_network(tmp_path, database_dsn, **settings) as network, network.client() as client:
        program = await register_toy(client, tmp_path, slices=3, padding=5_000)
        task = await client.submit(program.digest, ["hello"], limit_price=1_500)
        await wait_for(client, task.task_id, "accepted")
        shutil.rmtree(first / "sha256")

        await network.start_prover("p", "alice", ask=700)
        events = await events_of(client, task.task_id)
        report = await fetch_and_verify(client, network, await client.task(task.task_id), tmp_path)

        assert events[-1].kind == "done"
        assert len(report.manifest.jobs) == 3
        await check_paid_once(network)
        # What the prover had to read is whole in the first store again.
        mended = {path.name for path in (first / "sha256").rglob("*") if path.is_file()}
        assert mended <= {path.name for path in (second / "sha256").rglob("*")}
        assert len(mended) > 3
