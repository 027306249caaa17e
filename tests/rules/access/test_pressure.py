"""The window follows how late the gateway is: less when it is, more when it is not, never nothing."""

from __future__ import annotations

from collections import deque

from hypothesis import given, settings
from hypothesis import strategies as st

from proofgrid.rules.access.pressure import BOUNDS_MS, Part, WindowPolicy, pause_ms, window_after, worst_of

POLICY = WindowPolicy()
windows = st.integers(POLICY.least_milli, POLICY.most_milli)
pressures = st.integers(0, 20_000)


@given(windows, pressures, pressures)
def test_the_window_stays_within_its_bounds(window: int, pressure: int, before: int) -> None:
    assert POLICY.least_milli <= window_after(window, pressure, before, POLICY) <= POLICY.most_milli


@given(windows, pressures)
def test_at_a_steady_pressure_the_window_moves_against_it(window: int, pressure: int) -> None:
    after = window_after(window, pressure, pressure, POLICY)
    assert after <= window if pressure >= 1_000 else after >= window


@given(windows, pressures, pressures, pressures)
def test_more_pressure_never_means_more(window: int, before: int, one: int, other: int) -> None:
    less, more = sorted((one, other))
    assert window_after(window, more, before, POLICY) <= window_after(window, less, before, POLICY)


@given(st.integers(200, POLICY.most_milli), st.integers(1_000, 10_000))
def test_within_five_seconds_of_calm_several_are_worked_on_at_once(window: int, before: int) -> None:
    for _ in range(50):
        window, before = window_after(window, 0, before, POLICY), 0
    assert window >= 2_000


@given(windows, st.integers(0, 10_000))
def test_a_window_below_one_is_that_share_of_the_time(window: int, worked_ms: int) -> None:
    pause = pause_ms(window, worked_ms, POLICY)
    if window >= 1_000:
        assert pause == 0
    elif pause < POLICY.pause_most_ms:
        assert abs(window * (worked_ms + pause) - 1_000 * worked_ms) <= window


def test_the_part_that_is_latest_against_its_bound_counts() -> None:
    late = {Part.LOOP: BOUNDS_MS[Part.LOOP] * 2, Part.SEALING: BOUNDS_MS[Part.SEALING]}
    assert worst_of(late) == (Part.LOOP, 2_000)
    assert worst_of({Part.LOOP: 0, Part.SEALING: 0}) == (None, 0)
    assert worst_of({}) == (None, 0)


@settings(deadline=None)
@given(
    capacity=st.integers(20, 2_000),
    share=st.integers(20, 80),
    times=st.integers(2, 10),
    looks_late=st.integers(0, 10),
    alone=st.integers(50, 500),
)
def test_a_gateway_under_too_much_does_nearly_all_that_it_can_and_stays_punctual(
    capacity: int, share: int, times: int, looks_late: int, alone: int
) -> None:
    """A model: submitting goes before what follows on one processor; how late that is, is seen some looks later.

    `share`: percent of the processor time of a task that submitting it takes. `alone`: what submitting one at a time
    comes to, in percent of what the gateway can do in all. A tick is a look of a tenth of a second.
    """
    ticks = 900
    work = capacity / 10  # in tasks' worth of processor time a tick
    front, back = share / 100, 1 - share / 100  # cost of the two halves of a task
    window, waiting, behind, done = POLICY.most_milli, 0.0, 0.0, 0.0
    seen = deque([0] * (looks_late + 1), looks_late + 1)
    lateness: list[float] = []
    for _ in range(ticks):
        waiting = min(waiting + times * work, 3 * times * work)  # the line; what is refused costs nothing here
        before = seen[0]
        submitted = min(window / 1_000 * alone / 100 * work, work / front, waiting)
        finished = min((work - submitted * front) / back, behind + submitted)
        waiting -= submitted
        behind += submitted - finished
        done += finished
        lateness.append(behind / work / 10)  # seconds that the backlog takes
        seen.append(round(1_000_000 * lateness[-1] / BOUNDS_MS[Part.SEALING]))
        window = window_after(window, seen[0], before, POLICY)
        assert window >= POLICY.least_milli

    assert done >= 0.9 * work * ticks
    assert max(lateness[ticks // 2 :]) <= 2.5 * BOUNDS_MS[Part.SEALING] / 1_000
