"""The life of a stake on EigenLayer's own core: from the first deposit to a slash while leaving, and back again."""

from __future__ import annotations

import pytest

from proofgrid.chain.accounts import TransactionReverted
from proofgrid.chain.devnet.network import TOKEN, ChainNetwork
from proofgrid.chain.eigenlayer import WAD
from proofgrid.chain.stake import Staker
from tests.makers import a_key

pytestmark = pytest.mark.asyncio(loop_scope="session")
EVIDENCE = bytes(31) + b"\x01"


async def stake_of(network: ChainNetwork, operator: str) -> int:
    """Return what could be slashed now."""
    return int(await network.avs.functions.slashable(operator).call())


async def joined(network: ChainNetwork, number: int, tokens: int = 100) -> Staker:
    """Return an operator whose whole stake is allocated to the network."""
    operator = await network.funded(number, tokens)
    await registered(network, operator, tokens)
    await operator.join(a_key(number))
    return operator


async def registered(network: ChainNetwork, operator: Staker, tokens: int) -> None:
    """Make somebody an operator with so much stake for us, who has not joined."""
    await operator.register()
    await operator.deposit(tokens * TOKEN)
    await network.chain.mine(network.staked.delays.configuration + 1)
    await operator.allocate(WAD)


async def propose(network: ChainNetwork, operator: str, amount: int) -> int:
    """Return the number of a proposal."""
    await network.slasher.call(network.avs, "propose", operator, amount, EVIDENCE)
    return int(await network.avs.functions.slashes().call()) - 1


async def executed(network: ChainNetwork, number: int) -> int:
    """Let anybody execute a proposal when it is time; return what was taken."""
    await network.chain.mine(network.terms.veto_blocks)
    await network.chain.person(19).call(network.avs, "execute", number)
    return int((await network.avs.functions.slashOf(number).call())[4])


async def refused(network: ChainNetwork, by: int, name: str, *arguments: object) -> str:
    """Return why our contract refuses a call."""
    with pytest.raises(TransactionReverted) as caught:
        await network.chain.person(by).call(network.avs, name, *arguments)
    return caught.value.reason


async def test_the_life_of_a_stake(network: ChainNetwork) -> None:
    delays, avs = network.staked.delays, network.avs
    operator = await joined(network, 2)
    staker = await network.funded(3, 50)
    await staker.deposit(50 * TOKEN)
    await staker.delegate(operator.address)
    assert await stake_of(network, operator.address) == 150 * TOKEN
    assert await avs.functions.operatorOf(a_key(2).address).call() == operator.address

    vetoed = await propose(network, operator.address, 30 * TOKEN)
    await network.owner.call(avs, "veto", vetoed)
    assert await refused(network, 0, "veto", vetoed) == "NotProposed"
    await network.chain.mine(network.terms.veto_blocks)
    assert await refused(network, 4, "execute", vetoed) == "NotProposed"
    assert await stake_of(network, operator.address) == 150 * TOKEN

    slash = await propose(network, operator.address, 30 * TOKEN)
    assert await refused(network, 4, "execute", slash) == "TooEarly"
    assert await executed(network, slash) == pytest.approx(30 * TOKEN, rel=1e-15)
    assert await refused(network, 4, "execute", slash) == "NotProposed"
    assert await refused(network, 0, "veto", slash) == "NotProposed"
    left = await stake_of(network, operator.address)
    assert left == pytest.approx(120 * TOKEN, rel=1e-15)

    # What waits for its withdrawal no longer counts, and is slashed all the same.
    await staker.queue_withdrawal(50 * TOKEN)
    assert await stake_of(network, operator.address) == pytest.approx(80 * TOKEN, rel=1e-15)
    taken = await executed(network, await propose(network, operator.address, 8 * TOKEN))
    assert taken == pytest.approx(8 * TOKEN, rel=1e-15)
    await network.chain.mine(delays.withdrawal + 1)
    before = await network.staked.token.functions.balanceOf(staker.address).call()
    await staker.complete_withdrawals()
    back = await network.staked.token.functions.balanceOf(staker.address).call() - before
    assert back == pytest.approx(36 * TOKEN, rel=1e-12)  # 50, less a fifth, less a tenth

    await operator.allocate(int(WAD * 0.3))
    left = await stake_of(network, operator.address)
    await operator.leave()
    assert not await avs.functions.stakeAt(operator.address, 10**9).call()
    assert await stake_of(network, operator.address) == left
    taken = await executed(network, await propose(network, operator.address, 5 * TOKEN))
    assert taken == pytest.approx(5 * TOKEN, rel=1e-15)
    with pytest.raises(TransactionReverted):
        await operator.join(a_key(2))

    await network.chain.mine(delays.deallocation + 1)
    assert await stake_of(network, operator.address) == 0
    assert await refused(network, 1, "propose", operator.address, TOKEN, EVIDENCE) == "NotSlashable"
    await operator.join(a_key(2))
    assert await avs.functions.signerOf(operator.address).call() == a_key(2).address


