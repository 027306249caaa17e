"""Corrections of sizes: a minority moves nothing, steps are bounded, what is measured again and again is reached."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofgrid.primitives.errors import InvalidField
from proofgrid.rules.jobs.sizes import (
    AS_SAID,
    WHOLE_SYSTEM,
    Correction,
    Measured,
    MeasuredScopes,
    ProvenJob,
    Said,
    SizePolicy,
    corrected,
    correction_of,
    measure,
    next_corrections,
)

POLICY = SizePolicy()
KIND = ("toy", "toy 1")
SMALL = Said(program="a", slice=0, units=100, memory_bytes=1_000)
LARGE = Said(program="b", slice=1, units=2_500, memory_bytes=100_000)
IN_SMALL, IN_LARGE = SMALL.scopes[0], LARGE.scopes[0]
PERMILLES = st.integers(1, 100_000)


def jobs(
    said: Said, operator: str, *, ms: int, times: int = 4, peak: int = 0, prover: str = "p", system: str = "toy"
) -> list[ProvenJob]:
    one = ProvenJob(
        proof_system=system,
        engine="toy 1",
        said=said,
        operator=operator,
        prover_id=f"{operator}/{prover}",
        ran_ms=ms,
        memory_peak_bytes=peak,
    )
    return [one] * times


def both(operator: str, *, small_ms: int, large_ms: int, prover: str = "p") -> list[ProvenJob]:
    small = jobs(SMALL, operator, ms=small_ms, times=100, prover=prover)
    return small + jobs(LARGE, operator, ms=large_ms, prover=prover)


def units_of(found: Sequence[ProvenJob], scope: str = IN_SMALL) -> int | None:
    return measure(found, POLICY)[KIND][scope].units_permille


def three(small_ms: int, large_ms: int) -> list[ProvenJob]:
    return [job for name in "xyz" for job in both(name, small_ms=small_ms, large_ms=large_ms)]


def only(scope: str, **measured: int | None) -> MeasuredScopes:
    told: dict[str, int | None] = {"units_permille": None, "memory_permille": None, **measured}
    return {scope: Measured(scopes=(scope, WHOLE_SYSTEM), operators=3, proofs=12, **told)}


# --- what is measured ---


def test_what_takes_thrice_the_time_per_unit_of_all_else_is_found_out() -> None:
    found = three(small_ms=300, large_ms=2_500)  # 3 ms and 1 ms per PU
    assert (units_of(found), units_of(found, IN_LARGE)) == (1_500, 500)


def test_what_all_jobs_took_together_is_shared_out_and_neither_grows_nor_shrinks() -> None:
    found = both("x", small_ms=137, large_ms=2_111) + both("y", small_ms=137, large_ms=2_111)
    found += both("z", small_ms=137, large_ms=2_111)
    small, large = units_of(found), units_of(found, IN_LARGE)
    assert small is not None
    assert large is not None
    assert abs(100 * SMALL.units * small + 4 * LARGE.units * large - 1_000 * 20_000) <= 20_000


@given(slower=st.lists(st.integers(1, 50), min_size=3, max_size=3))
def test_who_is_slow_in_everything_says_nothing(slower: list[int]) -> None:
    found = [
        job
        for name, factor in zip("xyz", slower, strict=True)
        for job in both(name, small_ms=300 * factor, large_ms=2_500 * factor)
    ]
    assert units_of(found) == 1_500


@given(
    honest=st.lists(st.tuples(st.integers(50, 500), st.integers(5_000, 20_000)), min_size=3, max_size=7),
    liars=st.lists(st.tuples(st.integers(1, 10**7), st.integers(1, 10**7)), max_size=6),
    peaks=st.lists(st.integers(1, 10**9), max_size=6),
)
def test_a_minority_moves_nothing_beyond_what_the_honest_say(
    honest: list[tuple[int, int]], liars: list[tuple[int, int]], peaks: list[int]
) -> None:
    liars = liars[: len(honest) - 1]
    true = [
        [*both(f"h{n}", small_ms=small, large_ms=large), *jobs(SMALL, f"h{n}", ms=small, peak=900 + n)]
        for n, (small, large) in enumerate(honest)
    ]
    false = [both(f"l{n}", small_ms=small, large_ms=large) for n, (small, large) in enumerate(liars)]
    false += [jobs(SMALL, f"l{n}", ms=1, peak=peak) for n, peak in enumerate(peaks[: len(liars)])]
    alone = [measure(one, replace(POLICY, operators_min=1))[KIND][IN_SMALL] for one in true]
    together = measure([job for ones in true + false for job in ones], POLICY)[KIND][IN_SMALL]
    said = [one.units_permille for one in alone if one.units_permille is not None]
    if together.units_permille is not None:
        assert min(said) <= together.units_permille <= max(said)
    told = [one.memory_permille for one in alone if one.memory_permille is not None]
    assert together.memory_permille is not None
    assert min(told) <= together.memory_permille <= max(told)


def test_an_operator_has_one_vote_whatever_its_machines() -> None:
    found = three(small_ms=300, large_ms=2_500)
    found += [job for n in range(50) for job in both("w", small_ms=30_000, large_ms=1_000, prover=str(n))]
    assert units_of(found) == 1_500


@pytest.mark.parametrize(
    "found",
    [
        pytest.param(three(300, 2_500)[:208], id="two operators"),
        pytest.param(
            [job for name in "xyz" for job in jobs(SMALL, name, ms=300, times=40)], id="who proved nothing else"
        ),
        pytest.param(
            [job for n in "xyz" for job in jobs(SMALL, n, ms=300, times=3) + jobs(LARGE, n, ms=2_500)], id="few proofs"
        ),
    ],
)
def test_where_too_few_can_tell_nothing_is_measured(found: list[ProvenJob]) -> None:
    assert units_of(found) is None


def test_a_whole_system_is_measured_by_those_who_serve_another_one_too() -> None:
    other = Said(program="o", slice=0, units=1_000, memory_bytes=1)
    found = [j for n in "xyz" for j in jobs(SMALL, n, ms=200, times=40) + jobs(other, n, ms=1_000, system="other")]
    assert units_of(found, WHOLE_SYSTEM) == 1_333  # 2 ms per PU; 1.5 over all
    assert measure(found, POLICY)["other", "toy 1"][WHOLE_SYSTEM].units_permille == 666


def test_memory_is_the_median_of_what_operators_peaked_at_and_some_room() -> None:
    found = [j for n, peak in (("x", 1_000), ("y", 2_000), ("z", 90_000)) for j in jobs(SMALL, n, ms=1, peak=peak)]
    assert measure(found, POLICY)[KIND][IN_SMALL].memory_permille == 2_500
    assert measure(jobs(SMALL, "x", ms=1), POLICY)[KIND][IN_SMALL].memory_permille is None


# --- what follows ---


@given(now=st.integers(250, 4_000), memory=st.integers(500, 4_000), units=PERMILLES, peak=PERMILLES)
def test_a_step_is_bounded_and_stays_within_bounds(now: int, memory: int, units: int, peak: int) -> None:
    last = Correction(number=1, scope="s", units_permille=now, memory_permille=memory)
    follow = next_corrections(
        {"s": last}, only("s", units_permille=units, memory_permille=peak), POLICY, now_ms=POLICY.every_ms
    )
    for next_one, _ in follow:
        assert now * 800 // 1_000 <= next_one.units_permille <= max(now + 1, now * 1_250 // 1_000)
        assert 250 <= next_one.units_permille <= 4_000
        assert memory * 800 // 1_000 <= next_one.memory_permille <= max(memory + 1, memory * 1_250 // 1_000)
        assert 500 <= next_one.memory_permille <= 4_000


@given(now=st.integers(250, 4_000), one=PERMILLES, other=PERMILLES)
def test_who_measures_more_corrects_no_less(now: int, one: int, other: int) -> None:
    low, high = sorted((one, other))
    last = Correction(number=1, scope="s", units_permille=now, memory_permille=1_000)

    def then(measured: int) -> int:
        follow = next_corrections(
            {"s": last}, only("s", units_permille=measured), POLICY, now_ms=last.made_ms + POLICY.every_ms
        )
        return follow[0][0].units_permille if follow else now

    assert then(low) <= then(high)


@given(target=st.integers(250, 4_000), start=st.integers(250, 4_000))
def test_what_is_measured_again_and_again_is_reached_and_then_nothing_moves(target: int, start: int) -> None:
    corrections = {"s": Correction(number=1, scope="s", units_permille=start, memory_permille=1_000)}
    for step in range(1, 40):
        now_ms = step * POLICY.every_ms
        follow = next_corrections(corrections, only("s", units_permille=target), POLICY, now_ms=now_ms)
        if not follow:
            break
        corrections = {"s": replace(follow[0][0], number=step + 1, made_ms=now_ms)}
    else:
        pytest.fail("it never came to rest")
    reached = corrections["s"].units_permille
    assert abs(target - reached) * 1_000 <= reached * POLICY.quiet_permille
    assert step <= 15  # 1.25^13 > 16, the whole of the bounds, and what rounding costs


def test_a_scope_waits_between_its_corrections_and_begins_where_the_larger_one_is() -> None:
    corrections = {WHOLE_SYSTEM: Correction(number=1, scope="", units_permille=2_000, memory_permille=1_000)}
    measured = only("s", units_permille=4_000)
    [(first, _)] = next_corrections(corrections, measured, POLICY, now_ms=5)
    assert (first.scope, first.units_permille, first.memory_permille) == ("s", 2_500, 1_000)
    corrections["s"] = replace(first, number=2, made_ms=5)
    assert not next_corrections(corrections, measured, POLICY, now_ms=5 + POLICY.every_ms - 1)
    assert next_corrections(corrections, measured, POLICY, now_ms=5 + POLICY.every_ms)


def test_what_nobody_measured_is_left_alone() -> None:
    assert not next_corrections({}, only("s"), POLICY, now_ms=0)
    assert not next_corrections({}, only("s", units_permille=1_049, memory_permille=951), POLICY, now_ms=0)


# --- what jobs get ---


def test_the_nearest_scope_decides() -> None:
    whole, size, own = (
        Correction(number=n, scope=scope, units_permille=2_000, memory_permille=3_000)
        for n, scope in enumerate(reversed(SMALL.scopes), 1)
    )
    assert correction_of(SMALL, {}) == AS_SAID
    assert correction_of(SMALL, {whole.scope: whole}) == whole
    assert correction_of(SMALL, {one.scope: one for one in (whole, size)}) == size
    assert correction_of(SMALL, {one.scope: one for one in (whole, size, own)}) == own
    assert correction_of(replace(SMALL, slice=7), {one.scope: one for one in (whole, own)}) == whole


@given(units=st.integers(1, 10**12), memory=st.integers(0, 1 << 62), permille=st.integers(250, 4_000))
def test_a_corrected_job_has_work_and_fits_in_a_row(units: int, memory: int, permille: int) -> None:
    said = replace(SMALL, units=units, memory_bytes=memory)
    correction = replace(AS_SAID, units_permille=permille, memory_permille=permille)
    found, room = corrected(said, correction)
    assert found >= 1
    assert abs(found * 1_000 - units * permille) <= 1_000
    assert 0 <= room < 1 << 63
    assert corrected(said, AS_SAID) == (units, memory)


def test_a_policy_that_nobody_could_keep_is_refused() -> None:
    with pytest.raises(InvalidField):
        SizePolicy(operators_min=0)
    with pytest.raises(InvalidField):
        SizePolicy(step_permille=1_000)
    with pytest.raises(InvalidField):
        SizePolicy(least_permille=1_001)
