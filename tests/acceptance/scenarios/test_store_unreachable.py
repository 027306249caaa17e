"""The artifact store is away for a while: work waits, what was proven is kept, nobody is blamed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from proofgrid.rules.jobs.limits import SMALL_BUNDLE_BYTES
from proofgrid.sdk.client import Client
from tests.acceptance.scenarios.scripted import ScriptedProver, prove
from tests.acceptance.tasks import events_of, register_toy, wait_for
from tests.networks import Network


async def prove_one(client: Client, prover: ScriptedProver, program: str, text: str) -> None:
    """Submit a task, prove it, and wait until it is done."""
    task = await client.submit(program, [text], limit_price=1_500)
    await prover.say(result=prove(await prover.take_lease(), text))
    assert (await prover.verdict()).accepted
    assert (await client.wait(task.task_id)).state == "done"


@contextmanager
def _store_away(network: Network) -> Iterator[None]:
    """A file stands where the store's folder was: nothing can be read or written, not even by root."""
    place = network.root / "gateway" / "artifacts"
    aside = place.with_name("artifacts-away")
    place.rename(aside)
    place.write_text("not a folder")
    try:
        yield
    finally:
        place.unlink()
        aside.rename(place)


async def test_a_proven_task_waits_for_the_store(network: Network, tmp_path: Path) -> None:
    async with network.client() as client, ScriptedProver(network, "p", "alice") as prover:
        program = await register_toy(client, tmp_path, slices=1, bulk=SMALL_BUNDLE_BYTES)
        small = await register_toy(client, tmp_path, slices=1)
        warm_up = await client.submit(program.digest, ["warm"], limit_price=1_500)
        lease = await prover.take_lease()
        await prover.say(result=prove(lease, "warm"))  # the gateway has the program's files in its cache now
        assert (await prover.verdict()).accepted
        await client.wait(warm_up.task_id)
        await prove_one(client, prover, small.digest, "warm")

        task = await client.submit(program.digest, ["x"], limit_price=1_500)
        lease = await prover.take_lease()
        with _store_away(network):
            await prover.say(result=prove(lease, "x"))
            assert (await prover.verdict()).accepted
            await prove_one(client, prover, small.digest, "y")  # its bundle is small: it needs no store
            meanwhile = (await client.task(task.task_id)).state
        kinds = [event.kind for event in await events_of(client, task.task_id)]

    assert meanwhile == "combining"
    assert "returned" not in kinds
    assert kinds[-1] == "done"


async def test_jobs_go_round_while_the_store_is_away_and_are_proven_when_it_is_back(
    network: Network, tmp_path: Path
) -> None:
    async with network.client() as client:
        program = await register_toy(client, tmp_path, slices=1)
        task = await client.submit(program.digest, ["x"], limit_price=1_500)
        with _store_away(network):
            await network.start_prover("p", "alice", ask=500)
            await wait_for(client, task.task_id, "returned", reason="store_fault")
        events = await events_of(client, task.task_id)
        failed = [prover.jobs_failed for prover in (await client.status()).provers]

    assert events[-1].kind == "done"
    assert failed == [0]
