"""Quotes of every proof system that is here, soft and firm; a firm one of a graph is redeemed, and kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import pytest

from proofgrid.cli.demo.factors import KnownFactors, known_factors, linked_squares
from proofgrid.rules.jobs.engines import system_of
from proofgrid.rules.market.firm_quote import ROUND_OF_QUOTES
from proofgrid.sdk.answers.quotes import FirmQuote
from proofgrid.sdk.client import Client
from tests.acceptance.tasks import fetch_and_verify
from tests.networks import Network
from tests.proofs.systems.groth16.circom import engine_or_skip as groth16_or_skip
from tests.proofs.systems.miden.engines import engine_or_skip as miden_or_skip
from tests.proofs.systems.noir.programs import engine_or_skip as noir_or_skip

BOND = 10**14
SLOTS = "8"
ENGINES: Mapping[str, Callable[[], None]] = {
    "groth16": groth16_or_skip,
    "noir": noir_or_skip,
    "miden": miden_or_skip,
}


async def ready(network: Network) -> None:
    """Let two provers of two operators offer slots ahead, of all systems."""
    async with network.administrator() as admin:
        for number, name in enumerate(("alice", "bob")):
            await admin.admin.deposit_stake(network.keys[name].address, BOND, deposit_id=name)
            await network.start_prover(
                f"p{number}", name, ask=700, SLOTS=SLOTS, RESERVE_SLOTS=SLOTS, RESERVE_ASK=str(750 + 50 * number)
            )


async def bought(client: Client, subject: KnownFactors, folder: Path) -> tuple[str, FirmQuote]:
    """Register a subject, ask for its price, and buy what is promised; return its program and the quote."""
    subject.prepare(folder)
    program = await client.register_program(
        subject.source(folder), proof_system=subject.system, settings=subject.settings
    )
    soft = await client.quote(program.digest, subject.inputs())
    assert soft.firm is not None
    assert soft.units == soft.firm.units == sum(lane.units for lane in soft.lanes) > 0
    assert all(lane.price_now and lane.provers == 2 for lane in soft.lanes)
    quote = await client.buy_quote(program.digest, subject.inputs(), cost_max=soft.firm.cost + soft.firm.premium)
    assert quote.terms == soft.firm
    return program.digest, quote


def those_here() -> list[str]:
    """Return the systems whose engines are here or can be built."""
    found = []
    for system, or_skip in ENGINES.items():
        with suppress(pytest.skip.Exception):
            or_skip()
            found.append(system)
    return found or pytest.skip("no engine is here")


@pytest.mark.thorough
async def test_every_system_is_quoted_softly_and_firmly(network: Network, tmp_path: Path) -> None:
    systems = those_here()
    await ready(network)
    async with network.client() as client:
        sold = [(await bought(client, known_factors(one), tmp_path / one))[1] for one in systems]
        seen = {one.quote_id: one.state for one in await client.quotes()}
    assert seen == {quote.quote_id: "held" for quote in sold}


@pytest.mark.thorough
async def test_a_graph_of_two_systems_is_promised_and_the_promise_is_kept(network: Network, tmp_path: Path) -> None:
    groth16_or_skip()
    noir_or_skip()
    await ready(network)
    subject = linked_squares()
    async with network.client() as client:
        program, quote = await bought(client, subject, tmp_path / "program")
        task = await client.submit(program, subject.inputs(), quote_id=quote.quote_id)
        done = await client.wait(task.task_id)
        report = await fetch_and_verify(client, network, done, tmp_path)
        [seen] = await client.quotes()
    assert (done.state, seen.state) == ("done", "kept")
    assert {job.round_number for job in report.manifest.jobs} == {ROUND_OF_QUOTES}
    assert {system_of(job.lane.split("/")[1]) for job in report.manifest.jobs} == {"groth16", "noir"}
