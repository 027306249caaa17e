"""A wish for a second lease is an ordinary order: small lanes sell it, to another operator, and the round replays."""

import pytest

from proofgrid.rules.jobs.hedging import HedgePolicy, RunningLease, hedge_price
from proofgrid.rules.jobs.lifecycle import LeaseKind, LeaseState
from proofgrid.rules.market.rounds import (
    JobDemand,
    ProverSupply,
    RoundInputs,
    RoundOutcome,
    TaskDemand,
    replay,
    run_round,
)

ROUNDS_MAX = 20  #: two seconds of rounds; a wish lives for five
FIRST = RunningLease(
    kind=LeaseKind.FIRST,
    state=LeaseState.RUNNING,
    operator="slow",
    buy_price=800,
    sell_price=800,
    started_ms=0,
    permille=0,
)
MOST = hedge_price(1_500, FIRST, HedgePolicy())


def a_prover(operator: str, number: int, ask_price: int) -> ProverSupply:
    return ProverSupply(
        prover_id=f"{operator}/{number}", operator=operator, ask_price=ask_price, free_slots=1, reputation_bucket=0
    )


def sold_wish(supplies: list[ProverSupply]) -> RoundOutcome | None:
    """Hold rounds, as the market does, until the wish is sold."""
    excluded = frozenset(one.prover_id for one in supplies if one.operator == FIRST.operator)
    wish = TaskDemand(
        task_id="task",
        jobs=(JobDemand(job_id="job", units=10_000, excluded=excluded),),
        limit_price=MOST,
        program_digest="p",
    )
    reference: int | None = 800
    for number in range(1, ROUNDS_MAX + 1):
        outcome = run_round(
            RoundInputs(
                lane="main/toy/small",
                number=number,
                previous=None,
                beacon=number.to_bytes(32, "big"),
                reference=reference,
                demands=[wish],
                supplies=supplies,
            )
        )
        replay(outcome.transcript)
        if outcome.placements:
            return outcome
        reference = outcome.next_reference
    return None


@pytest.mark.parametrize(
    "others",
    [
        [a_prover("b", 1, 700)],
        [a_prover("b", 1, 700), a_prover("b", 2, 710)],
        [a_prover("b", 1, 700), a_prover("c", 1, 900)],
        [a_prover(name, 1, 700 + 20 * place) for place, name in enumerate("bcdefgh")],
    ],
    ids=["one other", "one other operator", "two others", "many"],
)
@pytest.mark.parametrize("own", [0, 1, 3])
def test_a_wish_is_sold_to_another_operator_within_its_price(others: list[ProverSupply], own: int) -> None:
    outcome = sold_wish([a_prover("slow", number, 600) for number in range(own)] + others)
    assert outcome is not None
    assert [one.prover_id.split("/")[0] for one in outcome.placements] != ["slow"]
    assert 700 <= outcome.sell_price <= outcome.buy_price <= MOST


def test_a_wish_is_not_sold_to_the_operator_it_is_about() -> None:
    assert sold_wish([a_prover("slow", number, 600) for number in range(3)]) is None


def test_a_wish_is_not_sold_above_its_price() -> None:
    assert sold_wish([a_prover("b", 1, MOST + 1), a_prover("c", 1, MOST + 50)]) is None
