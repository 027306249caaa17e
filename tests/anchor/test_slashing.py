"""A slash that the bond does not cover, from the debt to the block that is final, on EigenLayer's own core."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from proofgrid.chain.devnet.network import LEDGER_UNIT, TOKEN
from proofgrid.primitives.merkle import leads_to
from proofgrid.roles.intake.bond_moves import resolve_appeal, write_appeal
from proofgrid.rules.jobs.retry import ReturnReason
from proofgrid.rules.staking.bonds import BondPolicy
from proofgrid.rules.staking.chain_slashes import evidence_leaf
from tests.anchor.life import HOT, PROPOSED, TAKEN, VETOED, ChainLife
from tests.makers import a_key
from tests.roles.lanes import CLIENT, UNITS

pytestmark = pytest.mark.thorough


async def missed(life: ChainLife) -> tuple[UUID, int]:
    """Let the operator take a job and be lost; return the evidence, and what it owes for it."""
    lane = life.lane
    await lane.fetch("INSERT INTO network (address) VALUES ($1) ON CONFLICT DO NOTHING", a_key().address)
    await lane.fetch("UPDATE sessions SET open = false")
    await lane.fetch("DELETE FROM operator_standings")  # or nobody sells to it for long
    session = await lane.add_prover(HOT.address, f"p{len(await lane.leases())}")
    await lane.add_task()
    await lane.fetch("UPDATE gateways SET seen_ms = now_ms()")
    assert await lane.sell()
    await lane.offer(session)
    await lane.fetch("UPDATE gateways SET seen_ms = now_ms()")
    lease: Any = (await lane.leases())[-1]
    await lane.give_back(lease, ReturnReason.PROVER_LOST)
    [debt] = await lane.fetch("SELECT evidence_id, amount FROM chain_debts ORDER BY at_ms DESC, evidence_id LIMIT 1")
    assert debt["amount"] == lease["sell_price"] * UNITS // 10
    return debt["evidence_id"], int(debt["amount"])


async def states(life: ChainLife) -> list[str]:
    return [row["state"] for row in await life.lane.fetch("SELECT state FROM chain_debts ORDER BY at_ms")]


async def test_what_the_bond_does_not_cover_is_taken_on_the_chain_once(life: ChainLife) -> None:
    await life.joined()
    before = await life.usable(HOT.address)
    await life.lane.fetch(
        "INSERT INTO accounts (account, balance) VALUES ('treasury', 10000), ('mint', -10000)"
        " ON CONFLICT (account) DO UPDATE SET balance = accounts.balance + excluded.balance"
    )
    client = await life.balance(f"client:{CLIENT}")
    evidence, amount = await missed(life)
    assert await life.usable(HOT.address) == before - amount, "what is owed stands for nothing more"
    refunded = await life.balance(f"client:{CLIENT}") - client

    await life.played_out()

    assert await life.slashes() == [(TAKEN, amount * LEDGER_UNIT, amount * LEDGER_UNIT)]
    assert await states(life) == ["final"]
    assert await life.usable(HOT.address) == before - amount
    _, _, _, _, _, root = await life.chain.avs.functions.slashOf(0).call()
    assert leads_to(root, evidence_leaf(str(evidence), HOT.address, amount), [])
    paid = min(10_000, amount // 4)
    assert await life.balance(f"client:{CLIENT}") == client + refunded + paid


async def test_several_debts_of_one_operator_are_one_proposal(life: ChainLife) -> None:
    await life.joined()
    amounts = [(await missed(life))[1] for _ in range(3)]
    await life.played_out()
    total = sum(amounts) * LEDGER_UNIT
    assert await life.slashes() == [(TAKEN, total, total)]
    assert await states(life) == ["final"] * 3


async def test_a_slash_that_is_overturned_in_time_is_not_asked_for(life: ChainLife) -> None:
    await life.joined()
    evidence, _ = await missed(life)
    await write_appeal(life.database, evidence, "the gateway was away")
    await life.played_out()
    assert (await states(life), await life.slashes()) == (["owed"], []), "an appeal holds it up"
    await resolve_appeal(life.database, evidence, overturned=True, answer="it was")
    await life.played_out()
    assert (await states(life), await life.slashes()) == (["dropped"], [])


async def test_one_that_is_overturned_later_waits_for_its_veto(life: ChainLife) -> None:
    await life.joined()
    evidence, _ = await missed(life)
    await life.stepped()
    await life.stepped()
    await write_appeal(life.database, evidence, "the gateway was away")
    await resolve_appeal(life.database, evidence, overturned=True, answer="it was")
    await life.chain.owner.call(life.chain.avs, "veto", 0)
    await life.played_out()
    assert (await states(life), [one[0] for one in await life.slashes()]) == (["vetoed"], [VETOED])


async def test_nobody_carries_out_what_was_overturned_and_nobody_vetoed(life: ChainLife) -> None:
    await life.joined()
    evidence, _ = await missed(life)
    await life.stepped()
    await life.stepped()
    await write_appeal(life.database, evidence, "the gateway was away")
    await resolve_appeal(life.database, evidence, overturned=True, answer="it was")
    await life.played_out()
    assert [one[0] for one in await life.slashes()] == [PROPOSED]


async def test_who_leaves_is_asked_at_once_and_pays_while_leaving(life: ChainLife) -> None:
    life.ask_for(least=10**12)
    operator = await life.joined()
    _, amount = await missed(life)
    await life.anchor.step()
    assert await states(life) == ["owed"], "it is not worth the gas yet"
    await operator.leave()
    await life.played_out()
    assert await states(life) == ["final"]
    assert await life.slashes() == [(TAKEN, amount * LEDGER_UNIT, amount * LEDGER_UNIT)]


async def test_less_that_is_there_is_taken_and_said(life: ChainLife) -> None:
    operator = await life.joined()
    _, amount = await missed(life)
    await life.chain.slasher.call(life.chain.avs, "propose", operator.address, 200 * TOKEN, bytes(31) + b"\x07")
    await life.chain.chain.mine(life.chain.terms.veto_blocks)
    await life.chain.owner.call(life.chain.avs, "execute", 0)
    await life.played_out()
    assert await states(life) == ["short"]
    assert (await life.slashes())[1][2] == 0
    assert amount > 0


async def test_an_executed_slash_whose_block_is_gone_is_executed_again(life: ChainLife) -> None:
    await life.joined()
    _, amount = await missed(life)
    await life.stepped()
    await life.stepped()
    await life.chain.chain.mine(life.chain.terms.veto_blocks)
    kept = await life.chain.chain.snapshot()
    while await states(life) != ["executed"]:
        await life.anchor.step()
    await life.chain.chain.go_back(kept)
    await life.played_out()
    assert await states(life) == ["final"]
    assert await life.slashes() == [(TAKEN, amount * LEDGER_UNIT, amount * LEDGER_UNIT)]


async def test_rounds_sell_what_stake_carries_and_no_more(life: ChainLife) -> None:
    life.lane.bonds = BondPolicy(stake_permille=1_000)
    session = await life.lane.add_prover(HOT.address)
    await life.lane.add_task()
    assert not await life.lane.sell(rounds=2), "without a bond nothing is sold"
    await life.joined()
    await life.lane.fetch("UPDATE gateways SET seen_ms = now_ms()")
    assert await life.lane.sell(), "stake is a bond"
    await life.lane.offer(session)
    await life.lane.fetch("UPDATE chain_view SET fresh_until_ms = 0")
    await life.lane.fetch("UPDATE gateways SET seen_ms = now_ms()")
    await life.lane.fetch("UPDATE sessions SET open = false")
    await life.lane.add_prover(HOT.address, "second")
    await life.lane.add_task()
    assert not await life.lane.sell(rounds=2), "no new slots on stake that nobody has seen for long"
    assert [lease["state"] for lease in await life.lane.leases()] == ["offered"], "what is held goes on"


async def test_leases_that_are_held_go_on_where_stake_falls_below_what_they_bind(life: ChainLife) -> None:
    life.lane.bonds = BondPolicy(stake_permille=1_000)
    operator = await life.joined()
    session = await life.lane.add_prover(HOT.address)
    await life.lane.add_task()
    await life.lane.fetch("UPDATE gateways SET seen_ms = now_ms()")
    assert await life.lane.sell()
    await life.lane.offer(session)
    await operator.queue_withdrawal(100 * TOKEN)
    await life.anchor.step()
    assert await life.usable(HOT.address) == 0
    await life.lane.fetch("UPDATE sessions SET open = false")
    await life.lane.fetch("UPDATE gateways SET seen_ms = now_ms()")
    await life.lane.add_prover(HOT.address, "second")
    await life.lane.add_task()
    assert not await life.lane.sell(rounds=2), "nothing new"
    assert [lease["state"] for lease in await life.lane.leases()] == ["offered"]
