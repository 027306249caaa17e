"""What the public pages show, made of facts."""

from __future__ import annotations

import json
from dataclasses import replace

from proofgrid.doors.pages.views.lane import lane_page
from proofgrid.doors.pages.views.network import network_page
from proofgrid.doors.pages.views.operators import operator_page, operators_page
from proofgrid.doors.pages.views.round import round_page
from proofgrid.doors.pages.views.systems import system_cards
from proofgrid.primitives.ids import Address
from proofgrid.store.overview import Punctuality
from tests.pages_facts import (
    ALICE,
    BOB,
    LARGE,
    NOW_MS,
    SMALL,
    OverviewOfFacts,
    a_network,
    a_round,
    round_lines,
    some_figures,
    some_operators,
    some_prices,
    some_systems,
)


def test_a_lane_counts_what_waits_in_lanes_with_constraints_too() -> None:
    small, large = network_page(a_network(), some_figures()).lanes

    assert (small.lane, large.lane) == (SMALL, LARGE)
    assert (small.waiting_jobs, small.waiting_units, small.oldest_ms) == (7, 15_000, NOW_MS - 400_000)
    assert (small.proven_jobs, small.free, small.slots) == (650, 6, 12)


def test_a_percentile_that_misses_reach_is_a_miss() -> None:
    figures = some_figures(punctuality=[Punctuality(SMALL, 10, 1, 900, None, None)])

    small = network_page(a_network(), figures).lanes[0]

    assert [(one.name, one.ms, one.is_miss) for one in small.times] == [
        ("p50", 900, False),
        ("p95", None, True),
        ("p99", None, True),
    ]


def test_slots_of_provers_that_are_sold_nothing_are_not_free() -> None:
    page = network_page(a_network(), some_figures())

    assert (page.slots, page.busy, page.free) == (12, 6, 6)
    assert (page.provers, page.operators) == (4, 2)


def test_an_empty_network_has_no_lane() -> None:
    empty = a_network(provers=[], lanes=[], capacity=[], waiting=[], jobs_by_state={})

    page = network_page(empty, some_figures(proven=[], punctuality=[], prices=[]))

    assert not page.lanes
    assert page.free == 0


def test_a_lanes_page_goes_on_where_its_list_ends() -> None:
    rounds = round_lines(number=30)

    page = lane_page(SMALL, "hour", some_prices(), rounds, now_ms=NOW_MS, all_rounds=True, limit=30)

    assert page.next_below == rounds[-1].number
    assert page.chart is not None
    assert page.series[1][0] == 1.2
    assert lane_page(SMALL, "day", [], rounds[:4], now_ms=NOW_MS, all_rounds=True, limit=30).next_below == 0


def test_a_round_shows_who_left_at_which_price_and_who_traded() -> None:
    page = round_page(a_round())

    assert page.clocks is not None
    assert page.book is not None
    assert sum(one.traded for one in page.buyers) == sum(one.traded for one in page.sellers) == page.slots > 0
    assert all(one.price >= page.round.buy_price for one in page.buyers if one.traded)
    assert all(one.price <= page.round.sell_price for one in page.sellers if one.traded)
    assert any("left at its limit" in one.fate for one in page.buyers)
    assert any("left at its ask" in one.fate for one in page.sellers)
    assert page.replay == "proofgrid market replay default/ezkl@23.0.5/small --from 318 --to 318"
    assert "clients pay" in page.story[-1]


def test_each_who_left_has_a_mark_on_the_clocks() -> None:
    page = round_page(a_round())

    assert page.clocks is not None
    marks = page.clocks.marks
    assert sum(mark.is_buyer for mark in marks) == sum(one.left for one in page.buyers)
    assert sum(not mark.is_buyer for mark in marks) == sum(one.left for one in page.sellers)


def test_a_record_that_cannot_be_read_shows_its_outcome_alone() -> None:
    one = a_round()
    transcript = json.loads(one.transcript)

    for changed in ("", json.dumps({**transcript, "version": 2}), json.dumps({**transcript, "bids": 7})):
        page = round_page(replace(one, transcript=changed))
        assert page.clocks is None
        assert page.buyers == ()
        assert page.round.number == 318


def test_operators_stand_with_reliability_stake_and_slashes() -> None:
    page = operators_page(some_operators())

    good, bad = page.lines
    assert (good.operator, bad.operator) == (ALICE, BOB)
    assert good.share_permille > bad.share_permille
    assert good.fastest is not None
    assert (good.fastest.units_per_second, good.fastest.confidence_permille) == (900, 952)
    assert (good.bond, bad.slashed, bad.slashes) == (25_000_000_000, 1_250_000, 1)


def test_one_operator_tells_why_it_stands_so() -> None:
    shown = some_operators()

    page = operator_page(shown, Address(BOB), shown.slashes)

    assert page is not None
    assert any("invalid proofs" in reason for reason in page.reasons)
    assert operator_page(shown, Address("0x0"), []) is None


async def test_systems_that_somebody_offers_come_first() -> None:
    cards = system_cards(some_systems(), await OverviewOfFacts().engines())

    assert [(card.name, card.is_offered) for card in cards] == [("ezkl", True), ("plonk", False)]
    assert [one.version for one in cards[0].engines] == ["23.0.5", "22.1.0"]
