"""Every reason for which a job waits is told in a sentence, in few words, and with what to do."""

from __future__ import annotations

import pytest

from proofgrid.rules.jobs.constraints import Constraints
from proofgrid.rules.jobs.events import NoSale, sentence
from proofgrid.rules.jobs.waiting import (
    REASONS,
    Demand,
    WaitReason,
    Waits,
    briefly,
    nearest,
    unmet_by,
    what_to_do,
)
from proofgrid.rules.jobs.waiting import sentence as why
from proofgrid.sdk.answers.work import Waiting
from tests.makers import a_key

ALICE, BOB = a_key(1).address, a_key(2).address


@pytest.mark.parametrize(
    ("waits", "said"),
    [
        (Waits(reason=WaitReason.BLOCKED), "the jobs before it are not proven yet"),
        (Waits(reason=WaitReason.PUT_OFF, after_ms=12_001), "another try in 13 s"),
        (
            Waits(reason=WaitReason.UNSERVED, unmet=(Demand.STAKE, Demand.REGION)),
            "no connected prover has the stake that you demand and a region that you name",
        ),
        (
            Waits(reason=WaitReason.TOO_CHEAP, price=1_500),
            "no admitted ask below your limit: 1.5 per million PU is the least that could buy it",
        ),
        (
            Waits(reason=WaitReason.TOO_CHEAP, price=9_000, price_max=4_000),
            "no admitted ask: the cheapest is 9 per million PU, the lane admits 4 at present",
        ),
        (Waits(reason=WaitReason.BUSY), "every prover that may have it at your limit is busy"),
        (
            Waits(reason=WaitReason.BUSY, after_ms=180_000),
            "every prover that may have it at your limit is busy; the next is free in about 3 min",
        ),
        (
            Waits(reason=WaitReason.OUTBID, price=700),
            "the latest round came to 0.7 per million PU, and your limit is not above it",
        ),
        (
            Waits(reason=WaitReason.SHARE, jobs=3),
            "your share is full: 3 of your jobs are being proven there, and one bid takes at most half of what is free",
        ),
        (Waits(reason=WaitReason.DUE), "not looked at yet: a round is due"),
    ],
)
def test_a_reason_is_told_with_its_numbers(waits: Waits, said: str) -> None:
    assert why(waits) == said
    assert briefly(waits)


def test_every_reason_has_its_row_and_those_that_a_client_can_change_say_how() -> None:
    assert set(REASONS) == set(WaitReason)
    for reason in (WaitReason.UNSERVED, WaitReason.TOO_CHEAP, WaitReason.OUTBID, WaitReason.BUSY):
        assert what_to_do(reason)


@pytest.mark.parametrize("reason", list(WaitReason))
def test_a_reason_without_its_numbers_is_told_as_well(reason: WaitReason) -> None:
    assert why(Waits(reason=reason)) and briefly(Waits(reason=reason))


def test_what_a_newer_gateway_says_is_named() -> None:
    newer = Waiting(reason="full_moon", unmet=("patience",))
    assert (newer.sentence(), newer.what_to_do(), briefly(newer)) == ("full_moon", "", "full_moon")
    assert why(Waiting(reason="unserved", unmet=("patience",))) == "no connected prover has patience"


def test_what_a_client_demands_and_a_prover_lacks() -> None:
    wanted = Constraints(allowed_operators=frozenset({ALICE}), min_stake=5, regions=frozenset({"eu"}))
    assert unmet_by(wanted, operator=ALICE, region="eu", stake=5) == ()
    assert unmet_by(wanted, operator=BOB, region="us", stake=4) == (Demand.OPERATOR, Demand.STAKE, Demand.REGION)
    assert unmet_by(Constraints(denied_operators=frozenset({BOB})), operator=BOB, region="", stake=0) == (
        Demand.OPERATOR,
    )


def test_the_nearest_prover_is_the_one_that_lacks_least() -> None:
    assert nearest([(Demand.CLASS, Demand.STAKE), (Demand.REGION,), (Demand.STAKE,)]) == (Demand.REGION,)
    assert nearest([]) == (Demand.PROOF_SYSTEM,)


def test_the_timeline_tells_which_demand_nobody_meets() -> None:
    said = NoSale(lane="default/toy/small/ab", nobody=True, unmet=[Demand.REGION], limit_price=9)
    told = sentence("no_sale", said.data(), people={})
    assert told == "no sale in default/toy/small/ab: no connected prover has a region that you name"
