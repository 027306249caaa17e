"""A batch that ends in one proof: folded as its parts come, and like any task when a prover dies or cheats."""

from __future__ import annotations

from pathlib import Path

import pytest

from proofgrid.primitives.errors import InvalidField
from proofgrid.rules.jobs.limits import SMALL_ARTIFACT_BYTES
from tests.acceptance.tasks import check_paid_once, events_of, fetch_and_verify, register_toy, wait_for
from tests.networks import Network

INPUTS = [f"input {number}" for number in range(8)]


async def test_eight_parts_by_three_provers_end_in_one_proof(network: Network, tmp_path: Path) -> None:
    for number, operator in enumerate(["alice", "alice", "bob"]):
        await network.start_prover(f"p{number}", operator, ask=700 + number)

    async with network.client() as client:
        # Proofs that are artifacts: who wraps them has to be allowed to read them.
        program = await register_toy(client, tmp_path, slices=1, wraps=2, thickness=SMALL_ARTIFACT_BYTES)
        plain = await client.submit(program.digest, INPUTS, limit_price=1_500, idempotency_key="plain")
        quote = await client.quote(program.digest, INPUTS, aggregate=True)
        task = await client.submit(program.digest, INPUTS, limit_price=1_500, aggregate=True, allow_cached=True)
        events = await events_of(client, task.task_id)
        task = await client.task(task.task_id)
        report = await fetch_and_verify(client, network, task, tmp_path)
        await client.wait(plain.task_id)
        many = await fetch_and_verify(client, network, await client.task(plain.task_id), tmp_path)
        other = await register_toy(client, tmp_path, slices=1)
        with pytest.raises(InvalidField) as refused:
            await client.submit(other.digest, INPUTS, limit_price=1_500, aggregate=True)
        again = await client.submit(program.digest, INPUTS, limit_price=1_500, aggregate=True, allow_cached=True)

    assert quote.units == task.units == 10 * (8 + 7)
    sold = [event.data for event in events if event.kind == "sold"]
    assert len(sold) == 8 + 7
    assert report.manifest.wrapped is not None
    paid = sum(item["sell_price"] * 10 for item in sold)
    assert report.manifest.wrapped.paid + report.manifest.jobs[0].paid == paid
    assert (len(report.manifest.jobs), report.manifest.wrapped.jobs, len(many.manifest.jobs)) == (1, 14, 8)
    assert report.manifest.result == many.manifest.result
    assert (tmp_path / f"{task.task_id}.bundle").stat().st_size < (tmp_path / f"{plain.task_id}.bundle").stat().st_size
    assert again.task_id == task.task_id
    assert refused.value.field == "aggregate"
    await check_paid_once(network)


@pytest.mark.thorough
async def test_a_prover_killed_in_a_wrap_is_replaced(network: Network, tmp_path: Path) -> None:
    network.hold("doomed", "alice", stage="wrap")
    doomed = await network.start_prover("doomed", "alice", ask=500)
    async with network.client() as client:
        program = await register_toy(client, tmp_path, slices=2, wraps=2)
        task = await client.submit(program.digest, ["x"], limit_price=1_500, aggregate=True)
        await wait_for(client, task.task_id, "stage", stage="wrap")

        doomed.kill()
        await network.start_prover("heir", "bob", ask=900)
        events = await events_of(client, task.task_id)
        report = await fetch_and_verify(client, network, await client.task(task.task_id), tmp_path)

    returned = [event.data for event in events if event.kind == "returned"]
    assert [(item["reason"], item["slice"]) for item in returned] == [("prover_lost", 2)]
    assert report.manifest.jobs[0].prover.endswith("/heir")
    await check_paid_once(network)


async def test_who_cheats_in_a_wrap_is_caught_and_its_parts_stay_paid(network: Network, tmp_path: Path) -> None:
    keys = network.keys_directory("cheater", "alice")
    keys.mkdir(parents=True)
    (keys / "toy-behaviour").write_text("wrap-garbage")

    await network.start_prover("cheater", "alice", ask=100)
    async with network.client() as client:
        program = await register_toy(client, tmp_path, slices=2, wraps=2)
        task = await client.submit(program.digest, ["x"], limit_price=1_500, aggregate=True)
        await wait_for(client, task.task_id, "returned")
        await network.start_prover("honest", "bob", ask=900)
        events = await events_of(client, task.task_id)
        task = await client.task(task.task_id)
        report = await fetch_and_verify(client, network, task, tmp_path)
        async with network.client("alice") as alice:
            earned = (await alice.account()).earned

    returned = [event.data for event in events if event.kind == "returned"]
    assert {(item["reason"], item["slice"]) for item in returned} == {("bad_proof", 2)}
    assert task.state == "done"
    assert report.manifest.jobs[0].prover.endswith("/honest")
    assert report.manifest.wrapped is not None
    assert earned == report.manifest.wrapped.paid  # its parts were right
    await check_paid_once(network)
