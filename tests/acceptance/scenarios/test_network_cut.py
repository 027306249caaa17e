"""The line between prover and gateway is reset, slow, or silently dead: work goes on, or goes elsewhere, paid once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from proofgrid.sdk.records import check_prices, export_rounds
from tests.acceptance.scenarios.checkers import check_no_process_left, check_promises
from tests.acceptance.scenarios.conftest import SETTINGS
from tests.acceptance.scenarios.proxy import Cable, cable_to
from tests.acceptance.tasks import events_of, fetch_and_verify, register_toy, wait_for
from tests.networks import Network, running_network, said

COUNTED = ("sold", "returned", "proven", "done")


@pytest.fixture
async def cable() -> AsyncIterator[Cable]:
    async with cable_to() as cable:
        yield cable


@pytest.fixture
async def network(
    tmp_path: Path, database_dsn: str, cable: Cable, toy_system_on_path: Path, srs_file: Path
) -> AsyncIterator[Network]:
    """A network whose gateway goes by the address of the cable's near end too."""
    settings = {**SETTINGS, "SRS_FILE": str(srs_file), "NAMES": cable.address}
    async with running_network(tmp_path, database_dsn, **settings) as network:
        cable.target = network.address
        yield network
        await check_promises(network)
    check_no_process_left(tmp_path)


async def test_a_line_that_is_reset_for_a_moment_costs_no_lease(network: Network, cable: Cable, tmp_path: Path) -> None:
    async with network.client() as client:
        hold = network.hold("p", "alice")
        await network.start_prover("p", "alice", ask=500, GATEWAY=cable.address)
        program = await register_toy(client, tmp_path, slices=1)
        task = await client.submit(program.digest, ["x"], limit_price=1_500)
        await wait_for(client, task.task_id, "stage", stage="prove")
        cable.cut()
        await asyncio.sleep(0.3)
        cable.mend()
        hold.let_go()
        kinds = [event.kind for event in await events_of(client, task.task_id) if event.kind in COUNTED]

    assert kinds == ["sold", "proven", "done"]


async def test_a_line_that_is_cut_for_long_moves_the_job_and_the_late_result_is_not_paid(
    network: Network, cable: Cable, tmp_path: Path
) -> None:
    async with network.client() as client:
        hold = network.hold("far", "alice")
        await network.start_prover("far", "alice", ask=500, GATEWAY=cable.address)
        program = await register_toy(client, tmp_path, slices=1, behaviour="slow", sleep_ms=2_000)
        task = await client.submit(program.digest, ["x"], limit_price=1_500)
        await wait_for(client, task.task_id, "stage", stage="prove")
        cable.cut()
        hold.let_go()
        await wait_for(client, task.task_id, "returned", reason="prover_lost")
        await network.start_prover("near", "bob", ask=900)
        await wait_for(client, task.task_id, "sold", prover=f"{network.keys['bob'].address}/near")
        cable.mend()
        events = await events_of(client, task.task_id)

    assert [event.data["prover"].rpartition("/")[2] for event in events if event.kind == "proven"] == ["near"]


async def test_what_was_proven_behind_a_cut_line_is_offered_late_and_finishes_a_job_that_nobody_else_has(
    network: Network, cable: Cable, tmp_path: Path
) -> None:
    async with network.client() as client:
        hold = network.hold("far", "alice")
        far = await network.start_prover("far", "alice", ask=500, GATEWAY=cable.address)
        program = await register_toy(client, tmp_path, slices=1)
        task = await client.submit(program.digest, ["x"], limit_price=1_500)
        await wait_for(client, task.task_id, "stage", stage="prove")
        cable.cut()
        hold.let_go()
        await wait_for(client, task.task_id, "returned", reason="prover_lost")
        await said(far.log, "prover_proven")
        cable.mend()
        events = await events_of(client, task.task_id)
        report = await fetch_and_verify(client, network, await client.task(task.task_id), tmp_path)
        record = tmp_path / "day.rounds"
        await export_rounds(client.connection, "default/toy@1.0/small", record)
        async with network.client("alice") as alice:
            account = await alice.account()

    assert [event.kind for event in events if event.kind in COUNTED] == ["sold", "returned", "proven", "done"]
    (sold,) = (event.data["sell_price"] for event in events if event.kind == "sold")
    (job,) = report.manifest.jobs
    assert (job.price_sell, job.paid) == (-(-sold * 3 // 4), account.earned)
    assert check_prices(report.manifest, [record]) == 1  # a stranger allows what the table says
    assert {"prover_late", "prover_paid"} <= set(far.log.read_text().split())


async def test_a_half_open_line_is_noticed_and_the_job_moves(network: Network, cable: Cable, tmp_path: Path) -> None:
    """Nothing is reset, nothing arrives: only the missing heartbeats tell."""
    async with network.client() as client:
        hold = network.hold("far", "alice")
        await network.start_prover("far", "alice", ask=500, GATEWAY=cable.address)
        program = await register_toy(client, tmp_path, slices=1, behaviour="slow", sleep_ms=2_000)
        task = await client.submit(program.digest, ["x"], limit_price=1_500)
        await wait_for(client, task.task_id, "stage", stage="prove")
        cable.hold()
        hold.let_go()
        await wait_for(client, task.task_id, "returned", reason="prover_lost")
        await network.start_prover("near", "bob", ask=900)
        events = await events_of(client, task.task_id)
        cable.mend()

    assert [event.data["prover"].rpartition("/")[2] for event in events if event.kind == "proven"] == ["near"]


async def test_a_slow_line_is_no_failure(network: Network, cable: Cable, tmp_path: Path) -> None:
    async with network.client() as client:
        cable.delay_seconds = 0.2
        await network.start_prover("far", "alice", ask=500, GATEWAY=cable.address)
        program = await register_toy(client, tmp_path, slices=2)
        task = await client.submit(program.digest, ["x"], limit_price=1_500)
        kinds = [event.kind for event in await events_of(client, task.task_id)]

    assert "returned" not in kinds
    assert kinds[-1] == "done"
