"""What administrators do from the command line, with the network's key in the data directory; and a burnt surplus."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.tasks import database_of, register_toy
from tests.cli.commands import proofgrid
from tests.networks import Network, running_network

Run = Callable[..., Awaitable[Any]]


def administrator(network: Network, home: Path) -> Run:
    """Return what runs a command as whoever has the gateway's data directory, and reads its JSON."""

    async def run(*words: str, code: int = 0) -> Any:
        where = () if words[0] == "stake" else ("--data-dir", str(network.root / "gateway"))
        done = await asyncio.to_thread(
            proofgrid, *words, *where, "--json", home=home, PROOFGRID_GATEWAY=network.address
        )
        assert done.returncode == code, done.stderr
        return json.loads(done.stdout) if code == 0 else json.loads(done.stderr)

    return run


@pytest.mark.thorough
async def test_every_group_of_verbs_finds_the_networks_key_and_asks_its_service(
    network: Network, tmp_path: Path
) -> None:
    run, alice = administrator(network, tmp_path), network.keys["alice"].address

    granted = await run("admin", "grant", alice, "client", "--label", "alice")
    assert sorted(granted["roles"]) == ["client", "operator"]
    assert (await run("admin", "revoke", alice, "client"))["roles"] == ["operator"]
    assert alice in [one["address"] for one in await run("admin", "list")]
    paid_in = await run("admin", "deposit", alice, "1.5", "--id", "a")
    assert (paid_in["deposit_id"], paid_in["balance"]) == ("a", 1_500_000_000)
    bond = await run("admin", "deposit", alice, "7", "--base-units", "--stake", "--id", "b")
    assert (bond["deposit_id"], bond["operator"], bond["bond"]) == ("b", alice, 7)
    assert await run("admin", "dead-letters", "list") == []
    assert (await run("admin", "check-ledger"))["balanced"]

    assert (await run("admin", "canary", "fund", "100", "--base-units"))["balance"] == 100
    assert (await run("admin", "canary", "list"))["treasury"] == 100
    taken = await run("admin", "treasury", "burn", "0.00000003", "--id", "c")
    assert (taken["take_id"], taken["balance"]) == ("c", 70)
    assert (await run("admin", "treasury", "withdraw", "0.00000003"))["balance"] == 40
    assert (await run("admin", "treasury", "show"))["balance"] == 40

    assert await run("admin", "incident", "list") == []
    assert (await run("admin", "incident", "show", "1", code=1))["error"]["code"].startswith("PG-")
    async with database_of(network) as database:
        await database.execute("INSERT INTO incidents (kind, subject, detail) VALUES ('sum', 'ledger', '*a* hand')")
    assert (await run("admin", "incident", "show", "1"))["runbook"] == "ProofgridSettlementStopped"
    assert (await run("admin", "incident", "close", "1", "--why", "it was a test"))["closed_ms"]
    story = await run("admin", "incident", "postmortem", "1", "--out", str(tmp_path / "draft.md"))
    assert [step["said"] for step in story["steps"] if step["what"] == "closed"] == ["it was a test"]
    assert story["draft"] == (tmp_path / "draft.md").read_text()
    assert "\\*a\\* hand" in story["draft"]
    assert await run("admin", "evidence", "list") == []
    assert (await run("admin", "subnetwork", "create", "acme"))["name"] == "acme"
    assert [one["name"] for one in await run("admin", "subnetwork", "list")] == ["acme", "default"]
    assert await run("admin", "subnetwork", "remove", "acme") == {"removed": "acme"}

    key = ("--key", str(network.root / "alice.key"))
    assert (await run("stake", "show", *key))["bond"] == 7
    assert (await run("stake", "unbond", "2", "--base-units", *key))["unbonding"] == 2


@pytest.mark.thorough
async def test_a_network_that_burns_its_surplus_keeps_none(
    tmp_path: Path, database_dsn: str, toy_system_on_path: Path, srs_file: Path
) -> None:
    async with running_network(tmp_path, database_dsn, SRS_FILE=str(srs_file), SURPLUS="burn") as network:
        for number, (operator, ask) in enumerate([("alice", 500), ("bob", 700), ("bob", 900)]):
            await network.start_prover(f"p{number}", operator, ask=ask)
        async with network.client() as client:
            program = await register_toy(client, tmp_path, slices=2)
            limits = range(1_000, 2_500, 150)
            tasks = [await client.submit(program.digest, [str(limit)], limit_price=limit) for limit in limits]
            for task in tasks:
                await client.wait(task.task_id)
        async with database_of(network) as connection:
            rows = await connection.fetch("SELECT sell_price, buy_price, units FROM leases WHERE state = 'settled'")
            burnt = await connection.fetch(
                "SELECT amount, credit, reason FROM transfers WHERE transfer_id LIKE 'surplus:%'"
            )
            treasury = await connection.fetchval("SELECT balance FROM accounts WHERE account = 'treasury'")

    surplus = sum((row["buy_price"] - row["sell_price"]) * row["units"] for row in rows)
    assert sum(row["amount"] for row in burnt) == surplus
    assert {(row["credit"], row["reason"]) for row in burnt} <= {("mint", "surplus burnt")}
    assert not treasury
