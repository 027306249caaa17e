"""The digits network with EZKL: processes killed in the middle of a proof, and the demo as a newcomer runs it."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from proofgrid.primitives.errors import InvalidInput
from tests.acceptance.tasks import check_paid_once, events_of, fetch_and_verify, wait_for
from tests.networks import Network, running_network
from tests.proofs.systems.ezkl.models import a_model, node, save

DEMO_DATA = Path(__file__).parents[2] / "src" / "proofgrid" / "cli" / "demo" / "data"
SETTINGS = {"slices": 2, "decomposition": "1024x3", "input_range": [0, 1]}


@pytest.fixture
async def network(tmp_path: Path, database_dsn: str, srs_file: Path) -> AsyncIterator[Network]:
    async with running_network(tmp_path, database_dsn, SRS_FILE=str(srs_file)) as network:
        yield network


def a_digit(number: int) -> tuple[list[float], int]:
    """Return a handwritten digit as the model takes it, and what its writer meant."""
    data = json.loads((DEMO_DATA / "digits.json").read_text())
    image = data["images"][number]
    return [pixel / data["darkest"] for row in image["pixels"] for pixel in row], image["label"]


async def run(command: list[str], *, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return await asyncio.to_thread(
        subprocess.run, command, capture_output=True, text=True, timeout=800, check=False, cwd=cwd
    )


@pytest.mark.thorough
async def test_a_prover_its_child_and_the_gateway_are_killed_in_the_middle_of_real_proofs(
    network: Network, tmp_path: Path
) -> None:
    victim = await network.start_prover("victim", "alice", ask=500)
    pixels, label = a_digit(3)
    async with network.client() as client:
        program = await client.register_program({"model": DEMO_DATA / "digits.onnx"}, settings=SETTINGS)
        task = await client.submit(program.digest, [pixels], limit_price=2_000)
        watching = asyncio.ensure_future(events_of(client, task.task_id))

        await wait_for(client, task.task_id, "stage", stage="prove")
        victim.kill()
        survivor = await network.start_prover("survivor", "bob", ask=900)
        await wait_for(client, task.task_id, "stage", stage="prove", prover=f"{network.keys['bob'].address}/survivor")
        signing = survivor.signing()
        for child in survivor.children():
            if child in signing:
                continue
            with suppress(psutil.NoSuchProcess):  # it went with the one before
                child.kill()
        await wait_for(client, task.task_id, "returned", reason="child_crashed")
        await network.start_prover("third", "alice", ask=950)
        await wait_for(client, task.task_id, "stage", stage="prove", prover=f"{network.keys['alice'].address}/third")
        assert network.gateway is not None
        network.gateway.kill()
        await network.gateway.process.wait()
        await network.start_gateway()

        events = await watching
        report = await fetch_and_verify(client, network, await client.task(task.task_id), tmp_path)

    assert [event.cursor for event in events] == list(range(1, len(events) + 1))
    reasons = {event.data["reason"] for event in events if event.kind == "returned"}
    assert {"prover_lost", "child_crashed"} <= reasons
    result: Any = report.manifest.result
    scores = [float(value) for value in result["outputs"][0]["scores"]["values"]]
    assert scores.index(max(scores)) == label
    await check_paid_once(network)


async def test_an_input_that_would_hang_every_prover_is_refused_before_it_is_sold(
    network: Network, tmp_path: Path
) -> None:
    """A softmax of [8, 0.1, 0.2] has a forward pass and no proof: honest provers were paused for it."""
    await network.start_prover("honest", "alice", ask=500)
    model = save(a_model([node("Softmax", "x", "y")], inputs=[("x", (1, 3))]), tmp_path / "softmax.onnx")
    async with network.client() as client:
        program = await client.register_program({"model": model}, settings={"slices": 1, "decomposition": "1024x3"})
        before = await client.account()

        with pytest.raises(InvalidInput, match=r"'make_y' \(Softmax\).* a lookup needs -1011") as caught:
            await client.submit(program.digest, [[0.1, 0.2, 0.3], [8, 0.1, 0.2]], limit_price=2_000)
        after = await client.account()
        tasks = await client.tasks()
        [operator] = (await client.operators(network.keys["alice"].address)).operators

    assert (caught.value.code, caught.value.field) == ("PG-120", "inputs[1]")
    assert (after.balance, after.escrowed) == (before.balance, before.escrowed)
    assert not tasks
    assert [(one.jobs_failed, one.breaker) for one in operator.provers] == [(0, "closed")]


async def test_the_demo_proves_a_digit_and_leaves_no_process_behind(tmp_path: Path) -> None:
    data_dir = Path(f"/tmp/demo-{os.getpid()}")
    command = [sys.executable, "-m", "proofgrid.cli.main", "demo", "--json", "--data-dir", str(data_dir)]
    ran = await run(command, cwd=tmp_path)
    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-3000:]
    report: dict[str, Any] = json.loads(ran.stdout)

    # As a stranger would: another process, no database, only the file and two names to insist on.
    verify = [sys.executable, "-m", "proofgrid.cli.main", "verify", "--json", report["bundle"]]
    pins = ["--program", report["program"], "--network", report["network"]]
    verified = await run([*verify, *pins], cwd=tmp_path)
    pinned_wrong = await run([*verify, "--program", "0" * 64], cwd=tmp_path)

    assert verified.returncode == 0, verified.stdout
    assert pinned_wrong.returncode == 1
    assert report["predicted"] == report["label"]
    assert (report["ok"], report["faults"]) == (True, [])
    left = [
        process.info["pid"]
        for process in psutil.process_iter(["pid", "cmdline"])
        if any(str(data_dir) in part for part in process.info["cmdline"] or [])
    ]
    assert not left
