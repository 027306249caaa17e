"""How often a stack holds its rounds: at once while it is calm, for a share of the time while it is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofgrid.roles.market.pacing import RoundsBudget

INTERVAL = 0.1
ROUND = 0.01


def pauses_of(rounds: list[tuple[float, float]], *, orders: int | None = None) -> list[tuple[float, float, float]]:
    """Begin, end and pause of rounds, given as how long after the pause before each begins, and how long it takes."""
    budget, now, found = RoundsBudget(interval_seconds=INTERVAL), 0.0, []
    for wait, length in rounds:
        started, ended = now + wait, now + wait + length
        pause = budget.pause_seconds(started, ended, orders=orders)
        found.append((started, ended, pause))
        now = ended + pause
    return found


def test_a_lane_that_sells_now_and_then_never_pauses() -> None:
    assert all(pause == 0 for _, _, pause in pauses_of([(2 * ROUND, ROUND)] * 100))


def test_a_few_rounds_in_a_row_need_no_pause_and_many_pause_for_their_share() -> None:
    pauses = [pause for _, _, pause in pauses_of([(0.0, ROUND)] * 40)]
    assert pauses[:9] == [0] * 9
    assert pauses[-1] == pytest.approx(ROUND)


def test_rounds_that_find_one_order_gather_nothing_and_never_pause() -> None:
    assert all(pause == 0 for _, _, pause in pauses_of([(0.0, ROUND)] * 100, orders=1))


@pytest.mark.parametrize(("orders", "rounds"), [(2, 0.25), (5, 1), (13, 3), (1_000, 3)])
def test_the_more_orders_a_round_had_the_longer_it_pauses_up_to_three_times_itself(orders: int, rounds: float) -> None:
    pauses = [pause for _, _, pause in pauses_of([(0.0, ROUND)] * 100, orders=orders)]
    assert pauses[-1] == pytest.approx(rounds * ROUND)


def test_a_long_round_is_followed_by_the_interval_at_most() -> None:
    assert max(pause for _, _, pause in pauses_of([(0.0, 5.0)] * 3)) <= INTERVAL


@given(st.lists(st.tuples(st.floats(0, 0.3), st.floats(0.001, INTERVAL)), min_size=1, max_size=60))
def test_beyond_one_interval_rounds_take_no_more_than_their_share(rounds: list[tuple[float, float]]) -> None:
    found = pauses_of(rounds)
    taken = sum(ended - started for started, ended, _ in found)
    whole = found[-1][1] + found[-1][2]
    assert taken <= whole - taken + INTERVAL + 1e-6
    assert all(pause <= ended - started + 1e-9 for started, ended, pause in found)
