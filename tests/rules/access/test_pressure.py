"""The window follows how late the gateway is: less when it is, more when it is not, never nothing."""

from __future__ import annotations

from collections import deque

from hypothesis import given, settings
from hypothesis import strategies as st

from proofgrid.rules.access.pressure import BOUNDS_MS, Part, WindowPolicy, window_after, worst_of

POLICY = WindowPolicy()
windows = st.integers(POLICY.least_milli, POLICY.most_milli)
pressures = st.integers(0, 20_000)


@given(windows, pressures)
def test_the_window_stays_within_its_bounds_and_moves_against_the_pressure(window: int, pressure: int) -> None:
    after = window_after(window, pressure, POLICY)

    assert POLICY.least_milli <= after <= POLICY.most_milli
    assert after <= window if pressure >= 800 else after >= window


@given(windows, pressures, pressures)
def test_more_pressure_never_means_more(window: int, one: int, other: int) -> None:
    less, more = sorted((one, other))
    assert window_after(window, more, POLICY) <= window_after(window, less, POLICY)


@given(windows)
def test_a_calm_gateway_is_open_within_five_seconds(window: int) -> None:
    for _ in range(50):
        window = window_after(window, 0, POLICY)
    assert window >= POLICY.most_milli // 4


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
    looks_late=st.integers(0, 20),
)
def test_a_gateway_under_too_much_does_nearly_all_that_it_can_and_stays_punctual(
    capacity: int, share: int, times: int, looks_late: int
) -> None:
    """A model: submitting and what follows share one processor by how much of each is there, seen some looks later.

    `share`: percent of the processor time of a task that submitting it takes. A tick is a look of a tenth of a second.
    """
    ticks = 600
    work = capacity / 10  # in tasks' worth of processor time a tick
    front, back = share / 100, 1 - share / 100  # cost of the two halves of a task
    window, waiting, behind, done = float(POLICY.most_milli), 0.0, 0.0, 0.0
    seen = deque([0.0] * (looks_late + 1), looks_late + 1)
    lateness: list[float] = []
    for tick in range(ticks):
        waiting = min(waiting + times * work, 3 * times * work)  # the line; what is refused costs nothing here
        inside = min(window / 1_000, waiting)
        # Each half gets of the processor as much as there is of it; a window of one is one at a time.
        demand = inside * front + behind * back
        to_front = work * (inside * front / demand) if demand else 0.0
        submitted = min(to_front / front, waiting)
        finished = min((work - submitted * front) / back, behind + submitted)
        waiting -= submitted
        behind += submitted - finished
        done += finished
        seen.append(behind / work * 100)  # milliseconds that the backlog takes
        window = float(window_after(int(window), int(seen[0] * 1_000 / BOUNDS_MS[Part.SEALING]), POLICY))
        lateness.append(behind / work / 10)
        assert window >= POLICY.least_milli
        del tick

    assert done >= 0.9 * work * ticks
    assert max(lateness[ticks // 2 :]) <= 3 * BOUNDS_MS[Part.SEALING] / 1_000
