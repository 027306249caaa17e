import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofgrid.primitives.errors import InvalidField
from proofgrid.rules.jobs.speed import (
    SAMPLES_KEPT,
    SAMPLES_TRUSTED,
    UNMEASURED,
    Speed,
    add,
    expected_ms,
    of_leases,
    shown_permille,
    sum_of,
)

FAST = Speed(units=30_000, wall_ms=30_000, samples=3)  #: 1,000 PU/s


def test_speed_is_units_over_time() -> None:
    speed = UNMEASURED
    for _ in range(SAMPLES_TRUSTED):
        assert not speed.is_measured
        speed = add(speed, of_leases([(500, 2_000, 1)]))
    assert speed.is_measured
    assert speed.units_per_second_milli == 250_000


def test_time_without_a_proof_makes_a_prover_slower() -> None:
    after = add(FAST, of_leases([(1_000, 30_000, 0)]))
    assert after.units_per_second_milli == FAST.units_per_second_milli // 2
    assert after.samples == FAST.samples


def test_a_prover_that_changed_is_known_again_within_a_few_windows() -> None:
    speed = FAST
    for _ in range(8 * SAMPLES_KEPT):
        speed = add(speed, of_leases([(1_000, 10_000, 1)]))  # now ten times slower
    assert 100_000 <= speed.units_per_second_milli < 110_000
    assert speed.samples <= SAMPLES_KEPT


def test_leases_that_ended_together_count_as_what_they_are_together() -> None:
    one, other = of_leases([(500, 0, 1)]), of_leases([(700, 30, 0)])
    assert one == Speed(units=500, wall_ms=1, samples=1)
    assert sum_of(one, other) == Speed(units=500, wall_ms=31, samples=1)


def test_a_speed_is_halved_only_when_it_is_made_of_more_than_are_kept() -> None:
    most = Speed(units=9, wall_ms=7, samples=SAMPLES_KEPT)
    assert add(most, of_leases([(5, 2, 0)])) == Speed(units=9, wall_ms=9, samples=SAMPLES_KEPT)
    assert add(most, of_leases([(4, 2, 1)])) == Speed(units=6, wall_ms=4, samples=32)
    many = Speed(units=9, wall_ms=7, samples=2 * SAMPLES_KEPT)
    assert add(UNMEASURED, many) == many


def test_a_job_is_expected_at_the_measured_speed_and_never_below_the_least() -> None:
    crawling = Speed(units=30, wall_ms=30_000, samples=3)
    assert expected_ms(2_000, FAST, least_units_per_second=50) == 2_000
    assert expected_ms(2_000, crawling, least_units_per_second=50) == 40_000
    assert expected_ms(2_000, UNMEASURED, least_units_per_second=50) == 40_000
    assert expected_ms(1, FAST, least_units_per_second=50) == 1


def test_a_claim_counts_as_far_as_the_prover_could_have_come() -> None:
    assert shown_permille(300, elapsed_ms=10_000, units=10_000, speed=FAST) == 300
    assert shown_permille(999, elapsed_ms=2_000, units=10_000, speed=FAST) == 200
    assert shown_permille(5_000, elapsed_ms=90_000, units=10_000, speed=FAST) == 1_000
    assert shown_permille(999, elapsed_ms=0, units=10_000, speed=FAST) == 0


def test_a_prover_that_never_delivered_shows_nothing() -> None:
    assert shown_permille(1_000, elapsed_ms=10**9, units=1, speed=UNMEASURED) == 0
    idler = UNMEASURED
    for _ in range(1_000):
        idler = add(idler, of_leases([(1_000, 60_000, 0)]))
    assert shown_permille(1_000, elapsed_ms=10**9, units=1, speed=idler) == 0


def test_idling_soon_shows_nothing() -> None:
    speed, shown = FAST, []
    for _ in range(20):
        shown.append(shown_permille(1_000, elapsed_ms=60_000, units=10_000, speed=speed))
        speed = add(speed, of_leases([(1_000, 60_000, 0)]))
    assert shown[0] == 1_000
    assert shown == sorted(shown, reverse=True)
    assert shown[-1] < 200


def test_nothing_negative_was_measured() -> None:
    with pytest.raises(InvalidField):
        Speed(units=-1)


@given(
    claimed=st.integers(-10, 2_000),
    elapsed_ms=st.integers(-5, 10**7),
    units=st.integers(1, 10**7),
    speed=st.builds(Speed, units=st.integers(0, 10**9), wall_ms=st.integers(0, 10**9), samples=st.integers(0, 64)),
)
def test_more_claimed_or_more_time_never_shows_less(claimed: int, elapsed_ms: int, units: int, speed: Speed) -> None:
    shown = shown_permille(claimed, elapsed_ms=elapsed_ms, units=units, speed=speed)
    assert 0 <= shown <= max(0, min(claimed, 1_000))
    assert shown <= shown_permille(claimed + 7, elapsed_ms=elapsed_ms + 11, units=units, speed=speed)
