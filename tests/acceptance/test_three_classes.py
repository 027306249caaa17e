"""Real proofs in three classes: four provers of three operators, one misses its deadline, the books add up."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from proofgrid.primitives.clock import SystemClock, past
from proofgrid.rules.ledger.accounts import MINT, TREASURY
from proofgrid.sdk.client import Client
from tests.acceptance.tasks import check_paid_once, events_of, fetch_and_verify, wait_for
from tests.acceptance.test_real_proofs import DEMO_DATA, SETTINGS, a_digit
from tests.acceptance.test_slashing import BOND, pay_into_bond
from tests.networks import Network, running_network
from tests.reference_strings import reference_strings

#: Four slices of the digits model have 1,054 and 1,094 PU by turns, the whole model in one slice some 7,000.
LIMITS = "small=2GiB:1060,medium=2GiB:1100"
OPERATORS = ("alice", "bob", "carol")


@pytest.fixture(scope="module")
def large_srs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Large enough for the whole model in one slice."""
    return reference_strings(tmp_path_factory.mktemp("large-srs"), 12, 15)


@pytest.fixture
async def network(tmp_path: Path, database_dsn: str, large_srs: Path) -> AsyncIterator[Network]:
    settings = {"SRS_FILE": str(large_srs), "CLASS_LIMITS": LIMITS, "STAKE_PERMILLE": "500", "LEASE_TTL_MS": "4000"}
    async with running_network(tmp_path, database_dsn, **settings) as network:
        network.add_key("carol")
        await network.grant("carol", "operator")
        for operator in OPERATORS:
            await pay_into_bond(network, operator)
        yield network


@pytest.mark.thorough
async def test_slices_are_sold_by_class_to_several_operators_and_the_books_add_up_to_the_last_unit(
    network: Network, tmp_path: Path
) -> None:
    pixels, _ = a_digit(3)
    async with network.client() as client:
        sliced = await _register(client, slices=4)
        whole = await _register(client, slices=1)
        late = await network.start_prover("late", "bob", ask=500, CLASSES="small,medium")

        # The late one takes a slice and is never heard of again; then everybody else comes.
        first = await client.submit(sliced, [pixels], limit_price=2_000)
        caught = await wait_for(client, first.task_id, "stage", stage="prove")
        os.kill(late.pid, signal.SIGSTOP)
        try:
            await network.start_prover("small", "alice", ask=700, CLASSES="small")
            await network.start_prover("medium", "alice", ask=800, CLASSES="small,medium")
            await network.start_prover("large", "carol", ask=900, CLASSES="small,medium,large")
            second = await client.submit(whole, [pixels], limit_price=2_000)
            events = {task.task_id: await events_of(client, task.task_id) for task in (first, second)}
        finally:
            os.kill(late.pid, signal.SIGCONT)
        tasks = [await client.task(task.task_id) for task in (first, second)]
        for task in tasks:
            await fetch_and_verify(client, network, task, tmp_path)

    log = [(event.kind, event.data) for of_task in events.values() for event in of_task]
    names = {network.keys[name].address: name for name in OPERATORS}
    proven = [data for kind, data in log if kind == "proven"]
    lanes = {(data["lane"], data["prover"], data["buy_price"]) for kind, data in log if kind == "sold"}
    assert [task.state for task in tasks] == ["done", "done"]
    assert {lane.rpartition("/")[2] for lane, _, _ in lanes} == {"small", "medium", "large"}
    assert {names[data["operator"]] for data in proven} >= {"alice", "carol"}
    assert {data["prover"].rpartition("/")[2] for data in proven if data["units"] > 1_100} == {"large"}

    # Who missed the deadline is slashed by the table; who proved the slice after all is paid for it beside its price.
    slashes = [data for kind, data in log if kind == "slashed"]
    slashed = next(data for data in slashes if data["slice"] == caught.data["slice"])
    sold = next(data for kind, data in log if kind == "sold" and (data["slice"], data["prover"]) == _job(caught.data))
    [accepted] = [event.data for event in events[first.task_id] if event.kind == "accepted"]
    units = {job["slice"]: job["units"] for job in accepted["jobs"]}  # of the first task: the other has a slice 0 too
    value = units[caught.data["slice"]] * sold["sell_price"]
    rescued = next(data for data in proven if data["slice"] == caught.data["slice"])
    assert (slashed["reason"], names[slashed["operator"]]) == ("missed_deadline", "bob")
    assert slashed["amount"] == -(-value // 10)
    assert names[rescued["operator"]] != "bob"
    reward = next(data for kind, data in log if kind == "rescued" and data["slice"] == caught.data["slice"])
    assert reward["amount"] == slashed["to_rescuer"] > 0
    assert reward["to"] == rescued["operator"]

    await check_paid_once(network)
    await _check_statements(network, spent=sum(task.spent for task in tasks), slashes=slashes)


def _job(data: Any) -> tuple[int, str]:
    return data["slice"], data["prover"]


async def _register(client: Client, *, slices: int) -> str:
    program = await client.register_program(
        {"model": DEMO_DATA / "digits.onnx"}, settings={**SETTINGS, "slices": slices}
    )
    return program.digest


async def _check_statements(network: Network, *, spent: int, slashes: list[Any]) -> None:
    """Every owner's statement explains its balance, and all of them together are nothing but what was minted."""
    await past(SystemClock(), SystemClock().now_ms())  # a statement ends before the present millisecond
    closing: dict[str, int] = {}
    owners = {name: network.keys[name].address for name in ("client", *OPERATORS)}
    async with Client(network.address, network.admin_key) as admin:
        for name, owner in [*owners.items(), (TREASURY, TREASURY), (MINT, MINT), ("rescue", "rescue")]:
            parts: list[Any] = [part async for part in admin.statement(owner)]
            moved = sum(movement.amount for movement in parts[1:-1])
            assert parts[0].balance + moved == parts[-1].balance
            closing[name] = parts[-1].balance
    assert sum(closing.values()) == 0
    assert closing["rescue"] == 0
    assert closing["client"] == 10_000_000_000 - spent + sum(slashed["to_client"] for slashed in slashes)
    # What was paid into bonds and what clients spent is with the operators, less what was slashed and not given on.
    kept = sum(slashed["to_rescuer"] - slashed["amount"] for slashed in slashes)
    assert sum(closing[name] for name in OPERATORS) + closing[TREASURY] == 3 * BOND + spent + kept
