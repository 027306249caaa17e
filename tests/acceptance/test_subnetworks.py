"""Subnetworks with real processes: their own provers, members only, and what is too much for them goes elsewhere."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from proofgrid.primitives.errors import (
    IdempotencyConflict,
    InUse,
    InvalidField,
    NotAMember,
    NotServed,
    UnknownSubnetwork,
)
from proofgrid.rules.access.subnetworks import DEFAULT, SubnetworkChange
from tests.acceptance.scenarios.scripted import ScriptedProver
from tests.acceptance.tasks import check_paid_once, events_of, register_toy, wait_for
from tests.cli.commands import proofgrid
from tests.networks import Network

NEVER_SOLD = 1  #: base units per PU: no prover asks so little


async def create(network: Network, name: str, *members: tuple[str, str], **wanted: Any) -> None:
    """Make a subnetwork with these (name of key, role) on its list."""
    async with network.administrator() as client:
        await client.admin.create_subnetwork(name, SubnetworkChange(**wanted))
        for who, role in members:
            await client.admin.allow_member(name, network.keys[who].address, role)


async def add_client(network: Network, name: str) -> None:
    """Somebody else with money."""
    network.add_key(name)
    await network.grant(name, "client")
    await network.deposit(name, 10_000_000_000)


def provers_of(events: list[Any]) -> set[str]:
    """The names of the provers that a task was sold to."""
    return {event.data["prover"].rpartition("/")[2] for event in events if event.kind == "sold"}


async def test_a_private_subnetwork_serves_its_members_and_a_burst_flows_over_to_the_common_provers(
    network: Network, tmp_path: Path
) -> None:
    await create(network, "acme", ("client", "client"), ("alice", "operator"), overflow_after_ms=1_500)
    await add_client(network, "stranger")
    await network.start_prover("own", "alice", ask=500, SUBNETWORKS="acme")

    async with network.client() as client, network.client("stranger") as stranger:
        program = await register_toy(client, tmp_path, slices=1)

        # Its members' tasks are proven by its own prover, though nobody else is there.
        task = await client.submit(program.digest, ["a"], limit_price=1_500, subnetwork="acme")
        events = await events_of(client, task.task_id)
        assert (await client.task(task.task_id)).state == "done"
        assert provers_of(events) == {"own"}
        assert {event.data["lane"] for event in events if event.kind == "sold"} == {"acme/toy@1.0/small"}
        assert events[0].data["subnetwork"] == "acme"

        await client.ownership.share(program.digest, ["*"])

        # A stranger may neither use it nor see it, and its prover gets no common work.
        with pytest.raises(NotAMember) as refused:
            await stranger.submit(program.digest, ["b"], limit_price=1_500, subnetwork="acme")
        assert refused.value.field == "subnetwork"
        assert [one.name for one in await stranger.subnetworks()] == [DEFAULT]
        assert [one.name for one in await client.subnetworks()] == ["acme", DEFAULT]
        common = await stranger.submit(program.digest, ["c"], limit_price=1_500)

        # A burst is too much for one prover: what waits goes to the common lanes. Nobody is there yet.
        hold = network.hold("own", "alice")
        burst = [await client.submit(program.digest, [f"d{n}"], limit_price=1_500, subnetwork="acme") for n in range(6)]
        await wait_for(
            client, burst[-1].task_id, "overflowed", **{"from": "acme/toy@1.0/small", "to": "default/toy@1.0/small"}
        )
        hold.let_go()
        await network.start_prover("common", "bob", ask=500)
        logs = await asyncio.gather(*(events_of(client, task.task_id) for task in burst))
        assert {(await client.task(task.task_id)).state for task in burst} == {"done"}
        assert set().union(*(provers_of(events) for events in logs)) == {"own", "common"}
        for events in logs:
            overflowed = any(event.kind == "overflowed" for event in events)
            assert provers_of(events) == ({"common"} if overflowed else {"own"})
        assert provers_of(await events_of(stranger, common.task_id)) == {"common"}
    await check_paid_once(network)


async def test_requests_and_provers_are_refused_in_words(network: Network, tmp_path: Path) -> None:
    await create(network, "acme", ("client", "client"), proof_systems=frozenset({"ezkl"}))
    await create(network, "lab", is_open=True)
    async with network.client() as client:
        program = await register_toy(client, tmp_path, slices=1)
        for name, error in (("acme", NotServed), ("nowhere", UnknownSubnetwork), ("No Name", InvalidField)):
            with pytest.raises(error) as refused:
                await client.submit(program.digest, ["a"], limit_price=NEVER_SOLD, subnetwork=name)
            assert refused.value.field == "subnetwork"

        # The same key with another subnetwork is another request; `default` is what it was without a name.
        key = {"idempotency_key": "k", "limit_price": NEVER_SOLD}
        task = await client.submit(program.digest, ["a"], **key)  # type: ignore[arg-type]
        same = await client.submit(program.digest, ["a"], subnetwork=DEFAULT, **key)  # type: ignore[arg-type]
        assert same.task_id == task.task_id
        with pytest.raises(IdempotencyConflict):
            await client.submit(program.digest, ["a"], subnetwork="lab", **key)  # type: ignore[arg-type]

    for served, why in (
        (["acme"], NotAMember),
        (["lab", "nowhere"], UnknownSubnetwork),
        (["lab", "lab"], InvalidField),
    ):
        with pytest.raises(why) as refused:
            async with ScriptedProver(network, "p", "alice", subnetworks=served):
                pass
        assert refused.value.field == "subnetworks"


async def test_a_prover_whose_operator_is_taken_off_the_list_gets_no_more_of_its_jobs(
    network: Network, tmp_path: Path
) -> None:
    await create(network, "acme", ("client", "client"), ("alice", "operator"))
    async with (
        network.client() as client,
        network.administrator() as administrator,
        ScriptedProver(network, "p", "alice", subnetworks=["acme", DEFAULT]) as prover,
    ):
        program = await register_toy(client, tmp_path, slices=1)
        await client.submit(program.digest, ["a"], limit_price=1_500, subnetwork="acme")
        await prover.take_lease()
        shown = await administrator.admin.deny_member("acme", network.keys["alice"].address, "operator")
        assert (shown.members[0].role, shown.provers, shown.busy) == ("client", 0, 1)

        await client.submit(program.digest, ["b"], limit_price=1_500, subnetwork="acme")
        common = await client.submit(program.digest, ["c"], limit_price=1_500)
        await prover.take_lease()
        assert [event.kind for event in [await wait_for(client, common.task_id, "sold")]] == ["sold"]
        [left] = [one for one in await client.subnetworks() if one.name == "acme"]
        assert (left.busy, left.tasks_open, left.ready_units > 0) == (1, 2, True)

        with pytest.raises(InUse):
            await administrator.admin.remove_subnetwork("acme")
        for task in await client.tasks():
            await client.cancel(task.task_id)
        await administrator.admin.remove_subnetwork("acme")
        assert [one.name for one in await client.subnetworks()] == [DEFAULT]


async def test_administrators_run_subnetworks_from_the_command_line(network: Network, tmp_path: Path) -> None:
    address = network.keys["client"].address
    key = str(network.root / "gateway" / "network.key")

    async def run(*words: str, code: int = 0) -> str:
        done = await asyncio.to_thread(
            proofgrid, *words, "--key", key, home=tmp_path, PROOFGRID_GATEWAY=network.address
        )
        assert done.returncode == code, done.stderr
        return done.stdout + done.stderr

    verb = ("admin", "subnetwork")
    await run(*verb, "create", "acme", "--overflow-after", "30s", "--proof-systems", "toy")
    assert "already" in await run(*verb, "create", "acme", "--open", code=1)
    await run(*verb, "allow", "acme", address, "client")
    changed = json.loads(
        await run(*verb, "set", "acme", "--reference-price", "900", "--proof-systems", "all", "--json")
    )
    assert (changed["reference_price"], changed["overflow_after_ms"]) == (900, 30_000)
    assert [member["address"] for member in changed["members"]] == [address]
    assert address in await run(*verb, "show", "acme")
    assert "30 s" in await run(*verb, "list")
    assert "acme" in await run("status")
    assert [one["name"] for one in json.loads(await run("status", "--json"))["subnetworks"]] == ["acme", DEFAULT]
    assert "no members" in await run(*verb, "deny", "acme", address, "client")
    assert "PG-101" in await run(*verb, "remove", DEFAULT, code=1)
    assert "PG-101" in await run(*verb, "set", DEFAULT, "--by-list", code=1)
    await run(*verb, "remove", "acme")
    assert "PG-134" in await run(*verb, "show", "acme", code=1)
