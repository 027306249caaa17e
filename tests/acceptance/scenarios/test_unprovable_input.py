"""Who says that an input cannot be proven is believed when the gateway, or one more that was drawn, finds the same."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

from tests.acceptance.scenarios.scripted import ScriptedProver, lie_for_ever
from tests.acceptance.tasks import events_of, register_toy
from tests.networks import Network

OPERATORS = ("alice", "bob", "carol", "dave")


async def test_an_input_that_the_one_who_was_drawn_cannot_prove_either_costs_half_of_the_work_shown(
    network: Network, tmp_path: Path
) -> None:
    for operator in OPERATORS[2:]:
        network.add_key(operator)
        await network.grant(operator, "operator")
    for operator in OPERATORS:
        await network.start_prover(f"{operator}-1", operator, ask=500)
    async with network.client() as client, network.administrator() as administrator:
        program = await register_toy(client, tmp_path, slices=1, sleep_ms=1_000)
        # Until everybody's speed is known: what a prover claims is believed as far as it delivers.
        for number in range(80):
            if all(prover.jobs_proven >= 9 for prover in (await client.status()).provers):
                break
            # Several at once: one bid covers half of the slots, and whoever has proven more comes first.
            usual = [f"usual {number}/{n}" for n in range(8)]
            tasks = [await client.submit(program.digest, [one], limit_price=1_500) for one in usual]
            for one in tasks:
                await client.wait(one.task_id)

        for operator in OPERATORS:
            (network.keys_directory(f"{operator}-1", operator) / "toy-behaviour").write_text("unprovable")
        task = await client.submit(program.digest, ["x"], limit_price=1_500)
        events = await events_of(client, task.task_id)
        task = await client.task(task.task_id)
        account = await client.account(transfers_limit=100)
        letter = await administrator.admin.dead_letter(task.task_id)

    said = [event.data for event in events if event.kind == "unprovable"]
    assert [data["operators"] for data in said] == [1, 2, 3, 4]
    assert len({data["prover"] for data in said}) == 4
    assert (task.state, task.failure_code) == ("failed", "PG-510")
    assert "this chain has no end" in task.failure_detail
    ended = events[-1].data
    assert 0 < ended["charged"] == task.spent <= task.escrow // 2
    assert ended["charged"] + ended["refunded"] == task.escrow
    assert [one.amount for one in account.transfers if one.transfer_id == f"refund:{task.task_id}"] == [
        ended["refunded"]
    ]
    assert {one.reason for one in letter.tries} == {"unprovable"}
    assert len(letter.tries) == 4


async def test_three_who_call_every_input_unprovable_end_no_task(network: Network, tmp_path: Path) -> None:
    liars = OPERATORS[1:]
    for operator in liars[1:]:
        network.add_key(operator)
        await network.grant(operator, "operator")
    await network.start_prover("honest", "alice", ask=500)
    async with network.client() as client, AsyncExitStack() as stack:
        program = await register_toy(client, tmp_path, slices=1)
        usual = [f"usual {number}" for number in range(9)]
        await client.wait((await client.submit(program.digest, usual, limit_price=1_500)).task_id)
        colluding = [
            await stack.enter_async_context(ScriptedProver(network, "liar", operator, ask=1)) for operator in liars
        ]
        lying = [asyncio.ensure_future(lie_for_ever(one, ("PG-510",))) for one in colluding]
        task = await client.submit(program.digest, ["x"], limit_price=1_500)
        events = await events_of(client, task.task_id)
        can_tell = await register_toy(client, tmp_path, slices=1, behaviour="honest")
        told = await events_of(client, (await client.submit(can_tell.digest, ["y"], limit_price=1_500)).task_id)
        for one in lying:
            one.cancel()
        failed = {prover.prover_id.rpartition("/")[2]: prover.jobs_failed for prover in (await client.status()).provers}

    assert [event.data["operators"] for event in events if event.kind == "unprovable"] == [1, 2, 3]
    assert events[-1].kind == "done"
    assert "refuted" in {event.data["reason"] for event in told if event.kind == "returned"}
    assert told[-1].kind == "done"
    assert failed["liar"] > 0


async def test_an_input_that_the_gateway_cannot_prove_either_ends_its_task_at_once(
    network: Network, tmp_path: Path
) -> None:
    await network.start_prover("honest", "alice", ask=500)
    async with network.client() as client:
        program = await register_toy(client, tmp_path, slices=1, behaviour="unprovable-indeed")
        task = await client.submit(program.digest, ["x"], limit_price=1_500)
        events = await events_of(client, task.task_id)
        failed = [prover.jobs_failed for prover in (await client.status()).provers]

    assert [event.kind for event in events[-2:]] == ["unprovable", "failed"]
    assert "the gateway tried the input" in events[-1].data["detail"]
    assert failed == [0]
