"""Which provers can have a job: memory, the least size, the horizon and who is barred."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofgrid.primitives.money import UNITS_MAX
from proofgrid.rules.jobs.speed import UNMEASURED, Speed
from proofgrid.rules.scheduling.fitness import Fitness, ProverRoom, barred_now, slot_units_max

ROOM = ProverRoom(prover_id="a/p", operator="a", memory_bytes=100, units_min=10, slot_units_max=20)

sizes = st.integers(0, 4)
rooms = st.lists(
    st.builds(
        ProverRoom,
        prover_id=st.sampled_from(["a/p", "a/q", "b/p", "c/p"]),
        operator=st.just(""),
        memory_bytes=sizes,
        units_min=sizes,
        slot_units_max=st.none() | st.integers(1, 4),
    ).map(lambda room: replace(room, operator=room.prover_id[0])),
    unique_by=lambda room: room.prover_id,
)
names = st.frozensets(st.sampled_from(["a", "a/p", "b/p", "c"]), max_size=2)


@pytest.mark.parametrize(
    ("changes", "can"),
    [
        ({}, True),
        ({"memory_bytes": 101}, False),
        ({"units": 10}, True),
        ({"units": 9}, False),
        ({"units": 20}, True),
        ({"units": 21}, False),
        ({"barred": {"a/p"}}, False),
        ({"barred": {"a"}}, False),
        ({"barred": {"a/q", "b"}}, True),
    ],
)
def test_each_reason_is_enough(changes: dict[str, object], can: bool) -> None:
    job: dict[str, object] = {"units": 15, "memory_bytes": 100, "barred": frozenset()}
    assert ROOM.can_have(**(job | changes)) is can  # type: ignore[arg-type]


def test_a_prover_that_is_not_measured_is_in_time_for_every_job() -> None:
    unmeasured = replace(ROOM, slot_units_max=None)
    assert unmeasured.can_hold(units=UNITS_MAX, memory_bytes=1)


@given(rooms, st.integers(1, 5), sizes, names)
def test_all_answers_at_once_are_the_answers_one_by_one(
    some: list[ProverRoom], units: int, memory_bytes: int, barred: frozenset[str]
) -> None:
    fitness = Fitness(some)
    unfit = fitness.unfit(units=units, memory_bytes=memory_bytes, barred=barred)
    can = {room.prover_id for room in some if room.can_have(units=units, memory_bytes=memory_bytes, barred=barred)}
    assert unfit == {room.prover_id for room in some} - can
    assert fitness.fits_somebody(units=units, memory_bytes=memory_bytes, barred=barred) == bool(can)


@given(rooms, st.integers(1, 5), sizes)
def test_those_with_most_room_hold_what_anybody_holds_and_what_all_hold_is_everybodys(
    some: list[ProverRoom], units: int, memory_bytes: int
) -> None:
    fitness = Fitness(some)
    holds = [room.can_hold(units=units, memory_bytes=memory_bytes) for room in some]
    most = [room.can_hold(units=units, memory_bytes=memory_bytes) for room in fitness.most_room()]
    assert any(most) == any(holds)
    by_all = memory_bytes <= fitness.all_bytes and fitness.all_units_min <= units <= fitness.all_units_max
    if some:
        assert by_all == all(holds)


def test_exclusions_bar_until_their_time() -> None:
    assert barred_now({"a/p": 5, "b": 6}, now_ms=5) == {"b"}
    assert barred_now(None, now_ms=5) == barred_now({}, now_ms=5) == frozenset()


def test_a_slot_holds_what_its_prover_proves_within_the_horizon() -> None:
    assert slot_units_max(UNMEASURED, horizon_ms=1_000) is None
    assert slot_units_max(Speed(units=3_000, wall_ms=1_500, samples=3), horizon_ms=5_000) == 10_000
    assert slot_units_max(Speed(units=1, wall_ms=10**9, samples=3), horizon_ms=1_000) == 1
    # Proofs that were kept ready come in no time: their prover is fast without measure, and breaks no round.
    assert slot_units_max(Speed(units=10**6, wall_ms=3, samples=3), horizon_ms=900_000) == UNITS_MAX
