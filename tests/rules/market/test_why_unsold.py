"""Why nothing is sold to a prover: the first question that has an answer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofgrid.rules.market.why_unsold import LaneMet, ProverNow, Unsold, why_lane_unsold, why_prover_unsold


@pytest.mark.parametrize(
    ("prover", "reason"),
    [
        (ProverNow(is_connected=False, is_silent=True), Unsold.AWAY),
        (ProverNow(is_silent=True, is_draining=True), Unsold.SILENT),
        (ProverNow(is_draining=True, paused_ms=1), Unsold.DRAINING),
        (ProverNow(paused_ms=1, busy=1), Unsold.PAUSED),
        (ProverNow(slots=2, busy=2, lacks_bond=True), Unsold.FULL),
        (ProverNow(slots=2, busy=1, lacks_bond=True), Unsold.NO_BOND),
    ],
)
def test_what_holds_in_every_lane_comes_first(prover: ProverNow, reason: Unsold) -> None:
    why = why_prover_unsold(prover)

    assert why is not None
    assert why.reason is reason


def test_a_prover_that_could_work_has_reasons_in_its_lanes_only() -> None:
    assert why_prover_unsold(ProverNow(slots=2, busy=1)) is None


@pytest.mark.parametrize(
    ("met", "reason", "told"),
    [
        (LaneMet(ask=9), Unsold.NO_DEMAND, "nothing is for sale"),
        (LaneMet(ask=2_500, jobs=3, best_bid=1_400), Unsold.TOO_DEAR, "asks 2.5, and the best bid that waits is 1.4"),
        (
            LaneMet(ask=1_300, jobs=3, best_bid=1_400, sales=9, best_price=1_200),
            Unsold.ABOVE_PRICES,
            "no round of the last day came to more than 1.2",
        ),
        (LaneMet(ask=1_300, jobs=3, best_bid=1_400, sales=9, within=1, best_price=1_300), Unsold.IN_LINE, "3 jobs"),
        (LaneMet(ask=1_300, jobs=3, best_bid=1_300), Unsold.IN_LINE, "bucket"),
    ],
)
def test_each_reason_is_told_with_its_numbers(met: LaneMet, reason: Unsold, told: str) -> None:
    why = why_lane_unsold(met)

    assert why.reason is reason
    assert told in why.sentence


@given(st.integers(1, 10**9), st.integers(0, 9), st.integers(0, 10**9))
def test_who_asks_less_is_never_told_that_it_asks_too_much_where_it_was_not(ask: int, jobs: int, bid: int) -> None:
    def reason(price: int) -> Unsold:
        return why_lane_unsold(LaneMet(ask=price, jobs=jobs, best_bid=bid)).reason

    if reason(ask) is not Unsold.TOO_DEAR:
        assert reason(max(1, ask // 2)) is not Unsold.TOO_DEAR
