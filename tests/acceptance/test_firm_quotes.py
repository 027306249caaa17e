"""Firm quotes between real processes: the promise is kept, or missed and paid for, and used once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from proofgrid.primitives.clock import SystemClock, past
from proofgrid.primitives.errors import (
    DeadlineMissed,
    IdempotencyConflict,
    InsufficientFunds,
    InvalidField,
    NoFirmQuote,
    ProofgridError,
    QuoteOver,
    UnknownQuote,
)
from proofgrid.rules.ledger.statement import NETWORK_OWNERS
from proofgrid.sdk.answers.quotes import FirmQuote
from proofgrid.sdk.answers.work import Task
from proofgrid.sdk.client import Client
from tests.acceptance.tasks import database_of, events_of, fetch_and_verify, register_toy
from tests.cli.commands import proofgrid
from tests.networks import WAIT_SECONDS, Network, running_network

BOND = 10**9


@pytest.fixture
async def network(
    tmp_path: Path, database_dsn: str, toy_system_on_path: Path, srs_file: Path
) -> AsyncIterator[Network]:
    """A network whose operators have bonds; every test ends with a check of the ledger."""
    async with running_network(tmp_path, database_dsn, SRS_FILE=str(srs_file), STAKE_PERMILLE="500") as network:
        async with network.administrator() as client:
            for name in ("alice", "bob"):
                await client.admin.deposit_stake(network.keys[name].address, BOND, deposit_id=name)
        yield network


async def ready(network: Network, client: Client, root: Path, *, slices: int = 1) -> str:
    """Connect two provers that offer slots ahead, alice the cheaper ones; register a program."""
    for number, operator in enumerate(["alice", "bob"]):
        await network.start_prover(
            f"p{number}",
            operator,
            ask=700 + 100 * number,
            SLOTS=str(slices),
            RESERVE_SLOTS=str(slices),
            RESERVE_ASK=str(900 + 50 * number),
        )
    return (await register_toy(client, root, slices=slices)).digest


async def stakes(network: Network) -> dict[str, int]:
    """Return the operators' bonds."""
    async with network.administrator() as client:
        return {name: (await client.bonds.show(network.keys[name].address)).bond for name in ("alice", "bob")}


async def balances(network: Network, client: Client) -> tuple[int, int]:
    """Return what client and treasury hold."""
    async with database_of(network) as connection:
        treasury = await connection.fetchval("SELECT balance FROM accounts WHERE account = 'treasury'")
    return (await client.account()).balance, treasury


async def held_quote_without_provers(
    network: Network, client: Client, root: Path
) -> tuple[str, tuple[int, int], FirmQuote]:
    """Buy a quote, then stop every prover; return its program, what everybody had before, and the quote."""
    program = await ready(network, client, root)
    before = await balances(network, client)
    quote = await client.buy_quote(program, ["x"])
    for process in [one for one in network.processes if one.name.startswith("p")]:
        await process.stop()
    return program, before, quote


async def state_of(client: Client, quote: FirmQuote) -> str:
    [state] = [one.state for one in await client.quotes() if one.quote_id == quote.quote_id]
    return state


async def open_accounts(network: Network) -> list[str]:
    async with database_of(network) as connection:
        rows = await connection.fetch("SELECT account FROM accounts WHERE account LIKE 'quote:%' AND balance <> 0")
    return [row["account"] for row in rows]


