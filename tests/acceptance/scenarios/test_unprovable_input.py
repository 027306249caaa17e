"""An input that nobody can prove: three operators say so, the task ends, their work is paid, the rest is refunded."""

from __future__ import annotations

from pathlib import Path

from tests.acceptance.tasks import events_of, register_toy
from tests.networks import Network

OPERATORS = ("alice", "bob", "carol", "dave")


async def test_an_input_that_three_operators_cannot_prove_ends_its_task_and_costs_half_of_the_work_shown(
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
        for number in range(40):
            if all(prover.jobs_proven >= 3 for prover in (await client.status()).provers):
                break
            usual = [f"usual {number}/{n}" for n in range(8)]
            await client.wait((await client.submit(program.digest, usual, limit_price=1_500)).task_id)

        for operator in OPERATORS:
            (network.keys_directory(f"{operator}-1", operator) / "toy-behaviour").write_text("unprovable")
        task = await client.submit(program.digest, ["x"], limit_price=1_500)
        events = await events_of(client, task.task_id)
        task = await client.task(task.task_id)
        account = await client.account(transfers_limit=100)
        letter = await administrator.admin.dead_letter(task.task_id)

    said = [event.data for event in events if event.kind == "unprovable"]
    assert [data["operators"] for data in said] == [1, 2, 3]
    assert len({data["prover"] for data in said}) == 3
    assert (task.state, task.failure_code) == ("failed", "PG-510")
    assert "this chain has no end" in task.failure_detail
    ended = events[-1].data
    assert 0 < ended["charged"] == task.spent <= task.escrow // 2
    assert ended["charged"] + ended["refunded"] == task.escrow
    assert [one.amount for one in account.transfers if one.transfer_id == f"refund:{task.task_id}"] == [
        ended["refunded"]
    ]
    assert {one.reason for one in letter.tries} == {"unprovable"}
    assert len(letter.tries) == 3
