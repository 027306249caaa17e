"""Transactions that are stuck, dropped, replaced or too dear, on a chain that lets us make them so."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from proofgrid.chain.devnet.anvil import Anvil, running
from proofgrid.chain.nodes import Nodes, NoNode
from proofgrid.chain.signing import ChainSigner
from proofgrid.rules.chain.outbox import PATIENCE_BLOCKS
from tests.anchor.life import PROPOSED, ChainLife
from tests.anchor.test_slashing import missed, states

pytestmark = pytest.mark.thorough

GWEI = 10**9
DAY_SECONDS = 86_400


@asynccontextmanager
async def mined_by_hand(chain: Anvil) -> AsyncIterator[None]:
    await chain._ask("evm_setAutomine", False)
    try:
        yield
    finally:
        await chain._ask("evm_setAutomine", True)


async def outbox(life: ChainLife) -> tuple[str, str, int, int]:
    """Return (stage, trouble, nonce, versions) of the one transaction."""
    [row] = await life.lane.fetch("SELECT intent, stage, trouble, coalesce(nonce, -1) AS nonce FROM chain_outbox")
    raws = await life.lane.fetch("SELECT FROM chain_raws")
    return row["stage"], row["trouble"], row["nonce"], len(raws)


async def proposals(life: ChainLife) -> list[int]:
    return [state for state, _, _ in await life.slashes()]


async def signed(life: ChainLife) -> None:
    """Let the anchor sign and send one proposal that nobody mines."""
    await life.joined()
    await missed(life)
    await life.anchor.step()
    assert (await outbox(life))[0] == "signed"


async def drop_all(chain: Anvil) -> None:
    """Let the node forget what waits."""
    pool = await chain._ask("txpool_content")
    assert isinstance(pool, dict)
    for of_one in pool["pending"].values():
        for one in of_one.values():
            await chain._ask("anvil_dropTransaction", one["hash"])


async def empty_block(life: ChainLife) -> None:
    """Make a block that leaves out whatever waits, as when it pays too little."""
    await drop_all(life.chain.chain)
    await life.chain.chain.mine()


async def test_one_that_was_dropped_is_sent_again_as_it_is(life: ChainLife) -> None:
    async with mined_by_hand(life.chain.chain):
        await signed(life)
        await empty_block(life)
        assert await proposals(life) == []
        await life.anchor.step()
        await life.chain.chain.mine()
    assert await proposals(life) == [PROPOSED]
    assert (await outbox(life))[3] == 1, "the same bytes"


async def test_one_that_is_stuck_pays_more_with_the_same_nonce(life: ChainLife) -> None:
    async with mined_by_hand(life.chain.chain):
        await signed(life)
        nonce = (await outbox(life))[2]
        for _ in range(PATIENCE_BLOCKS + 1):
            await empty_block(life)
            await life.anchor.step()
        assert (await outbox(life))[2:] == (nonce, 2)
        await life.chain.chain.mine()
    assert await proposals(life) == [PROPOSED]
    await life.played_out()
    assert await states(life) == ["final"]


async def test_one_whose_nonce_another_took_is_signed_anew(life: ChainLife) -> None:
    slasher = life.chain.slasher
    async with mined_by_hand(life.chain.chain):
        await signed(life)
        nonce = (await outbox(life))[2]
        await drop_all(life.chain.chain)
        wanted: dict[str, Any] = {"to": slasher.address, "value": 1, "nonce": nonce, "gas": 21_000, "chainId": 31_337}
        wanted |= {"maxFeePerGas": 100 * GWEI, "maxPriorityFeePerGas": 10 * GWEI}
        raw = slasher.account.sign_transaction(wanted).raw_transaction
        await slasher.web3.eth.send_raw_transaction(raw)
        await life.chain.chain.mine()
    await life.played_out()
    assert await states(life) == ["final"]
    assert len(await life.slashes()) == 1


async def test_what_is_too_dear_waits_and_says_so(life: ChainLife) -> None:
    await life.joined()
    await missed(life)
    await life.chain.chain._ask("anvil_setNextBlockBaseFeePerGas", hex(10**12 + 1))
    await life.chain.chain.mine()
    await life.anchor.step()
    stage, trouble, nonce, versions = await outbox(life)
    assert (stage, nonce, versions) == ("wanted", -1, 0)
    assert "the cap is" in trouble
    for _ in range(3):
        await life.chain.chain.mine()  # empty blocks, and gas gets cheaper
    await life.played_out()
    assert await states(life) == ["final"]


async def a_new_key(life: ChainLife) -> None:
    """Let another key be the slasher's, and an anchor begin that has it."""
    person = life.chain.chain.person(7)
    await life.chain.owner.call(life.chain.avs, "setSlasher", person.address)
    life.signer = ChainSigner(person.account)
    await life.close()
    life.open()


async def test_what_was_wished_with_an_old_key_is_sent_with_the_new_one(life: ChainLife) -> None:
    await life.joined()
    await missed(life)
    await life.chain.chain._ask("anvil_setNextBlockBaseFeePerGas", hex(10**12 + 1))
    await life.chain.chain.mine()
    await life.anchor.step()
    assert (await outbox(life))[0] == "wanted"
    await a_new_key(life)
    await life.chain.chain.mine(3)
    await life.played_out()
    assert await states(life) == ["final"]
    assert len(await life.slashes()) == 1


async def test_what_an_old_key_signed_is_still_sent_and_followed(life: ChainLife) -> None:
    """A key that is gone signs nothing more; its bytes are there, and whether they did anything is written down."""
    async with mined_by_hand(life.chain.chain):
        await signed(life)
        await drop_all(life.chain.chain)
        old = life.signer.address
        life.signer = ChainSigner(life.chain.chain.person(7).account)
        await life.close()
        life.open()
        for _ in range(PATIENCE_BLOCKS + 1):
            await empty_block(life)
            await life.anchor.step()
        assert (await outbox(life))[3] == 1, "the same bytes"
        await life.chain.chain.mine()
    assert await proposals(life) == [PROPOSED]
    await a_new_key(life)
    await life.played_out()
    assert await states(life) == ["final"]
    rows = await life.lane.fetch("SELECT sender, stage FROM chain_outbox ORDER BY at_ms")
    assert [(row["sender"], row["stage"]) for row in rows] == [(old, "final"), (life.signer.address, "final")]


async def test_clocks_that_run_away_change_nothing(life: ChainLife) -> None:
    await life.joined()
    await missed(life)
    await life.stepped()
    await life.stepped()
    await life.chain.chain._ask("evm_increaseTime", hex(30 * DAY_SECONDS))
    await life.anchor.step()
    assert await proposals(life) == [PROPOSED], "blocks decide"


async def test_a_node_of_another_chain_is_not_asked(life: ChainLife) -> None:
    nodes = Nodes.named([life.chain.chain.url], chain_id=1)
    try:
        with pytest.raises(NoNode, match="of chain 31337, not 1"):
            await nodes.choose()
    finally:
        await nodes.close()


async def test_nodes_that_disagree_on_the_final_block_are_not_believed(life: ChainLife, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    async with running(tmp_path / "other" / "anvil.log") as other:
        await other.mine(100)
        nodes = Nodes.named([life.chain.chain.url, other.url])
        try:
            with pytest.raises(NoNode) as caught:
                await nodes.choose()
            assert "one of them lies" in str(caught.value.hint)
        finally:
            await nodes.close()