async def test_the_offered_prover_keeps_its_slot_free_and_proves_at_the_quoted_price(
    network: Network, tmp_path: Path
) -> None:
    async with network.client() as client:
        program = await ready(network, client, tmp_path)
        shown = await client.quote(program, ["any"])
        before = await balances(network, client)
        assert shown.firm is not None
        quote = await client.buy_quote(program, ["any"], cost_max=shown.firm.cost + shown.firm.premium)
        held = await balances(network, client)
        pledged = await stakes(network)
        # The slot of the cheapest prover is nobody else's now.
        other = await client.wait((await client.submit(program, ["y"], limit_price=5_000)).task_id)
        spent_on_other = other.spent
        task = await client.submit(program, ["another input"], quote_id=quote.quote_id)
        events = await events_of(client, task.task_id)
        others = await events_of(client, other.task_id)
        task = await client.task(task.task_id)
        after = await balances(network, client)
        state = await state_of(client, quote)

    assert (task.state, task.quote_id, state, quote.terms) == ("done", quote.quote_id, "kept", shown.firm)
    # The dearer of two offers made the price, by the rule of the live market.
    assert quote.terms.cost == 950 * task.units == task.spent
    assert held == (before[0] - quote.terms.cost - quote.terms.premium, before[1])
    assert pledged == {"alice": BOND - quote.terms.cost - 2 * quote.terms.penalty, "bob": BOND}
    assert after == (held[0] - spent_on_other, before[1])
    [sale] = [event.data for event in events if event.kind == "sold"]
    [elsewhere] = [event.data for event in others if event.kind == "sold"]
    assert (sale["prover"], sale["sell_price"], sale["round"]) == (f"{network.keys['alice'].address}/p0", 950, 0)
    assert elsewhere["prover"] == f"{network.keys['bob'].address}/p1"
    assert events[0].data["quote"]["cost"] == events[-1].data["spent"] == quote.terms.cost
    assert task.deadline_ms - task.created_ms == quote.terms.within_ms
    assert await stakes(network) == {"alice": BOND, "bob": BOND}
    assert not await open_accounts(network)
    await check_statements(network, after[0], earned=quote.terms.cost + quote.terms.premium)


async def check_statements(network: Network, client_has: int, *, earned: int) -> None:
    """Everybody's statements together are nothing, and each says what a quote moved."""
    await past(SystemClock(), SystemClock().now_ms())  # a statement ends before the present millisecond
    owners = [network.keys[name].address for name in ("client", "alice", "bob")]
    closing, reasons = {}, {}
    async with Client(network.address, network.admin_key) as admin:
        for owner in [*owners, *NETWORK_OWNERS]:
            parts: list[Any] = [part async for part in admin.statement(owner)]
            closing[owner] = parts[-1].balance
            reasons[owner] = {movement.reason for movement in parts[1:-1]}
    assert sum(closing.values()) == 0
    assert (closing[owners[0]], closing[owners[1]], closing["quote"]) == (client_has, BOND + earned, 0)
    assert {"quote_price", "quote_premium"} <= reasons[owners[0]]
    assert reasons[owners[1]] == {"bond", "quote_pledge", "quote_reserved", "proof", "quote_back"}


@pytest.mark.thorough
async def test_one_proof_of_all_is_promised_with_what_folds_it(network: Network, tmp_path: Path) -> None:
    async with network.client() as client:
        await ready(network, client, tmp_path, slices=3)
        program = (await register_toy(client, tmp_path, slices=1, wraps=2)).digest
        plain = await client.quote(program, ["x", "y"])
        quote = await client.buy_quote(program, ["x", "y"], aggregate=True, idempotency_key="key")
        with pytest.raises(IdempotencyConflict):
            await client.buy_quote(program, ["x", "y"], idempotency_key="key")
        with pytest.raises(InvalidField, match="one proof of all inputs"):
            await client.submit(program, ["x", "y"], quote_id=quote.quote_id)
        assert await state_of(client, quote) == "held"
        task = await client.submit(program, ["y", "z"], quote_id=quote.quote_id, aggregate=True)
        events = await events_of(client, task.task_id)
        report = await fetch_and_verify(client, network, await client.task(task.task_id), tmp_path)
        state = await state_of(client, quote)

    assert plain.firm is not None
    assert (plain.firm.units, quote.terms.units) == (20, 30)
    assert quote.terms.cost % 30 == 0
    assert (state, report.manifest.wrapped.jobs if report.manifest.wrapped else 0) == ("kept", 2)
    sold = [event.data for event in events if event.kind == "sold"]
    assert [(one["slice"], one["round"]) for one in sold] == [(0, 0), (0, 0), (1, 0)]
    assert await stakes(network) == {"alice": BOND, "bob": BOND}
    assert not await open_accounts(network)


async def test_a_miss_is_paid_by_the_bond_of_who_was_to_deliver_and_by_nobody_else(
    network: Network, tmp_path: Path
) -> None:
    async with network.client() as client:
        program, before, quote = await held_quote_without_provers(network, client, tmp_path)
        async with database_of(network) as connection:  # so that we need not wait that long
            await connection.execute("UPDATE firm_quotes SET within_ms = 500")
        task = await client.submit(program, ["x"], quote_id=quote.quote_id)
        events = await events_of(client, task.task_id)
        after = await balances(network, client)
        state = await state_of(client, quote)

    assert state == "missed"
    assert (events[-1].kind, events[-1].data["code"]) == ("failed", DeadlineMissed.code)
    assert (events[-1].data["refunded"], events[-1].data["penalty"]) == (quote.terms.cost, quote.terms.penalty)
    # Nobody kept a slot free, so the premium came back as well.
    assert after == (before[0] + quote.terms.penalty, before[1])
    # As much as the penalty is burnt: missing a quote that one sold to oneself costs money.
    assert await stakes(network) == {"alice": BOND - 2 * quote.terms.penalty, "bob": BOND}
    assert not await open_accounts(network)


