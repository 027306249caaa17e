"""The line from a gateway to the database is reset, cut, late, silently dead or slow: nothing is lost, or paid twice.

With one gateway everybody waits until the line is back. With two, everybody goes on at the one whose line is whole.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from proofgrid.sdk.client import Client
from proofgrid.wire.v1 import prover_pb2 as messages
from tests.acceptance.scenarios.checkers import check_no_process_left, check_promises
from tests.acceptance.scenarios.load import under_load
from tests.acceptance.scenarios.proxy import Cable, cable_to
from tests.acceptance.scenarios.scripted import ScriptedProver, prove
from tests.acceptance.tasks import database_of, events_of, register_toy, sessions, wait_for
from tests.networks import Network, running_network

COUNTED = ("sold", "returned", "proven", "done")


@pytest.fixture
async def cable(database_dsn: str) -> AsyncIterator[Cable]:
    """A cable to the database's socket."""
    folder = parse_qs(urlsplit(database_dsn).query)["host"][0]
    async with cable_to(f"{folder}/.s.PGSQL.5432") as cable:
        yield cable


@pytest.fixture
async def network(
    tmp_path: Path, database_dsn: str, cable: Cable, toy_system_on_path: Path, srs_file: Path
) -> AsyncIterator[Network]:
    """A gateway at the end of the cable, with the leases of real life; others start with a whole line of their own."""
    dsn = f"postgresql://postgres@{cable.address}{urlsplit(database_dsn).path}"
    async with running_network(tmp_path, database_dsn, SRS_FILE=str(srs_file), DSN=dsn) as network:
        yield network
        await check_promises(network)
    check_no_process_left(tmp_path)


async def start_second(network: Network) -> str:
    """Start a gateway with a whole line to the database."""
    return await network.start_another_gateway(DSN=network.dsn)


async def submit_and_wait(client: Client, digest: str, text: str) -> str:
    """Return the state that a task ends in."""
    task = await client.submit(digest, [text], limit_price=1_500)
    return (await client.wait(task.task_id)).state


async def test_a_line_that_is_reset_for_a_moment_costs_no_lease_and_no_client_an_error(
    network: Network, cable: Cable, tmp_path: Path
) -> None:
    await network.start_prover("p", "alice", ask=500, SLOTS="2")
    async with network.client() as client:
        program = await register_toy(client, tmp_path, slices=1, behaviour="slow", sleep_ms=3_000)
        quick = await register_toy(client, tmp_path, slices=1)
        task = await client.submit(program.digest, ["x"], limit_price=1_500)
        await wait_for(client, task.task_id, "stage", stage="prove")
        async with under_load(client, quick.digest) as load:
            for _ in range(3):
                await load.grow(2)
                cable.cut()
                await asyncio.sleep(0.2)
                cable.mend()
            await load.grow(2)
        kinds = [event.kind for event in await events_of(client, task.task_id) if event.kind in COUNTED]

    assert kinds == ["sold", "proven", "done"]
    await check_promises(network, acknowledged=load.acknowledged)


async def test_a_lease_survives_a_line_that_is_cut_for_longer_than_it_lives(
    network: Network, cable: Cable, tmp_path: Path
) -> None:
    hold = network.hold("p", "alice")
    await network.start_prover("p", "alice", ask=500)
    async with network.client() as client:
        program = await register_toy(client, tmp_path, slices=1)
        task = await client.submit(program.digest, ["x"], limit_price=1_500)
        await wait_for(client, task.task_id, "stage", stage="prove")
        cable.cut()
        await asyncio.sleep(7)  # a lease lives 6 s
        cable.mend()
        hold.let_go()
        kinds = [event.kind for event in await events_of(client, task.task_id) if event.kind in COUNTED]

    assert kinds == ["sold", "proven", "done"]


async def test_a_gateway_leaves_connections_that_went_silent_for_ever(
    network: Network, cable: Cable, tmp_path: Path
) -> None:
    """What it sends there is lost and nobody tells it; new connections would work."""
    await network.start_prover("p", "alice", ask=500)
    async with network.client() as client:
        program = await register_toy(client, tmp_path, slices=1)
        assert await submit_and_wait(client, program.digest, "before") == "done"
        cable.swallow()
        submitted = asyncio.ensure_future(submit_and_wait(client, program.digest, "meanwhile"))
        await asyncio.sleep(1)
        cable.mend()
        assert await submitted == "done"


