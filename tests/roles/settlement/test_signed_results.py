"""Results that nobody signed, where bonds are asked for; and results that are signed twice, with different proofs."""

from __future__ import annotations

from typing import Any

import pytest

from proofgrid.primitives.errors import UnsignedResult
from tests.makers import a_key
from tests.roles.judging import NETWORK, RIGHT, Judge, a_result, judging
from tests.roles.lanes import UNITS, LaneUnderTest
from tests.roles.settlement.test_late import BOND, KEY, OPERATOR, a_lease, balance, check, sold_again, the_job


def signed_by_others(lease: Any) -> dict[str, Any]:
    """Results of a lease that its operator did not sign, by what is wrong with them."""
    right = a_result(lease, b"wrong", key=KEY)
    fields = {name: getattr(right, name) for name in right.__slots__}
    return {
        "no signature": a_result(lease, b"wrong"),
        "not hex": type(right)(**fields | {"signature": "garbage"}),
        "of somebody else": a_result(lease, b"wrong", key=a_key(9)),
        "of another proof": type(right)(**fields | {"proof": b"something else"}),
        "of other public values": type(right)(**fields | {"public": {"outputs": [2]}}),
        "of another fence": type(right)(**fields | {"signature": a_result(_next(lease), b"wrong", key=KEY).signature}),
        "right, and no signature": a_result(lease, RIGHT),
    }


def _next(lease: Any) -> dict[str, Any]:
    return {**lease, "fence": lease["fence"] + 1}


async def has_answer(judge: Judge, report: Any, lease: Any) -> str:
    (verdict,) = await judge.hear(report, of=lease)
    return verdict.code


@pytest.mark.parametrize("what", sorted(signed_by_others({"lease_id": "l", "fence": 1, "job_id": "j"})))
async def test_a_result_without_its_operators_signature_is_refused_unseen_and_counts_as_a_bad_one(
    lane: LaneUnderTest, what: str
) -> None:
    lease = await a_lease(lane, bond=BOND)
    async with judging(lane, signed_for=NETWORK) as judge:
        assert await has_answer(judge, signed_by_others(lease)[what], lease) == UnsignedResult.code
        assert judge.workers.verified == []
        assert await has_answer(judge, a_result(lease, key=KEY), lease) == "PG-330"  # that was its chance

    (returned,) = [data for kind, data in await lane.events() if kind == "returned"]
    assert returned["reason"] == "bad_proof"
    (prover,) = await lane.fetch("SELECT * FROM provers")
    assert prover["invalid_micro"] > 900_000
    # Nobody could show it to others, so it costs what silence costs.
    assert await balance(lane, f"stake:{OPERATOR}") == BOND - lease["sell_price"] * UNITS // 10
    assert not [who for reason, who, _ in await lane.payments() if reason == "proof"]
    await check(lane)


async def test_a_signed_result_is_verified_and_paid(lane: LaneUnderTest) -> None:
    lease = await a_lease(lane)
    async with judging(lane, signed_for=NETWORK) as judge:
        (verdict,) = await judge.hear(a_result(lease, key=KEY), of=lease)
    assert (verdict.accepted, verdict.price) == (True, lease["sell_price"])


async def test_where_no_bonds_are_asked_for_nobody_has_to_sign(lane: LaneUnderTest) -> None:
    lease = await a_lease(lane)
    async with judging(lane) as judge:
        (verdict,) = await judge.hear(a_result(lease), of=lease)
    assert verdict.accepted


async def test_one_unsigned_result_among_others_is_refused_alone(lane: LaneUnderTest) -> None:
    await a_lease(lane)
    await lane.fetch("UPDATE sessions SET slots = 3")
    await lane.add_task(jobs=2)
    while len(await lane.leases()) < 3:
        assert await lane.sell()
    leases = await lane.leases()
    await lane.offer(leases[0]["session_id"])
    async with judging(lane, signed_for=NETWORK) as judge:
        reports = [a_result(leases[0], key=KEY), a_result(leases[1]), a_result(leases[2], key=KEY)]
        verdicts = await judge.hear(*reports, of=leases[0])
    assert [(verdict.accepted, verdict.code) for verdict in verdicts] == [(True, ""), (False, "PG-402"), (True, "")]


async def test_a_second_different_valid_signed_proof_is_no_lie(lane: LaneUnderTest) -> None:
    """The system is malleable. Its operator's first proof is paid; it proves again, and hands in that one as well."""
    lease = await a_lease(lane, bond=BOND)
    async with judging(lane, signed_for=NETWORK) as judge:
        for proof in (b"right, by one chance", b"right, by another chance"):
            (verdict,) = await judge.hear(a_result(lease, proof, key=KEY), of=lease)
            assert verdict.accepted
    assert await balance(lane, f"stake:{OPERATOR}") == BOND
    assert [reason for reason, _, _ in await lane.payments()].count("proof") == 1
    await check(lane)


async def test_after_a_broken_proof_the_right_one_of_the_same_values_is_no_second_lie_and_another_value_is(
    lane: LaneUnderTest,
) -> None:
    lease = await a_lease(lane, bond=BOND)
    value = lease["sell_price"] * UNITS
    async with judging(lane, signed_for=NETWORK) as judge:
        assert await has_answer(judge, a_result(lease, b"a flipped bit", key=KEY), lease) == "PG-400"
        assert await balance(lane, f"stake:{OPERATOR}") == BOND - value // 2
        for proof in (b"right, by one chance", b"right, by another chance"):
            assert await has_answer(judge, a_result(lease, proof, key=KEY), lease) == "PG-330"
        assert await balance(lane, f"stake:{OPERATOR}") == BOND - value // 2
        assert await has_answer(judge, a_result(lease, public={"outputs": [2]}, key=KEY), lease) == "PG-330"
        assert await balance(lane, f"stake:{OPERATOR}") == BOND - value
    assert (await the_job(lane))["state"] == "ready"
    await sold_again(lane)
    await check(lane)
