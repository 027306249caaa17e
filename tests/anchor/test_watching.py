"""What stake on a chain adds to bonds: from the first final block to a node that lies."""

from __future__ import annotations

import pytest

from proofgrid.chain.devnet.network import LEDGER_UNIT, TOKEN
from proofgrid.chain.nodes import NoNode
from proofgrid.primitives.errors import InvalidField
from proofgrid.rules.chain.following import NodeNotBelieved
from tests.anchor.life import FINAL_AFTER, HOT, ChainLife

pytestmark = pytest.mark.thorough

STAKE = 100 * TOKEN // LEDGER_UNIT


async def test_stake_counts_when_it_is_final_and_less_of_it_at_once(life: ChainLife) -> None:
    operator = await life.joined()
    assert await life.usable(HOT.address) == STAKE

    shares = 40 * TOKEN
    await operator.queue_withdrawal(shares)
    await life.anchor.step()
    assert await life.usable(HOT.address) == 60 * TOKEN // LEDGER_UNIT

    await operator.leave()
    await life.anchor.step()
    assert await life.usable(HOT.address) == 0


async def test_new_stake_waits_for_its_final_block(life: ChainLife) -> None:
    await life.joined()
    more = await life.chain.funded(3, 50)
    await more.deposit(50 * TOKEN)
    await more.delegate(life.chain.chain.person(2).address)
    for _ in range(FINAL_AFTER):
        await life.anchor.step()
        assert await life.usable(HOT.address) == STAKE
        await life.chain.chain.mine()
    await life.settle()
    assert await life.usable(HOT.address) == STAKE + 50 * TOKEN // LEDGER_UNIT


async def test_a_block_that_is_gone_takes_what_stood_in_it_along(life: ChainLife) -> None:
    operator = await life.joined()
    kept = await life.chain.chain.snapshot()
    await operator.queue_withdrawal(40 * TOKEN)
    await life.anchor.step()
    assert await life.usable(HOT.address) < STAKE

    await life.chain.chain.go_back(kept)
    await life.chain.chain.mine(2)
    await life.anchor.step()
    assert await life.usable(HOT.address) == STAKE
    blocks = await life.lane.fetch("SELECT number FROM chain_blocks ORDER BY number")
    assert [row["number"] for row in blocks] == list(range(blocks[0]["number"], blocks[-1]["number"] + 1))


async def test_nothing_final_is_ever_undone(life: ChainLife) -> None:
    kept = await life.chain.chain.snapshot()
    await life.joined()
    seen = await life.view()

    await life.chain.chain.go_back(kept)
    with pytest.raises(NodeNotBelieved, match="behind"):
        await life.anchor.step()
    await life.chain.chain.mine(seen.newest)
    with pytest.raises(NodeNotBelieved, match="another"):
        await life.anchor.step()

    now = await life.view()
    assert (now.final, now.newest, now.fresh_until_ms) == (seen.final, seen.newest, seen.fresh_until_ms)
    assert "another" in now.trouble
    assert await life.usable(HOT.address) == STAKE, "until it runs out"
    await life.lane.fetch("UPDATE chain_view SET fresh_until_ms = now_ms()")
    assert await life.usable(HOT.address) == 0, "no new leases on what nobody has seen for long"


async def test_the_next_node_is_asked_when_one_is_silent(life: ChainLife) -> None:
    await life.close()
    life.urls = ["http://127.0.0.1:9", *life.urls]
    life.open()
    await life.joined()
    assert await life.usable(HOT.address) == STAKE

    await life.close()
    life.urls = life.urls[:1]
    life.open()
    with pytest.raises(NoNode, match="no node answers"):
        await life.anchor.step()


async def test_stake_on_another_contract_is_not_this_networks(life: ChainLife) -> None:
    await life.anchor.step()
    await life.lane.fetch("UPDATE chain_view SET avs = '0x0000000000000000000000000000000000000001'")
    await life.close()
    life.open()
    with pytest.raises(InvalidField, match="another chain, or another contract"):
        await life.anchor.step()


async def test_one_anchor_acts_at_a_time(life: ChainLife) -> None:
    await life.joined()
    first = life.anchor
    life.open()
    await life.settle()
    assert (await life.view()).newest < await life.chain.chain.web3.eth.block_number, "the second one waits"
    await first.close()
    await life.settle()
    assert (await life.view()).newest == await life.chain.chain.web3.eth.block_number
