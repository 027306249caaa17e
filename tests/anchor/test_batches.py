"""Batches of the vault: what is payable is claimed once, what is owed is covered, whatever dies in between."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from proofgrid.chain.devnet.network import LEDGER_UNIT
from proofgrid.rules.ledger.payout_tree import is_in
from proofgrid.rules.ledger.vault_batches import parse_batch
from tests.anchor.killing import dying, places
from tests.anchor.life import FINAL_AFTER, ChainLife
from tests.anchor.money import CLIENT, OPERATOR, Money

pytestmark = pytest.mark.thorough

ACTS = ("note_claims", "make_batch", "note_batch", "send_chain")
STEPS = 12  #: boundaries of the transactions above
FILES_THAT_STAND = "SELECT file FROM vault_batches WHERE state <> 'refused' ORDER BY sequence"


@pytest.fixture
async def money(life: ChainLife) -> Money:
    money = Money(life)
    await money.backed()
    return money


async def incidents(money: Money) -> list[Any]:
    return list(await money.life.lane.fetch("SELECT kind, detail FROM incidents WHERE closed_ms IS NULL"))


async def test_what_is_earned_is_asked_for_posted_and_claimed_once(money: Money) -> None:
    await money.paid_in(CLIENT, 100)
    await money.earn(CLIENT, OPERATOR, 40)
    await money.ask_out(OPERATOR, 30, kind="operator")
    await money.in_force()
    batch = await money.batch()
    operator, client = money.who(OPERATOR), money.who(CLIENT)
    assert batch.payouts == {operator: 30 * LEDGER_UNIT}
    assert (batch.balances[client], batch.balances[operator]) == (60 * LEDGER_UNIT, 10 * LEDGER_UNIT)
    assert is_in(batch.owed.root, client, batch.balances[client], batch.owed.proof(client))

    await money.claim(OPERATOR, batch)
    assert (await money.held(OPERATOR), await money.balance("payable", OPERATOR)) == (30, 30)
    await money.life.settle()
    assert await money.balance("payable", OPERATOR) == 0, "it left the ledger when the claim was final"

    await money.ask_out(OPERATOR, 5, kind="operator")
    await money.in_force()
    batch = await money.batch()
    assert batch.payouts == {operator: 35 * LEDGER_UNIT}
    await money.claim(OPERATOR, batch)
    assert await money.held(OPERATOR) == 35
    assert not await incidents(money)


async def test_what_the_vault_lacks_is_an_incident_and_no_batch(money: Money) -> None:
    await money.life.lane.fetch("SELECT post_transfers($1)", [_by_hand(money, 7)])
    await money.paid_in(CLIENT, 100)
    await money.ask_out(CLIENT, 50)
    await money.life.settle()
    [incident] = await incidents(money)
    assert incident["kind"] == "vault"
    assert f"lacks {7 * LEDGER_UNIT} base units" in incident["detail"]
    assert not await money.states()

    chain = money.life.chain
    await chain.owner.call(chain.staked.token, "mint", chain.vault.address, 7 * LEDGER_UNIT)
    await money.life.lane.fetch("UPDATE incidents SET closed_ms = now_ms()")
    await money.life.settle()
    await money.in_force()
    assert (await money.batch()).payouts == {money.who(CLIENT): 50 * LEDGER_UNIT}


def _by_hand(money: Money, amount: int) -> dict[str, object]:
    return {
        "transfer_id": "by hand",
        "debit": "mint",
        "credit": f"client:{money.who(CLIENT)}",
        "amount": amount,
        "reason": "deposit",
    }


async def test_a_struck_batch_stops_the_next_ones_and_takes_nobodys_payout(money: Money) -> None:
    await money.paid_in(CLIENT, 100)
    await money.in_force()
    await money.ask_out(CLIENT, 50)
    await money.life.stepped()
    await money.life.anchor.step()
    number = await money.life.chain.vault.functions.batches().call() - 1
    await money.life.chain.owner.call(money.life.chain.vault, "strike", number)
    await money.life.settle()
    await money.life.settle()
    assert "struck" in await money.states()
    assert "struck" in (await incidents(money))[0]["detail"]
    await money.life.lane.fetch("UPDATE incidents SET closed_ms = now_ms()")
    await money.ask_out(CLIENT, 1)
    await money.in_force()
    await money.claim(CLIENT, await money.batch())
    assert await money.held(CLIENT) == 51


async def test_a_batch_whose_block_is_gone_is_posted_again(money: Money) -> None:
    await money.paid_in(CLIENT, 100)
    await money.in_force()
    await money.ask_out(CLIENT, 50)
    kept = await money.life.chain.chain.snapshot()
    await money.life.stepped()
    await money.life.anchor.step()
    assert (await money.states())[-1] == "posted"
    await money.life.chain.chain.go_back(kept)
    await money.in_force()
    await money.claim(CLIENT, await money.batch())
    assert await money.held(CLIENT) == 50


async def test_killed_between_any_two_steps_nothing_is_paid_twice(money: Money) -> None:
    await money.paid_in(CLIENT, 10_000)
    for count, place in enumerate(places(STEPS, few=3), 1):
        await money.ask_out(CLIENT, 10, name=str(count))
        with dying(money.life.database, place, *ACTS):
            await money.in_force()
        await money.life.close()
        money.life.open()
        await money.in_force()
        await money.in_force()
        await money.claim(CLIENT, await money.batch())
        await money.life.settle()
        paid = 10 * count
        assert (await money.held(CLIENT), await money.balance("payable", CLIENT)) == (paid, 0), place
        assert await money.balance("client", CLIENT) == 10_000 - paid
    assert not await incidents(money)


async def test_two_anchors_at_once_credit_and_pay_once(money: Money, monkeypatch: pytest.MonkeyPatch) -> None:
    await money.pay_in(CLIENT, 100)
    await money.life.chain.chain.mine(FINAL_AFTER + 1)
    two = money.life.two_at_once(monkeypatch)
    await money.life.at_once(*two)
    await money.life.at_once(*two)
    assert await money.balance("client", CLIENT) == 100
    await money.ask_out(CLIENT, 40)
    await money.life.played_out_by(*two)
    await money.claim(CLIENT, await money.batch())
    await money.life.chain.chain.mine(FINAL_AFTER + 1)
    await money.life.at_once(*two)
    assert (await money.held(CLIENT), await money.balance("payable", CLIENT)) == (40, 0)
    assert await money.balance("client", CLIENT) == 60
    assert len(await money.states()) == await money.life.chain.vault.functions.batches().call()
    assert not await incidents(money)


async def test_a_batch_that_is_refused_is_told_and_makes_room_for_the_next(money: Money) -> None:
    await money.paid_in(CLIENT, 100)
    await money.in_force()
    life = money.life
    guardian, other = life.chain.owner.address, life.chain.chain.person(7).address
    await life.chain.owner.call(life.chain.vault, "setRoles", other, guardian)
    await money.ask_out(CLIENT, 50)
    for _ in range(3):
        await life.settle()
    assert (await money.states())[-1] == "refused"
    [incident] = await incidents(money)
    assert incident["detail"] == (
        f"the vault takes no batch of {life.signer.address}: the contract refuses it: NotThePoster"
    )

    await life.chain.owner.call(life.chain.vault, "setRoles", life.signer.address, guardian)
    count = len(await money.states())
    await life.settle()
    assert len(await money.states()) == count, "somebody has to look first"
    await life.lane.fetch("UPDATE incidents SET closed_ms = now_ms()")
    await money.in_force()
    await money.claim(CLIENT, await money.batch())
    assert await money.held(CLIENT) == 50
    said = [parse_batch(row["file"]) for row in await life.lane.fetch(FILES_THAT_STAND)]
    assert all(later.from_ms == earlier.to_ms for earlier, later in pairwise(said))
