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
from tests.acceptance.tasks import database_of, events_of, register_toy
from tests.cli.commands import proofgrid
from tests.networks import Network, running_network

COVER = 10**12


@pytest.fixture
async def network(
    tmp_path: Path, database_dsn: str, toy_system_on_path: Path, srs_file: Path
) -> AsyncIterator[Network]:
    """A network that sells firm quotes; every test ends with a check of the ledger."""
    async with running_network(tmp_path, database_dsn, SRS_FILE=str(srs_file), FIRM_QUOTES="true") as network:
        yield network


async def fund(network: Network, amount: int = COVER) -> None:
    async with network.administrator() as client:
        await client.admin.fund_treasury(amount, deposit_id=f"fund {amount}")


async def ready(network: Network, client: Client, root: Path, *, slices: int = 1) -> str:
    """Connect two provers, fund the treasury, register a program."""
    await fund(network)
    for number, operator in enumerate(["alice", "bob"]):
        await network.start_prover(f"p{number}", operator, ask=700 + 100 * number)
    return (await register_toy(client, root, slices=slices)).digest


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
    return next(one.state for one in await client.quotes() if one.quote_id == quote.quote_id)


async def open_accounts(network: Network) -> list[str]:
    async with database_of(network) as connection:
        rows = await connection.fetch("SELECT account FROM accounts WHERE account LIKE 'quote:%' AND balance <> 0")
    return [row["account"] for row in rows]


async def test_a_promise_that_is_kept_costs_what_was_promised_whatever_the_market_takes(
    network: Network, tmp_path: Path
) -> None:
    async with network.client() as client:
        program = await ready(network, client, tmp_path, slices=2)
        shown = await client.quote(program, ["any"])
        before = await balances(network, client)
        assert shown.firm is not None
        quote = await client.buy_quote(program, ["any"], cost_max=shown.firm.cost + shown.firm.premium)
        held = await balances(network, client)
        task = await client.submit(program, ["another input"], quote_id=quote.quote_id)
        assert task.quote_id == quote.quote_id
        events = await events_of(client, task.task_id)
        task = await client.task(task.task_id)
        after = await balances(network, client)
        state = await state_of(client, quote)

    assert (task.state, state, quote.terms) == ("done", "kept", shown.firm)
    assert held == (
        before[0] - quote.terms.cost - quote.terms.premium,
        before[1] + quote.terms.premium - 2 * quote.terms.cost - quote.terms.penalty,
    )
    # The market took what it took; the client paid the promise, and the rest is the network's.
    assert after == (held[0], before[1] + quote.terms.premium + quote.terms.cost - task.spent)
    assert 0 < task.spent < quote.terms.cost
    assert events[0].data["quote"]["cost"] == events[-1].data["spent"] == quote.terms.cost
    assert task.deadline_ms - task.created_ms == quote.terms.within_ms
    assert not await open_accounts(network)
    await check_statements(network, after[0])


async def check_statements(network: Network, client_has: int) -> None:
    """What the network bid for the client is on its own statement, and everybody's together are nothing."""
    await past(SystemClock(), SystemClock().now_ms())  # a statement ends before the present millisecond
    owners = [network.keys[name].address for name in ("client", "alice", "bob")]
    closing, reasons = {}, set()
    async with Client(network.address, network.admin_key) as admin:
        for owner in [*owners, *NETWORK_OWNERS]:
            parts: list[Any] = [part async for part in admin.statement(owner)]
            closing[owner] = parts[-1].balance
            if owner == owners[0]:
                reasons = {movement.reason for movement in parts[1:-1]}
    assert sum(closing.values()) == 0
    assert (closing[owners[0]], closing["quote"]) == (client_has, 0)
    assert reasons == {"deposit", "quote_price", "quote_premium"}


async def test_a_promise_that_is_missed_costs_nothing_and_pays_the_penalty(network: Network, tmp_path: Path) -> None:
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
    assert after == (
        before[0] - quote.terms.premium + quote.terms.penalty,
        before[1] + quote.terms.premium - quote.terms.penalty,
    )
    assert not await open_accounts(network)


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


async def test_who_cancels_pays_the_work_and_gets_no_penalty(network: Network, tmp_path: Path) -> None:
    async with network.client() as client:
        program, before, quote = await held_quote_without_provers(network, client, tmp_path)
        task = await client.submit(program, ["x"], quote_id=quote.quote_id)
        await client.cancel(task.task_id)
        after = await balances(network, client)
        assert await state_of(client, quote) == "given_up"
    assert after == (before[0] - quote.terms.premium, before[1] + quote.terms.premium)


async def test_a_quote_that_nobody_uses_gives_its_cost_back(network: Network, tmp_path: Path) -> None:
    async with network.client() as client:
        program = await ready(network, client, tmp_path)
        before = await balances(network, client)
        quote = await client.buy_quote(program, ["x"], hold_ms=1_000)
        async with asyncio.timeout(20):
            while await state_of(client, quote) == "held":  # noqa: ASYNC110 - nobody is told of a quote's end
                await asyncio.sleep(0.1)
        with pytest.raises(QuoteOver):
            await client.submit(program, ["x"], quote_id=quote.quote_id)
        assert await state_of(client, quote) == "expired"
        after = await balances(network, client)
    assert after == (before[0] - quote.terms.premium, before[1] + quote.terms.premium)


async def test_what_cannot_be_promised_bought_or_redeemed_is_refused_and_nothing_moves(
    network: Network, tmp_path: Path
) -> None:
    async with network.client() as client:
        for number, operator in enumerate(["alice", "bob"]):
            await network.start_prover(f"p{number}", operator, ask=700)
        program = (await register_toy(client, tmp_path, slices=1)).digest
        other = (await register_toy(client, tmp_path, slices=2)).digest
        with pytest.raises(NoFirmQuote, match="treasury"):
            await client.buy_quote(program, ["x"])
        await fund(network)
        before = await balances(network, client)
        with pytest.raises(NoFirmQuote, match="cost and premium are"):
            await client.buy_quote(program, ["x"], cost_max=1)
        with pytest.raises(InvalidField, match="hold"):
            await client.buy_quote(program, ["x"], hold_ms=1)
        network.add_key("poor")
        await network.grant("poor", "client")
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