async def test_only_who_may(network: ChainNetwork) -> None:
    operator = await joined(network, 2)
    assert await refused(network, 5, "propose", operator.address, TOKEN, EVIDENCE) == "NotTheSlasher"
    assert await refused(network, 1, "convict", operator.address, EVIDENCE) == "NotTheJudge"
    assert await refused(network, 1, "propose", operator.address, 0, EVIDENCE) == "NothingToSlash"
    assert await refused(network, 1, "propose", network.chain.person(6).address, 1, EVIDENCE) == "NotSlashable"
    number = await propose(network, operator.address, TOKEN)
    assert await refused(network, 1, "veto", number) == "OwnableUnauthorizedAccount"
    await network.chain.mine(network.terms.veto_blocks)
    assert await refused(network, 0, "veto", number) == "TooLate"
    assert await refused(network, 2, "registerOperator", operator.address, avs_of(network), [0], b"") == "NotTheCore"
    assert await refused(network, 0, "open", "", operator.address) == "AlreadyOpen"


async def test_proposals_of_a_period_have_a_cap(network: ChainNetwork) -> None:
    operator = await joined(network, 2)
    await propose(network, operator.address, network.terms.cap_per_period - TOKEN)
    assert await refused(network, 1, "propose", operator.address, 2 * TOKEN, EVIDENCE) == "AboveCap"
    await propose(network, operator.address, TOKEN)


async def test_two_waiting_slashes_take_their_amounts_and_no_more_than_is_there(network: ChainNetwork) -> None:
    operator = await joined(network, 2)
    first, second = [await propose(network, operator.address, 10 * TOKEN) for _ in range(2)]
    last = await propose(network, operator.address, 500 * TOKEN)
    assert await executed(network, first) == pytest.approx(10 * TOKEN, rel=1e-15)
    assert await executed(network, second) == pytest.approx(10 * TOKEN, rel=1e-15)
    assert await executed(network, last) == pytest.approx(80 * TOKEN, rel=1e-15)
    assert await stake_of(network, operator.address) == 0


async def test_a_hot_key_is_one_operators_and_can_be_changed(network: ChainNetwork) -> None:
    operator = await joined(network, 2)
    other = await network.funded(3)
    await registered(network, other, 1)
    with pytest.raises(TransactionReverted) as caught:
        await other.join(a_key(2))
    assert caught.value.reason == "SignerOfAnother"
    # Somebody who saw the signature of another's key cannot use it: it names its operator.
    stolen = await operator.signed_by(a_key(7))
    with pytest.raises(TransactionReverted) as caught:
        await other.sender.call(network.avs, "rotateSigner", stolen)
    assert caught.value.reason == "NotAMember"
    await other.join(a_key(3))
    with pytest.raises(TransactionReverted) as caught:
        await other.sender.call(network.avs, "rotateSigner", stolen)
    assert caught.value.reason == "SignerDidNotSign"
    await operator.rotate(a_key(7))
    assert await network.avs.functions.signerOf(operator.address).call() == a_key(7).address
    assert await network.avs.functions.operatorOf(a_key(2).address).call() == operator.address


def avs_of(network: ChainNetwork) -> str:
    """Return where our contract is."""
    return network.service.avs
