"""A cheating prover with a bond, real proofs: it is slashed, its rescuer is paid, and strangers can see the lie."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from proofgrid.primitives.errors import ProofgridError
from proofgrid.proofs.bundles.evidence import verify_evidence
from tests.acceptance.tasks import check_paid_once, events_of
from tests.acceptance.test_cheating import (
    INPUT,
    SETTINGS,
    Models,
    install_cheating_ezkl,
    models,  # noqa: F401 - a fixture
    prepare_cheat,
)
from tests.networks import Network, running_network

BOND = 10**9


@pytest.fixture
async def network(tmp_path: Path, database_dsn: str, models: Models) -> AsyncIterator[Network]:  # noqa: F811
    async with running_network(tmp_path, database_dsn, SRS_FILE=str(models.srs), STAKE_PERMILLE="500") as network:
        yield network


async def proofgrid(*arguments: str) -> tuple[int, Any]:
    """Run a command in a process that knows of no gateway; return its exit code and what it printed as JSON."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PROOFGRID_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "proofgrid.cli.main",
        *arguments,
        "--json",
        env=environment,
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate()
    return process.returncode or 0, json.loads(said)


async def pay_into_bond(network: Network, name: str) -> None:
    async with network.administrator() as client:
        await client.admin.deposit_stake(network.keys[name].address, BOND, deposit_id=name)


@pytest.mark.thorough
async def test_a_cheater_is_slashed_its_rescuer_paid_and_anybody_can_verify_the_lie(
    network: Network,
    models: Models,  # noqa: F811
    tmp_path: Path,
) -> None:
    site = tmp_path / "cheating-site"
    install_cheating_ezkl(site)
    prepare_cheat(models, network.keys_directory("cheater", "alice"), "flipped")
    for operator in ("alice", "bob"):
        await pay_into_bond(network, operator)

    async with network.client() as client:
        program = await client.register_program({"model": models.path}, settings=SETTINGS)
        before = (await client.account()).balance
        task = await client.submit(program.digest, [INPUT], limit_price=2_000)
        await network.start_prover("cheater", "alice", ask=100, path=site)
        async for event in client.watch(task.task_id):
            if event.kind == "slashed":
                break
        await network.start_prover("honest", "bob", ask=900)
        events = [(event.kind, event.data) for event in await events_of(client, task.task_id)]
        task = await client.task(task.task_id)
        after = (await client.account()).balance
        async with network.client("bob") as bob:
            earned = (await bob.account()).earned

    # Everything that was slashed: by the table, and to whom.
    sold = {(data["slice"], data["prover"]): data["sell_price"] for kind, data in events if kind == "sold"}
    units = {job["slice"]: job["units"] for kind, data in events if kind == "accepted" for job in data["jobs"]}
    slashed = [data for kind, data in events if kind == "slashed"]
    assert task.state == "done"
    assert {(data["reason"], data["operator"]) for data in slashed} == {
        ("invalid_proof", network.keys["alice"].address)
    }
    for data in slashed:
        value = units[data["slice"]] * sold[data["slice"], data["prover"]]
        assert data["amount"] == -(-value // 2)
        assert data["to_client"] == data["to_rescuer"] == data["amount"] // 4
    proven = [data for kind, data in events if kind == "proven"]
    assert {data["operator"] for data in proven} == {network.keys["bob"].address}
    assert earned == sum(data["paid"] for data in proven) + sum(data["to_rescuer"] for data in slashed)
    assert after == before - task.spent + sum(data["to_client"] for data in slashed)
    await check_paid_once(network)
    check = await network.check_ledger()
    assert check.balanced

    # The operator sees it and appeals; an administrator lets it stand.
    evidence = slashed[0]["evidence"]
    alice = ("--gateway", network.address, "--key", str(tmp_path / "alice.key"))
    admin = ("--gateway", network.address, "--key", str(tmp_path / "gateway" / "network.key"))
    code, listed = await proofgrid("stake", "slashes", *alice)
    assert (code, {one["evidence_id"] for one in listed}) == (0, {data["evidence"] for data in slashed})
    assert (await proofgrid("stake", "show", *alice))[1]["bond"] == BOND - sum(data["amount"] for data in slashed)
    assert (await proofgrid("stake", "appeal", evidence, "--text", "a bit flipped", *alice))[0] == 0
    answer = ("admin", "evidence", "resolve", evidence, "--uphold", "--answer", "we know", *admin)
    assert (await proofgrid(*answer))[1]["state"] == "upheld"

    # A stranger's process, without a gateway, believes nothing but the file.
    file = tmp_path / "lie.evidence"
    assert (await proofgrid("admin", "evidence", "export", evidence, "--out", str(file), *admin))[0] == 0
    assert network.gateway is not None
    await network.gateway.stop()
    pinned = ("--network", network.admin_key.address)
    code, report = await proofgrid("admin", "evidence", "verify", str(file), *pinned)
    assert (code, report["kind"], report["operator"]) == (0, "invalid_proof", network.keys["alice"].address), report
    await asyncio.to_thread(check_every_change_is_found, file, tmp_path)
    code, refused = await proofgrid("admin", "evidence", "verify", str(tmp_path / "changed"), *pinned)
    assert (code, refused["holds"]) == (1, False)
    await network.start_gateway()


def check_every_change_is_found(file: Path, folder: Path) -> None:
    """Flip one bit here and there, more often where the small parts are: nothing is shown any more."""
    content = file.read_bytes()
    changed = folder / "changed"
    places = {*range(0, 4_000, 97), *range(0, len(content), max(1, len(content) // 60)), len(content) - 3}
    for place in sorted(one for one in places if one < len(content)):
        changed.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        with pytest.raises(ProofgridError):
            verify_evidence(changed, workdir=folder / "verify")
