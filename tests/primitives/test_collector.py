"""The garbage collector is put off for a while, and then left as it was found."""

from __future__ import annotations

import gc
import weakref

import pytest

from proofgrid.primitives.collector import YOUNG_MAX, no_collections, seldom_collections, spare_what_stays
from proofgrid.primitives.event_loop import run_async


@pytest.mark.parametrize("is_enabled", [True, False])
@pytest.mark.parametrize("wanted", [True, False])
def test_the_collector_is_left_as_it_was(is_enabled: bool, wanted: bool) -> None:
    (gc.enable if is_enabled else gc.disable)()
    try:
        with no_collections(wanted=wanted):
            assert gc.isenabled() is (is_enabled and not wanted)
        assert gc.isenabled() is is_enabled
        assert not gc.get_freeze_count()
    finally:
        gc.enable()


def test_what_is_made_meanwhile_is_old_afterwards() -> None:
    with no_collections():
        made = [(number, str(number)) for number in range(2_000)]
    assert len(made) > gc.get_count()[0]


def test_what_somebody_froze_stays_frozen() -> None:
    gc.freeze()
    try:
        frozen = gc.get_freeze_count()
        with no_collections():
            made = [(number, str(number)) for number in range(1_000)]
        assert gc.get_freeze_count() >= frozen - 1_000  # what was freed meanwhile does not count
        assert made
    finally:
        gc.unfreeze()


def test_what_stays_is_looked_at_no_more_and_what_comes_later_is() -> None:
    class Mine:
        other: Mine

    before, gone = Mine(), Mine()
    reference = weakref.ref(gone)
    gone.other = gone
    del gone
    try:
        spare_what_stays()
        assert reference() is None  # rubbish is not spared
        assert all(one is not before for one in gc.get_objects())
        after = Mine()
        assert any(one is after for one in gc.get_objects())
    finally:
        gc.unfreeze()


def test_the_collector_looks_seldom_while_an_event_loop_runs_and_never_where_it_was_switched_off() -> None:
    before = gc.get_threshold()

    async def look() -> tuple[int, ...]:
        return gc.get_threshold()

    try:
        assert run_async(look()) == (YOUNG_MAX, *before[1:])
        assert gc.get_threshold() == before
        gc.set_threshold(0, *before[1:])
        with seldom_collections():
            assert gc.get_threshold()[0] == 0
    finally:
        gc.set_threshold(*before)
