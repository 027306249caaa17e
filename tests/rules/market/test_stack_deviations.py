"""A slice of `python -m benchmarks deviations`: no lie pays in live stacks, and the search finds what is broken."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest

from benchmarks import deviations, small_markets
from benchmarks.deviations import PayingLie, Tried, pays, search, search_until, smallest
from benchmarks.small_markets import BROKEN, SMALLEST_SIZES, Rule, live

MARKETS = 12  #: searched in a test; the benchmark searches until 10^8 deviations were tried
RARELY_FOUND = {"going_where_it_pays", "filling_the_cheapest_first"}  #: it takes several seconds


def first_lie(rule: Rule, *, markets: int) -> PayingLie | None:
    found = search(rule, Tried(seed=deviations.SEED), sizes=SMALLEST_SIZES)
    return next((lie for lie in islice(found, markets) if lie is not None), None)


def test_no_lie_pays_in_small_live_stacks_alone_or_together() -> None:
    tried = Tried(seed=1)
    for lie in islice(search(live, tried, sizes=SMALLEST_SIZES), MARKETS):
        assert lie is None, smallest(lie, live).as_test()
    assert tried.trading > 200
    assert tried.deviations > 100_000


@pytest.mark.parametrize("name", sorted(BROKEN.keys() - RARELY_FOUND))
def test_the_search_finds_the_fault_of_a_broken_rule_and_no_smaller_market_than_it_needs(name: str) -> None:
    lie = first_lie(BROKEN[name], markets=60)
    assert lie is not None
    least = smallest(lie, BROKEN[name])
    assert pays(least, BROKEN[name])
    assert not pays(least, live)
    assert least.size <= lie.size


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", sorted(RARELY_FOUND))
def test_the_search_finds_a_fault_that_few_markets_show(name: str) -> None:
    assert first_lie(BROKEN[name], markets=deviations.BROKEN_MARKETS_MAX) is not None


def test_what_is_printed_of_a_paying_lie_is_that_lie() -> None:
    lie = first_lie(BROKEN["paying_half_way"], markets=60)
    assert lie is not None
    names = {**vars(small_markets), **vars(deviations)}
    assert eval(lie.as_test(), names) == lie  # noqa: S307


def test_a_search_that_was_stopped_goes_on_where_it_was(tmp_path: Path) -> None:
    at_once, halves = Tried(seed=2), Tried(seed=2)
    search_until(60_000, at_once, sizes=SMALLEST_SIZES)
    search_until(10_000, halves, state=tmp_path / "state", sizes=SMALLEST_SIZES)
    assert halves.deviations < at_once.deviations
    again = Tried(**deviations.read_state(tmp_path / "state"))
    search_until(60_000, again, sizes=SMALLEST_SIZES)
    assert again == at_once
