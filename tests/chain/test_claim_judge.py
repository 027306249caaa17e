"""Two results that contradict each other slash their operator on the chain, and nobody's word is asked."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofgrid.chain.accounts import TransactionReverted
from proofgrid.chain.devnet.network import TOKEN, ChainNetwork
from proofgrid.primitives.signatures import SigningKey
from proofgrid.rules.staking.results import ResultClaim, sign_result
from tests.chain.conftest import NETWORK_KEY
from tests.chain.test_life_of_a_stake import joined, stake_of
from tests.makers import a_key

pytestmark = pytest.mark.asyncio(loop_scope="session")

CLAIM = ResultClaim(
    network=str(NETWORK_KEY.address),
    lease_id="5f0c8a5e-9f0e-4f27-8f5f-2d6b7f9c0e11",
    fence=3,
    job_id="0d1d2a2e-3c7f-4a7b-9a53-1c6b8e2f4a10",
    program="sha256:" + "ab" * 32,
    slice=2,
    proof="sha256:" + "01" * 32,
    public="sha256:" + "02" * 32,
)
LIE = replace(CLAIM, public="sha256:" + "03" * 32, proof="sha256:" + "04" * 32)


def shown(claim: ResultClaim, key: SigningKey) -> tuple[object, ...]:
    """Return a signed result as the judge takes it."""
    signature = bytes.fromhex(sign_result(claim, key)[2:])
    ids = (claim.job_id, claim.lease_id, claim.program, claim.proof, claim.public)
    return (claim.fence, *ids, claim.slice, signature)


async def judged(network: ChainNetwork, first: tuple[object, ...], second: tuple[object, ...]) -> None:
    """Let somebody who has nothing to do with the network show both."""
    await network.chain.person(15).call(network.judge, "judge", first, second)


async def refused(network: ChainNetwork, first: tuple[object, ...], second: tuple[object, ...]) -> str:
    with pytest.raises(TransactionReverted) as caught:
        await judged(network, first, second)
    return caught.value.reason


async def test_a_contradiction_slashes_once_and_cannot_be_vetoed(network: ChainNetwork) -> None:
    operator, key = await joined(network, 2), a_key(2)
    await judged(network, shown(CLAIM, key), shown(LIE, key))
    left = await stake_of(network, operator.address)
    assert left == pytest.approx(100 * TOKEN - network.terms.conviction, rel=1e-15)
    assert await refused(network, shown(LIE, key), shown(CLAIM, key)) == "AlreadyConvicted"
    with pytest.raises(TransactionReverted, match="NotProposed"):
        await network.owner.call(network.avs, "veto", 0)
    other_lease = [replace(claim, fence=4) for claim in (CLAIM, LIE)]
    await judged(network, *(shown(claim, key) for claim in other_lease))


async def test_what_an_old_hot_key_signed_is_still_its_operators_word(network: ChainNetwork) -> None:
    operator = await joined(network, 2)
    await operator.rotate(a_key(7))
    await judged(network, shown(CLAIM, a_key(2)), shown(LIE, a_key(7)))
    assert await stake_of(network, operator.address) < 100 * TOKEN


async def test_what_is_no_contradiction_slashes_nobody(network: ChainNetwork) -> None:
    await joined(network, 2)
    await joined(network, 3)
    key = a_key(2)
    same, random = shown(CLAIM, key), shown(replace(CLAIM, proof=LIE.proof), key)
    assert await refused(network, same, same) == "NoContradiction"
    assert await refused(network, same, random) == "NoContradiction"
    assert await refused(network, same, shown(replace(LIE, fence=9), key)) == "OtherLeases"
    assert await refused(network, same, shown(replace(LIE, lease_id="another"), key)) == "OtherLeases"
    assert await refused(network, same, shown(LIE, a_key(3))) == "SignedByTwo"
    assert await refused(network, shown(CLAIM, a_key(8)), shown(LIE, a_key(8))) == "SignedByNoOperator"
    elsewhere = [shown(replace(claim, network=str(a_key(4).address)), key) for claim in (CLAIM, LIE)]
    assert await refused(network, *elsewhere) == "SignedByNoOperator"  # another text was signed
    quoted = replace(LIE, job_id='x","lease_id":"y')
    assert await refused(network, same, shown(quoted, key)) == "NotPlain"


NUMBERS = st.integers(0, 2**63 - 1)
IDS = st.text("abcdefABCDEF0123456789:-_", min_size=1, max_size=80)


@settings(max_examples=20, deadline=None)
@given(NUMBERS, NUMBERS, st.lists(IDS, min_size=5, max_size=5))
async def test_the_contract_spells_results_as_the_network_does(
    deployed: ChainNetwork, fence: int, number: int, ids: list[str]
) -> None:
    job, lease, program, proof, public = ids
    claim = replace(
        CLAIM, fence=fence, slice=number, job_id=job, lease_id=lease, program=program, proof=proof, public=public
    )
    said = await deployed.judge.functions.textOf((*shown(claim, a_key(2))[:-1], b"")).call()
    assert bytes(said) == claim.message
