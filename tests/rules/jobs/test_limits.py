"""When open tasks are counted: rarely far below the limit, always near it."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from proofgrid.rules.jobs.limits import COUNT_HOLDS_MS, OpenCount, must_count

NOW_MS = 1_700_000_000_000


def test_a_count_holds_for_its_time_only_and_not_when_the_clock_went_back() -> None:
    known = OpenCount(0, NOW_MS)
    assert not must_count(known, limit=10, now_ms=NOW_MS)
    assert not must_count(known, limit=10, now_ms=NOW_MS + COUNT_HOLDS_MS - 1)
    assert must_count(known, limit=10, now_ms=NOW_MS + COUNT_HOLDS_MS)
    assert must_count(known, limit=10, now_ms=NOW_MS - 1)
    assert must_count(None, limit=10, now_ms=NOW_MS)


@given(
    limit=st.integers(1, 300),
    steps=st.lists(st.tuples(st.sampled_from(["here", "elsewhere", "ends"]), st.integers(0, 400)), max_size=300),
)
def test_the_limit_is_kept_unless_other_gateways_accept_a_tenth_of_it_within_the_time(
    limit: int, steps: list[tuple[str, int]]
) -> None:
    open_tasks, now_ms = 0, NOW_MS
    known: OpenCount | None = None
    elsewhere: list[int] = []  # when
    for what, passed_ms in steps:
        now_ms += passed_ms
        elsewhere = [at_ms for at_ms in elsewhere if now_ms - at_ms < COUNT_HOLDS_MS]
        if what == "ends":
            open_tasks = max(0, open_tasks - 1)
        elif what == "elsewhere":
            # Another gateway counts well, and takes less than a tenth of the limit in the time a count holds.
            if open_tasks < limit and (len(elsewhere) + 1) * 10 < limit:
                open_tasks += 1
                elsewhere.append(now_ms)
        else:
            if known is None or must_count(known, limit=limit, now_ms=now_ms):
                known = OpenCount(open_tasks, now_ms)
            if known.at_most < limit:
                open_tasks += 1
                known = replace(known, accepted=known.accepted + 1)
        assert open_tasks <= limit
