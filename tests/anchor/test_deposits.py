"""What is paid into the vault is on the account when it is final, once, whatever happens to blocks and anchors."""

from __future__ import annotations

import pytest

from proofgrid.primitives.errors import InvalidField
from tests.anchor.killing import dying
from tests.anchor.life import FINAL_AFTER, ChainLife
from tests.anchor.money import CLIENT, Money


@pytest.fixture
def money(life: ChainLife) -> Money:
    return Money(life)


async def test_a_deposit_is_credited_when_it_is_final_with_its_transaction(money: Money) -> None:
    await money.pay_in(CLIENT, 70)
    for _ in range(FINAL_AFTER - 1):
        await money.life.anchor.step()
        assert await money.balance("client", CLIENT) == 0
        await money.life.chain.chain.mine()
    await money.life.settle()
    assert await money.balance("client", CLIENT) == 70
    [row] = await money.life.lane.fetch("SELECT * FROM vault_deposits")
    [entry] = await money.life.lane.fetch(
        "SELECT transfer_id, reason FROM transfers WHERE credit = $1", f"client:{money.who(CLIENT)}"
    )
    assert (entry["transfer_id"], entry["reason"]) == (f"deposit:{row['transaction']}:0", "deposit")
    receipt = await money.life.chain.chain.web3.eth.get_transaction_receipt(row["transaction"])
    assert receipt["to"] == money.life.chain.vault.address
    await money.life.settle()
    assert await money.balance("client", CLIENT) == 70, "once"


async def test_a_deposit_whose_block_is_gone_was_never_there(money: Money) -> None:
    await money.life.settle()
    kept = await money.life.chain.chain.snapshot()
    await money.pay_in(CLIENT, 70)
    await money.life.anchor.step()
    await money.life.chain.chain.go_back(kept)
    await money.pay_in(CLIENT, 30)
    await money.life.settle()
    assert await money.balance("client", CLIENT) == 30


async def test_killed_anywhere_it_credits_each_deposit_once(money: Money) -> None:
    for place in range(4):
        await money.pay_in(CLIENT, 10)
        await money.life.chain.chain.mine(FINAL_AFTER + 1)
        with dying(money.life.database, place, "credit_deposit"):
            await money.life.anchor.step()
        await money.life.close()
        money.life.open()
        await money.life.settle()
        assert await money.balance("client", CLIENT) == 10 * (place + 1), place
    numbers = await money.life.lane.fetch("SELECT number FROM vault_deposits ORDER BY number")
    assert [row["number"] for row in numbers] == list(range(4))


async def test_another_vault_is_not_this_networks(money: Money) -> None:
    await money.life.settle()
    await money.life.lane.fetch("UPDATE vault_view SET vault = '0x0000000000000000000000000000000000000001'")
    await money.life.close()
    money.life.open()
    with pytest.raises(InvalidField, match="another vault"):
        await money.life.settle()
