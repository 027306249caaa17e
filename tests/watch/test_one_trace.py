"""A task of real processes is one trace, gateway, prover and child, from submit to bundle."""

from __future__ import annotations

from pathlib import Path

from tests.acceptance.tasks import register_toy
from tests.collector import running_collector
from tests.networks import running_network


async def test_a_task_is_one_trace_from_submit_to_bundle(
    tmp_path: Path, database_dsn: str, toy_system_on_path: Path
) -> None:
    with running_collector() as collector:
        async with running_network(tmp_path, database_dsn, SRS_LOGROWS="6", TRACES=collector.endpoint) as network:
            await network.start_prover("p", "alice", ask=700, TRACES=collector.endpoint)
            async with network.client() as client:
                program = await register_toy(client, tmp_path)
                task = await client.submit(program.digest, ["five"], limit_price=1_500)
                async for _ in client.watch(task.task_id):
                    pass
        spans = collector.of_trace(str(task.task_id).replace("-", ""))
        all_ids = {span.span_id for _, span in collector.spans}

    steps = {"task", "submit", "normalise", "round", "lease", "prover", "child", "verify", "settle", "combine"}
    assert set(spans) == steps
    assert all(not span.parent_span_id or span.parent_span_id in all_ids for span in spans.values())
    assert {service for service, _ in collector.spans} == {"proofgrid-gateway", "proofgrid-prover"}
