"""A stranger with an exported record, the network's address and our package confirms every round, offline."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

import pytest

from proofgrid.primitives.errors import UnknownRound
from proofgrid.primitives.money import format_price
from proofgrid.sdk.records import open_order
from tests.acceptance.tasks import events_of, register_toy, the_event
from tests.cli.commands import proofgrid
from tests.networks import Network

LANE = "default/toy@1.0/small"


@pytest.mark.thorough
async def test_a_day_of_rounds_is_exported_replayed_offline_and_opened_by_its_owners(
    network: Network, tmp_path: Path
) -> None:
    for number, operator in enumerate(["alice", "alice", "bob"]):
        await network.start_prover(f"p{number}", operator, ask=700 + number, SLOTS="4")
    async with network.client() as client:
        program = await register_toy(client, tmp_path, slices=2)
        tasks = [
            await client.submit(program.digest, [f"{n} {i}" for i in range(10)], limit_price=1_500) for n in range(3)
        ]
        events = [event for task in tasks for event in await events_of(client, task.task_id)]
    sold = the_event(events, "sold").data
    rounds = {event.data["round"] for event in events if event.kind == "sold"}

    # Anybody with a key of the network's may export; the rest needs no network at all.
    day = tmp_path / "day.rounds"
    keys = {"PROOFGRID_GATEWAY": network.address, "PROOFGRID_KEY": str(network.root / "bob.key")}
    exported = await asyncio.to_thread(
        proofgrid, "market", "export", LANE, "--out", str(day), "--json", home=tmp_path, **keys
    )
    replayed = await asyncio.to_thread(
        lambda: proofgrid("market", "replay", str(day), "--network", network.admin_key.address, "--json", home=tmp_path)
    )

    assert exported.returncode == 0, exported.stderr
    report = json.loads(replayed.stdout)
    assert (replayed.returncode, report["valid"], report["network_pinned"]) == (0, True, True)
    assert report["rounds"] == json.loads(exported.stdout)["rounds"] >= len(rounds) > 1
    content = day.read_bytes()
    for name in ("alice", "bob", "client"):
        assert network.keys[name].address.encode() not in content
    assert all(task.task_id.encode() not in content for task in tasks)

    changed = bytearray(content)
    changed[len(changed) // 2] ^= 1
    (tmp_path / "changed.rounds").write_bytes(changed)
    refused = await asyncio.to_thread(proofgrid, "market", "replay", str(tmp_path / "changed.rounds"), home=tmp_path)
    assert refused.returncode == 1
    assert "PG-420" in refused.stderr

    shown = await asyncio.to_thread(
        lambda: proofgrid("market", "show", LANE, str(sold["round"]), home=tmp_path, **keys)
    )
    assert f"clients pay {format_price(sold['buy_price'])}" in shown.stdout
    assert sold["order"][:12] in shown.stdout

    # A bundle's prices are those of the rounds that it names.
    async with network.client() as client:
        bundle = tmp_path / "answer.bundle"
        await client.fetch_result(tasks[0].task_id, bundle)
    priced = await asyncio.to_thread(
        lambda: proofgrid("verify", str(bundle), "--rounds", str(day), "--json", home=tmp_path)
    )
    assert priced.returncode == 0, priced.stderr + priced.stdout
    assert any("run again" in check for check in json.loads(priced.stdout)["checks"])
    short = tmp_path / "short.rounds"
    first = max(event.data["round"] for event in events if event.kind == "sold")
    await asyncio.to_thread(
        lambda: proofgrid(
            "market", "export", LANE, "--from", str(first), "--out", str(short), "--json", home=tmp_path, **keys
        )
    )
    unpriced = await asyncio.to_thread(
        lambda: proofgrid("verify", str(bundle), "--rounds", str(short), "--json", home=tmp_path)
    )
    assert unpriced.returncode == 1
    assert "no file holds round" in unpriced.stdout

    # The owner proves which order was hers; nobody else can.
    proof = tmp_path / "mine.json"
    client_keys = keys | {"PROOFGRID_KEY": str(network.root / "client.key")}
    arguments = ("market", "prove-order", LANE, str(sold["round"]), tasks[0].task_id, "--out", str(proof), "--json")
    opened = await asyncio.to_thread(lambda: proofgrid(*arguments, home=tmp_path, **client_keys))
    checked = await asyncio.to_thread(proofgrid, "market", "check-order", str(proof), str(day), "--json", home=tmp_path)
    assert opened.returncode == 0, opened.stderr
    assert json.loads(checked.stdout)["order_id"] == sold["order"] == json.loads(opened.stdout)["order_id"]
    assert json.loads(checked.stdout)["order"]["limit_price"] == 1_500
    async with network.client("bob") as bob:
        with pytest.raises(UnknownRound):
            await open_order(bob.connection, LANE, sold["round"], tasks[0].task_id)


async def test_a_lane_that_is_not_there_is_said_so_and_no_file_is_left(network: Network, tmp_path: Path) -> None:
    out = tmp_path / "none.rounds"
    ended = await asyncio.to_thread(
        lambda: proofgrid(
            "market",
            "export",
            "default/toy@1.0/large",
            "--out",
            str(out),
            home=tmp_path,
            PROOFGRID_GATEWAY=network.address,
            PROOFGRID_KEY=str(network.root / "client.key"),
        )
    )
    assert ended.returncode == 1
    assert "PG-136" in ended.stderr
    assert not [name for name in os.listdir(tmp_path) if "none.rounds" in name]