async def test_a_job_whose_prover_is_absent_goes_to_the_live_market_at_the_price_of_the_quote(
    network: Network, tmp_path: Path
) -> None:
    async with network.client() as client:
        program = await ready(network, client, tmp_path)
        before = await balances(network, client)
        quote = await client.buy_quote(program, ["x"])
        [alices] = [one for one in network.processes if one.name == "p0"]
        await alices.stop()
        task = await client.wait((await client.submit(program, ["x"], quote_id=quote.quote_id)).task_id)
        after = await balances(network, client)
        assert (task.state, await state_of(client, quote)) == ("done", "kept")
    # It was there in time, so nobody owes; what the market took less, and the premium, are the client's.
    assert 0 < task.spent <= quote.terms.cost
    assert after == (before[0] - task.spent, before[1])
    assert await stakes(network) == {"alice": BOND, "bob": BOND}


@pytest.mark.thorough
async def test_one_owner_of_client_and_prover_drains_nobody(network: Network, tmp_path: Path) -> None:
    await network.grant("alice", "client")
    await network.deposit("alice", 10**9)
    alice = network.keys["alice"].address
    async with network.client("alice") as client:
        program = await ready(network, client, tmp_path)
        wish = network.keys_directory("p0", "alice") / "toy-behaviour"
        wish.parent.mkdir(parents=True, exist_ok=True)
        wish.write_text("hang")
        async with database_of(network) as connection:
            hers = "SELECT sum(balance) FROM accounts WHERE account LIKE '%:' || $1"
            others = "SELECT sum(balance) FROM accounts WHERE account <> 'mint' AND account NOT LIKE '%:' || $1"
            before = [await connection.fetchval(query, alice) for query in (hers, others)]
            quote = await client.buy_quote(program, ["x"])
            await connection.execute("UPDATE firm_quotes SET within_ms = 500")
            task = await client.submit(program, ["x"], quote_id=quote.quote_id)
            assert (await client.wait(task.task_id)).failure_code == DeadlineMissed.code
            after = [await connection.fetchval(query, alice) for query in (hers, others)]
    assert after == [before[0] - quote.terms.penalty, before[1]]


async def test_a_quote_is_used_by_one_task_however_many_try_at_once(network: Network, tmp_path: Path) -> None:
    async with network.client() as client:
        program = await ready(network, client, tmp_path)
        quote = await client.buy_quote(program, ["x"])
        keys = ["one", "one", "two", "three"]
        tries = [client.submit(program, ["x"], quote_id=quote.quote_id, idempotency_key=key) for key in keys]
        ended = await asyncio.gather(*tries, return_exceptions=True)
        tasks = {one.task_id for one in ended if isinstance(one, Task)}
        refused = [one for one in ended if not isinstance(one, Task)]
        assert len(tasks) == 1, ended
        assert refused
        assert all(isinstance(one, QuoteOver) for one in refused), ended
        [task_id] = tasks
        assert (await client.wait(task_id)).state == "done"
        with pytest.raises(QuoteOver):
            await client.submit(program, ["x"], quote_id=quote.quote_id, idempotency_key="after")


@pytest.mark.thorough
async def test_who_cancels_pays_the_work_and_gets_no_penalty(network: Network, tmp_path: Path) -> None:
    async with network.client() as client:
        program, before, quote = await held_quote_without_provers(network, client, tmp_path)
        task = await client.submit(program, ["x"], quote_id=quote.quote_id)
        await client.cancel(task.task_id)
        after = await balances(network, client)
        assert await state_of(client, quote) == "given_up"
    assert after == before  # and nobody had kept a slot free
    assert await stakes(network) == {"alice": BOND, "bob": BOND}


