"""Over many rounds: an order that cannot trade changes nothing but itself, and nobody is sold more jobs than slots.

Rounds follow each other here, with references, waiting tasks and busy slots (benchmarks/attack_book/world.py), so an
order that moved a reference would show in a later round. test_stack_properties holds the same for a single stack.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from benchmarks.attack_book.attacks import JUNK_LANE, everybody, phantoms, rivals, with_junk
from benchmarks.attack_book.markets import CLIENT, NARROW, Shape, a_market
from benchmarks.attack_book.world import Machine, Market, constrained, play
from proofgrid.simulation.attackers.market import MEDIUM, SETTING

few = settings(deadline=None, derandomize=True, max_examples=8)

shapes = st.builds(
    Shape,
    tasks=st.integers(2, 8),
    provers=st.integers(2, 6),
    rounds=st.just(8),
    stay=st.integers(1, 3),
    sizes=st.sampled_from(["500 to 1000", "Pareto 1.1"]),
    narrow_share=st.sampled_from([0.0, 0.3]),
    slots_per_job=st.sampled_from([0.6, 1.2]),
    round_units=st.sampled_from([400, 1 << 40]),
)
markets = st.builds(a_market, shapes, st.integers(0, 1_000))


def a_dear_prover(market: Market) -> Market:
    accepts = {lane: accepted | {"dear"} for lane, accepted in market.accepts.items()}
    dear = Machine(prover_id="dear", owner="operator dear", cost=1_000 * SETTING, slots=50)
    return replace(market, machines=(*market.machines, dear), accepts=accepts)


def junk(**changes: object) -> Callable[[Market], Market]:
    def add(market: Market) -> Market:
        values = {name: value(market) if callable(value) else value for name, value in changes.items()}
        return with_junk(market, CLIENT, **values)  # type: ignore[arg-type]

    return add


CANNOT_TRADE: dict[str, Callable[[Market], Market]] = {
    "a huge job at limit 1": junk(limit=1),
    "a hundred jobs at limit 1 with exclusions": junk(units=(1,) * 100, limit=1, excludes=rivals),
    "limit 1 in the class above": junk(limit=1, lane=MEDIUM),
    "limit 1 in a lane of rivals": junk(limit=1, lane=JUNK_LANE, accepts=rivals),
    "limit 1 in a lane with honest bids": junk(limit=1, lane=NARROW),
    "a good bid that nobody may run": junk(limit=2 * SETTING, excludes=everybody),
    "a good bid with constraints that nobody meets": junk(
        limit=2 * SETTING, lane=constrained("0nobody"), accepts=frozenset()
    ),
    "provers that no job fits": phantoms,
    "a prover that asks too much": a_dear_prover,
}


#: Its narrow lane is empty for some rounds, in which bids that cannot trade would be the only ones.
QUIET = a_market(
    Shape(tasks=2, provers=2, rounds=8, stay=1, narrow_share=0.3, slots_per_job=0.6, round_units=400), seed=1
)


@pytest.mark.parametrize("name", CANNOT_TRADE)
@few
@given(markets)
@example(QUIET)
def test_an_order_that_cannot_trade_changes_no_sale_and_no_price_in_any_round(name: str, market: Market) -> None:
    alone, together = play(market), play(CANNOT_TRADE[name](market))
    assert together.sold == alone.sold
    assert together.prices == alone.prices
    assert together.gains == alone.gains


@few
@given(markets)
def test_nobody_is_sold_more_jobs_than_slots_or_a_job_that_does_not_fit(market: Market) -> None:
    small = [replace(one, units_max=700) if not place % 2 else one for place, one in enumerate(market.machines)]
    assert play(replace(market, machines=tuple(small))).broken == 0
