"""Provers that fail are stopped, by the network and by themselves, are told why, and work again when they are well."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from proofgrid.sdk.answers.operators import ProverStanding
from tests.acceptance.tasks import register_toy
from tests.cli.commands import proofgrid
from tests.networks import Network, said
from tests.packages import toy_complaint


async def the_prover(network: Network) -> ProverStanding:
    async with network.client() as client:
        [operator] = (await client.operators(network.keys["alice"].address)).operators
    return operator.provers[0]


async def restart_gateway(network: Network, **settings: str) -> None:
    network.settings.update(settings)
    assert network.gateway is not None
    await network.gateway.stop()
    await network.start_gateway()


async def test_a_prover_whose_children_crash_is_paused_and_told_why_and_works_again_later(
    network: Network, tmp_path: Path
) -> None:
    await restart_gateway(network, ATTEMPTS_MAX="1", PAUSE_FIRST_MS="4000")
    clumsy = await network.start_prover("clumsy", "alice", ask=500, FAILURES_MAX="0")
    behaviour = network.keys_directory("clumsy", "alice") / "toy-behaviour"
    behaviour.write_text("crash")
    async with network.client() as client:
        program = await register_toy(client, tmp_path, slices=1)
        for number in range(3):
            task = await client.submit(program.digest, [f"x{number}"], limit_price=1_500)
            assert (await client.wait(task.task_id)).state == "failed"

        await said(clumsy.log, "prover_paused")
        await said(clumsy.log, "SIGSEGV")
        paused = await the_prover(network)
        behaviour.unlink()
        task = await client.submit(program.digest, ["again"], limit_price=1_500)
        done = await client.wait(task.task_id)
        healed = await the_prover(network)

    assert paused.breaker in ("open", "half_open")
    assert paused.bucket == 2
    assert paused.counts.crashed_milli in (2_999, 3_000)
    assert any("SIGSEGV" in reason for reason in paused.reasons)
    assert done.state == "done"
    assert (healed.breaker, healed.jobs_proven) == ("closed", 1)
    assert {speed.proof_system for speed in healed.speeds} == {"toy@1.0"}
    await said(clumsy.log, "prover_resumed")
    shown = await asyncio.to_thread(
        proofgrid,
        *("operators", "--gateway", network.address, "--key", str(network.root / "client.key")),
        home=tmp_path,
    )
    assert "jobs that failed at it" in shown.stdout


async def test_a_prover_that_fails_rests_until_its_self_check_passes(network: Network, tmp_path: Path) -> None:
    await restart_gateway(network, ATTEMPTS_MAX="1", PAUSE_AFTER_FAULTS_IN_ROW="0", PAUSE_AFTER_FAULTS_OF_TEN="0")
    prover = await network.start_prover("p", "alice", ask=500, FAILURES_MAX="2", PROOF_SYSTEMS="toy")
    behaviour = network.keys_directory("p", "alice") / "toy-behaviour"
    behaviour.write_text("exit")
    complaint = toy_complaint()
    complaint.write_text("no chain holds here")
    async with network.client() as client:
        program = await register_toy(client, tmp_path, slices=1)
        for number in range(2):
            task = await client.submit(program.digest, [f"x{number}"], limit_price=1_500)
            assert (await client.wait(task.task_id)).state == "failed"
        await said(prover.log, "prover_resting")
        await said(prover.log, "no chain holds here")
        behaviour.unlink()
        complaint.unlink()
        task = await client.submit(program.digest, ["again"], limit_price=1_500)
        assert (await client.wait(task.task_id)).state == "done"
    await said(prover.log, "prover_offering")


async def test_a_prover_that_fails_its_first_self_check_does_not_offer_until_it_passes(network: Network) -> None:
    toy_complaint().write_text("no chain holds here")
    starting = asyncio.ensure_future(
        network.start_prover("p", "alice", ask=500, CHECK_AT_START="true", PROOF_SYSTEMS="toy")
    )
    await said(network.root / "p.log", "prover_self_check_failed")
    async with network.client() as client:
        assert not (await client.status()).provers

    toy_complaint().unlink()
    await starting  # the gateway knows it


async def test_the_self_check_on_the_command_line_says_how_it_went(network: Network, tmp_path: Path) -> None:
    check = ("prover", "--self-check", "--json", "--name", "p", "--data-dir", str(tmp_path / "data"), "--proof-systems")
    passed = await asyncio.to_thread(proofgrid, *check, "ezkl,toy", home=tmp_path)
    toy_complaint().write_text("no chain holds here")
    failed = await asyncio.to_thread(proofgrid, *check, "toy", home=tmp_path)
    toy_complaint().unlink()

    assert (passed.returncode, failed.returncode) == (0, 1)
    assert [one["said"] for one in json.loads(passed.stdout)["checks"]][1] == "walked a chain"
    assert json.loads(failed.stdout)["passed"] is False
    assert "no chain holds here" in failed.stdout