async def test_a_quote_that_nobody_uses_gives_its_cost_back(network: Network, tmp_path: Path) -> None:
    async with network.client() as client:
        program = await ready(network, client, tmp_path)
        before = await balances(network, client)
        quote = await client.buy_quote(program, ["x"], hold_ms=1_000)
        async with asyncio.timeout(WAIT_SECONDS):
            while await state_of(client, quote) == "held":  # noqa: ASYNC110 - nobody is told of a quote's end
                await asyncio.sleep(0.1)
        with pytest.raises(QuoteOver):
            await client.submit(program, ["x"], quote_id=quote.quote_id)
        assert await state_of(client, quote) == "expired"
        after = await balances(network, client)
    assert after == (before[0] - quote.terms.premium, before[1])
    # Whoever kept its slot free has earned the premium, and its bond is its own again.
    assert await stakes(network) == {"alice": BOND, "bob": BOND}
    async with network.client("alice") as alice:
        assert (await alice.account()).earned == quote.terms.premium


async def test_what_cannot_be_promised_bought_or_redeemed_is_refused_and_nothing_moves(
    network: Network, tmp_path: Path
) -> None:
    async with network.client() as client:
        await network.start_prover("live", "alice", ask=700)
        program = (await register_toy(client, tmp_path, slices=1)).digest
        other = (await register_toy(client, tmp_path, slices=2)).digest
        # Nobody offers, nothing is sold, and what the live market would cost is said.
        with pytest.raises(NoFirmQuote, match="no prover offers slots ahead") as refused:
            await client.buy_quote(program, ["x"])
        assert "the live market would take about 0.00001 tokens now" in refused.value.hint
        await ready(network, client, tmp_path)
        with pytest.raises(NoFirmQuote, match="has 3 jobs, and provers offer 2 slots ahead"):
            await client.buy_quote(program, ["x", "y", "z"])
        before = await balances(network, client)
        with pytest.raises(NoFirmQuote, match="cost and premium are"):
            await client.buy_quote(program, ["x"], cost_max=1)
        with pytest.raises(InvalidField, match="hold"):
            await client.buy_quote(program, ["x"], hold_ms=1)
        network.add_key("poor")
        await network.grant("poor", "client")
        await client.ownership.share(program, [network.keys["poor"].address])
        async with network.client("poor") as penniless:
            with pytest.raises(InsufficientFunds, match=r"your account holds 0"):
                await penniless.buy_quote(program, ["x"])
        assert await balances(network, client) == before

        quote = await client.buy_quote(program, ["x"], idempotency_key="key")
        assert await client.buy_quote(program, ["y"], idempotency_key="key") == quote
        with pytest.raises(IdempotencyConflict):
            await client.buy_quote(program, ["x", "y"], idempotency_key="key")
        wrong: list[tuple[str, dict[str, object], type[ProofgridError]]] = [
            (other, {}, InvalidField),
            (program, {"limit_price": 5}, InvalidField),
            (program, {"deadline_ms": 2**50}, InvalidField),
            (program, {"subnetwork": "default"}, InvalidField),
            (program, {"quote_id": "00000000-0000-0000-0000-000000000000"}, UnknownQuote),
        ]
        for digest, changes, error in wrong:
            with pytest.raises(error):
                await client.submit(digest, ["x"], **{"quote_id": quote.quote_id} | changes)  # type: ignore[arg-type]
        with pytest.raises(InvalidField, match="1 inputs"):
            await client.submit(program, ["x", "y"], quote_id=quote.quote_id)
        async with network.client("poor") as penniless:
            with pytest.raises(UnknownQuote):
                await penniless.submit(program, ["x"], quote_id=quote.quote_id)
        assert await state_of(client, quote) == "held"


@pytest.mark.thorough
async def test_the_command_line_buys_lists_and_redeems(network: Network, tmp_path: Path) -> None:
    async with network.client() as client:
        program = await ready(network, client, tmp_path)

    async def run(*arguments: str) -> str:
        environment = {"PROOFGRID_GATEWAY": network.address, "PROOFGRID_KEY": str(network.root / "client.key")}
        done = await asyncio.to_thread(lambda: proofgrid(*arguments, home=tmp_path, **environment))
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    assert "firm, with --firm" in await run("quote", program, "--input", '"x"')
    said = await run("quote", program, "--input", '"x"', "--firm", "--hold", "5m")
    quote_id = said.split("--quote ")[1].split()[0]
    assert "held for 5 min" in said
    assert quote_id in await run("quotes")
    done = await run("submit", program, "--input", '"y"', "--quote", quote_id, "--wait")
    assert "by your firm quote" in done
    [listed] = json.loads(await run("quotes", "--json"))
    assert (listed["quote_id"], listed["state"]) == (quote_id, "kept")
