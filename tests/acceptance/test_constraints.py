"""Constraints, class limits and asks per class over real sockets: from the client's demand to who is paid."""

from __future__ import annotations

from pathlib import Path

from proofgrid.rules.jobs.constraints import Constraints
from tests.acceptance.tasks import check_paid_once, events_of, register_toy, wait_for
from tests.networks import running_network


async def test_only_provers_that_meet_a_clients_constraints_prove_its_jobs(
    tmp_path: Path, database_dsn: str, toy_system_on_path: Path, srs_file: Path
) -> None:
    async with running_network(
        tmp_path, database_dsn, SRS_FILE=str(srs_file), CLASS_LIMITS="small=1KiB:1,medium=2KiB:2"
    ) as network:
        for name, operator, region in (("far", "alice", "us"), ("near", "bob", "eu")):
            await network.start_prover(
                name, operator, ask=100, REGION=region, CLASSES="small,medium,large", CLASS_ASKS="large=900"
            )

        async with network.client() as client:
            program = await register_toy(client, tmp_path, slices=3)
            there = Constraints(regions=frozenset({"eu"}))
            task = await client.submit(program.digest, ["x"], limit_price=1_500, constraints=there)
            events = await events_of(client, task.task_id)

            nowhere = Constraints(regions=frozenset({"mars"}))
            lost = await client.submit(program.digest, ["x"], limit_price=1_500, constraints=nowhere)
            told = await wait_for(client, lost.task_id, "no_sale", nobody=True)
            await client.cancel(lost.task_id)

        assert events[0].data["constraints"] == there.to_json()
        sold = [event.data for event in events if event.kind == "sold"]
        assert {item["prover"] for item in sold} == {f"{network.keys['bob'].address}/near"}
        assert {item["lane"] for item in sold} == {f"default/toy@1.0/large/{there.name}"}  # by the gateway's own limits
        assert all(item["sell_price"] >= 900 for item in sold)
        assert told.data["lane"] == f"default/toy@1.0/large/{nowhere.name}"
        await check_paid_once(network)
