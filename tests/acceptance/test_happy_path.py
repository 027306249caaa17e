"""From submit to paid, over real sockets, with the toy proof system."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from proofgrid.primitives.errors import IdempotencyConflict, NotAllowed, NotFinished, UnknownTask
from proofgrid.sdk.client import Client
from tests.acceptance.tasks import check_paid_once, database_of, events_of, fetch_and_verify, register_toy, wait_for
from tests.networks import Network, open_to_others


async def test_a_task_is_sold_proven_paid_and_sealed(network: Network, tmp_path: Path) -> None:
    for number, (operator, ask) in enumerate([("alice", 700), ("alice", 800), ("bob", 900)]):
        await network.start_prover(f"p{number}", operator, ask=ask)

    async with network.client() as client:
        program = await register_toy(client, tmp_path, slices=4)
        task = await client.submit(program.digest, ["hello"], limit_price=1_500)
        events = await events_of(client, task.task_id)
        task = await client.task(task.task_id)
        report = await fetch_and_verify(client, network, task, tmp_path)
        account = await client.account()

    assert [event.cursor for event in events] == list(range(1, len(events) + 1))
    assert events[0].kind == "accepted"
    assert events[-1].kind == "done"
    sold = [event.data for event in events if event.kind == "sold"]
    assert sorted(item["slice"] for item in sold) == [0, 1, 2, 3]
    assert all(700 <= item["sell_price"] <= item["buy_price"] <= 1_500 for item in sold)
    assert task.state == "done"
    assert account.balance + task.spent == 10_000_000_000
    assert account.escrowed == 0
    assert {job.paid for job in report.manifest.jobs} == {item["sell_price"] * 10 for item in sold}
    await check_paid_once(network)
    folders = [network.root / "gateway", *network.root.glob("operators/*/provers/*")]
    assert len(folders) > 1
    assert [open_to_others(folder) for folder in folders] == [[]] * len(folders)


async def test_the_operators_earn_what_the_clients_spend(network: Network, tmp_path: Path) -> None:
    for number, (operator, ask) in enumerate([("alice", 500), ("bob", 600)]):
        await network.start_prover(f"p{number}", operator, ask=ask)

    async with network.client() as client:
        program = await register_toy(client, tmp_path, slices=3)
        task = await client.submit(program.digest, ["a", "b"], limit_price=2_000)
        task = await client.wait(task.task_id)

    earned = 0
    for operator in ("alice", "bob"):
        async with network.client(operator) as someone:
            earned += (await someone.account()).earned
    async with network.client() as client:
        rounds = await client.rounds()
    surplus = sum((one.buy_price - one.sell_price) * one.units for one in rounds)
    assert earned + surplus == task.spent > 0


async def test_two_clients_share_three_provers_and_their_tasks_interleave(network: Network, tmp_path: Path) -> None:
    network.add_key("other")
    await network.grant("other", "client")
    await network.deposit("other", 1_000_000_000)
    holds = []
    for number, operator in enumerate(["alice", "alice", "bob"]):
        holds.append(network.hold(f"p{number}", operator))
        await network.start_prover(f"p{number}", operator, ask=700 + number)

    async with network.client() as first, network.client("other") as second:
        program = await register_toy(first, tmp_path, slices=4)
        await first.ownership.share(program.digest, ["*"])
        # Three slots for four jobs each. Of equal bids the client's with less in flight comes first, so whichever task
        # is sold first, the other's first job comes before its fourth: no lot can undo that.
        one, other = await asyncio.gather(
            first.submit(program.digest, ["first"], limit_price=1_500),
            second.submit(program.digest, ["second"], limit_price=1_500),
        )
        # All three hold a job before the first ends, so each proves something; then one goes on before the others.
        await network.until(lambda status: status.jobs_by_state.get("leased", 0) == len(holds))
        holds[0].let_go()
        await network.until(lambda status: status.jobs_by_state.get("proven", 0) >= 2)
        for hold in holds:
            hold.let_go()
        events = await asyncio.gather(events_of(first, one.task_id), events_of(second, other.task_id))

        with pytest.raises(UnknownTask):
            await second.task(one.task_id)

    spans = [[event.at_ms for event in log if event.kind == "sold"] for log in events]
    assert min(spans[0]) < max(spans[1])
    assert min(spans[1]) < max(spans[0])
    assert {event.data["prover"] for log in events for event in log if event.kind == "proven"} == {
        f"{network.keys[operator].address}/p{number}" for number, operator in enumerate(["alice", "alice", "bob"])
    }
    await check_paid_once(network)


async def test_the_same_key_is_the_same_task_and_another_content_a_conflict(network: Network, tmp_path: Path) -> None:
    async with network.client() as client:
        program = await register_toy(client, tmp_path, slices=1)
        submits = [client.submit(program.digest, ["x"], limit_price=1_000, idempotency_key="k") for _ in range(5)]
        tasks = await asyncio.gather(*submits)
        with pytest.raises(IdempotencyConflict):
            await client.submit(program.digest, ["y"], limit_price=1_000, idempotency_key="k")
        account = await client.account()

    assert len({task.task_id for task in tasks}) == 1
    assert account.escrowed == tasks[0].escrow == 10_000


async def test_cancel_reaches_the_child_process_and_refunds(network: Network, tmp_path: Path) -> None:
    prover = await network.start_prover("p", "alice", ask=700)
    async with network.client() as client:
        program = await register_toy(client, tmp_path, slices=2, behaviour="hang")
        task = await client.submit(program.digest, ["x"], limit_price=1_500)
        await wait_for(client, task.task_id, "stage", stage="prove")
        children = prover.proving()
        with pytest.raises(NotFinished):
            await client.fetch_result(task.task_id, tmp_path / "none")

        ended = await client.cancel(task.task_id)
        account = await client.account()
        await asyncio.to_thread(lambda: [child.wait(timeout=60) for child in children])

    assert children
    assert ended.state == "cancelled"
    assert account.balance == 10_000_000_000
    assert not prover.proving()


async def test_a_task_past_its_deadline_fails_with_a_refund(network: Network, tmp_path: Path) -> None:
    async with network.client() as client:
        program = await register_toy(client, tmp_path, slices=1)
        await client.submit(program.digest, ["warm"], limit_price=1)
        task = await client.submit(program.digest, ["x"], limit_price=1_500)
        async with database_of(network) as connection:  # so that we need not wait that long
            await connection.execute("UPDATE tasks SET deadline_ms = created_ms WHERE task_id = $1", task.task_id)
        task = await client.wait(task.task_id)
        account = await client.account()

    assert (task.state, task.failure_code) == ("failed", "PG-512")
    assert account.escrowed == 10  # of the first task alone


async def test_a_drained_prover_finishes_what_it_holds_and_takes_no_more(network: Network, tmp_path: Path) -> None:
    hold = network.hold("p", "alice")
    prover = await network.start_prover("p", "alice", ask=700)
    async with network.client() as client:
        program = await register_toy(client, tmp_path, slices=2)
        task = await client.submit(program.digest, ["x"], limit_price=1_500)
        await wait_for(client, task.task_id, "stage", stage="prove")

        stopping = asyncio.ensure_future(prover.stop())
        await network.until(lambda status: [one.state for one in status.provers] == ["draining"])
        hold.let_go()
        exit_code = await stopping
        states = sorted(job.state for job in (await client.task(task.task_id)).jobs)
        await network.start_prover("q", "bob", ask=700)
        task = await client.wait(task.task_id)

    assert exit_code == 0
    assert states == ["proven", "ready"]
    assert task.state == "done"


async def test_a_client_may_not_call_what_is_for_administrators(network: Network) -> None:
    async with network.client() as client, Client(network.address, network.admin_key) as admin:
        with pytest.raises(NotAllowed):
            await client.account(network.keys["alice"].address)
        assert (await admin.account(network.keys["client"].address)).balance == 10_000_000_000