async def test_a_slow_line_is_no_failure(network: Network, cable: Cable, tmp_path: Path) -> None:
    await network.start_prover("p", "alice", ask=500)
    async with network.client() as client:
        program = await register_toy(client, tmp_path, slices=2)
        cable.delay_seconds = 0.02
        task = await client.submit(program.digest, ["x"], limit_price=1_500)
        kinds = [event.kind for event in await events_of(client, task.task_id)]
        cable.delay_seconds = 0.0

    assert "returned" not in kinds
    assert kinds[-1] == "done"


@pytest.mark.parametrize("how", ["cut", "swallow"])
async def test_provers_and_clients_of_a_gateway_without_a_database_go_on_at_the_other(
    network: Network, cable: Cable, tmp_path: Path, how: str
) -> None:
    second = await start_second(network)
    first = network.address
    hold = network.hold("p", "alice")
    await network.start_prover("p", "alice", ask=500, GATEWAY=f"{first},{second}")
    async with network.client(gateways=f"{first},{second}") as client:
        program = await register_toy(client, tmp_path, slices=2)
        task = await client.submit(program.digest, ["x"], limit_price=1_500)
        await wait_for(client, task.task_id, "stage", stage="prove")
        getattr(cable, how)()
        hold.let_go()
        events = await events_of(client, task.task_id)  # the line stays as it is until the end
        assert await submit_and_wait(client, program.digest, "y") == "done"
        cable.mend()

    assert events[-1].kind == "done"
    assert [event.cursor for event in events] == list(range(1, len(events) + 1))
    async with network.client(gateways=first) as client:
        assert await submit_and_wait(client, program.digest, "back again") == "done"


async def test_a_leader_cut_off_in_the_middle_of_a_round_blocks_nobody_and_writes_nothing_late(
    network: Network, cable: Cable, tmp_path: Path
) -> None:
    assert network.gateway is not None
    await network.start_prover("p", "alice", ask=500)
    async with network.client() as client, database_of(network) as observer:
        program = await register_toy(client, tmp_path, slices=1)
        assert await submit_and_wait(client, program.digest, "warm") == "done"
        async with observer.transaction():
            # As a hello of the prover does: the round waits for it when it writes, holding its other locks.
            await observer.execute("SELECT pg_advisory_xact_lock(lock_of_session(prover_id)) FROM sessions WHERE open")
            task = await client.submit(program.digest, ["x"], limit_price=1_500)
            await sessions(observer, "wait_event_type = 'Lock' AND query ILIKE '%name: write_round%'")
            cable.hold()
        await sessions(observer, "state = 'idle in transaction' AND query ILIKE '%name: write_round%'")

        second = await start_second(network)
        await network.start_prover("q", "bob", ask=600, GATEWAY=second)
        async with network.client(gateways=second) as elsewhere:
            task = await elsewhere.wait(task.task_id)
            before = await observer.fetch("SELECT lane, number, epoch FROM rounds ORDER BY lane, number")
            cable.mend()  # what it was about to write comes through now
            assert await submit_and_wait(client, program.digest, "y") == "done"
        rounds = await observer.fetch("SELECT lane, number, epoch FROM rounds ORDER BY lane, number")

    assert (task.state, task.jobs[0].operator) == ("done", network.keys["bob"].address)
    assert rounds[: len(before)] == before
    assert [row["number"] for row in rounds] == list(range(1, len(rounds) + 1))
    assert [row["epoch"] for row in rounds] == sorted(row["epoch"] for row in rounds)
    assert before[-1]["epoch"] == 2
    assert "round_failed" in network.gateway.log.read_text()


async def test_a_result_that_was_kept_back_on_the_line_is_late_and_not_paid(
    network: Network, cable: Cable, tmp_path: Path
) -> None:
    second = await start_second(network)
    async with network.client(gateways=second) as client, ScriptedProver(network, "far", "alice") as far:
        program = await register_toy(client, tmp_path, slices=1)
        task = await client.submit(program.digest, ["x"], limit_price=1_500)
        lease = await far.take_lease()
        begun = messages.JobProgress(lease_id=lease.lease_id, fence=lease.fence, stage="prove", permille=0)
        await far.say(progress=begun)
        await wait_for(client, task.task_id, "stage")
        cable.hold()
        await far.say(result=prove(lease, "x"))
        await wait_for(client, task.task_id, "returned")
        await network.start_prover("near", "bob", ask=600, GATEWAY=second)
        events = await events_of(client, task.task_id)
        cable.mend()
        # The gateway may have given up its provers meanwhile; as any prover would, this one says it again.
        async with ScriptedProver(network, "far", "alice") as again:
            await again.say(result=prove(lease, "x"))
            late = await again.verdict()

    assert (late.accepted, late.code) == (False, "PG-330")
    assert [event.data["prover"].rpartition("/")[2] for event in events if event.kind == "proven"] == ["near"]
