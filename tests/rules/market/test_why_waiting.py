"""Why a job waits: the first question that has an answer."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofgrid.rules.jobs.lifecycle import JobState
from proofgrid.rules.jobs.retry import FOREVER_MS
from proofgrid.rules.jobs.speed import UNMEASURED, Speed
from proofgrid.rules.jobs.waiting import Demand, WaitReason, Waits
from proofgrid.rules.market.why_waiting import Candidate, LaneNow, OpenJob, Running, next_free_ms, why_waits
from proofgrid.rules.scheduling.fitness import ProverRoom

NOW = 1_000_000
JOB = OpenJob(state=JobState.READY, units=1_000, memory_bytes=10, limit_price=1_000)
LANE = LaneNow(floor=250, ceil=4_000)


def a_room(name: str = "op/p", **changes: int | None) -> ProverRoom:
    sizes: dict[str, int | None] = {"memory_bytes": 100, "units_min": 0, "slot_units_max": None, **changes}
    return ProverRoom(prover_id=name, operator=name.split("/")[0], **sizes)  # type: ignore[arg-type]


ONE = Candidate(room=a_room(), lacks=(), ask_price=700, free_slots=1, free_bytes=100)


@pytest.mark.parametrize(
    ("job", "candidates", "lane", "expected"),
    [
        (replace(JOB, state=JobState.WAITING), [ONE], LANE, Waits(reason=WaitReason.BLOCKED)),
        (replace(JOB, not_before_ms=NOW + 7), [], LANE, Waits(reason=WaitReason.PUT_OFF, after_ms=7)),
        (JOB, [], LANE, Waits(reason=WaitReason.UNSERVED, unmet=(Demand.PROOF_SYSTEM,))),
        (
            JOB,
            [replace(ONE, lacks=(Demand.REGION,))],
            LANE,
            Waits(reason=WaitReason.UNSERVED, unmet=(Demand.REGION,)),
        ),
        (
            JOB,
            [replace(ONE, room=a_room(slot_units_max=999))],
            LANE,
            Waits(reason=WaitReason.UNSERVED, unmet=(Demand.SIZE,)),
        ),
        (
            replace(JOB, barred={"op": NOW + 900, "op/p": NOW + 30}),
            [ONE],
            LANE,
            Waits(reason=WaitReason.PUT_OFF, after_ms=900),
        ),
        (
            replace(JOB, barred={"op/p": FOREVER_MS}),
            [ONE],
            LANE,
            Waits(reason=WaitReason.UNSERVED, unmet=(Demand.NO_FAILURE,)),
        ),
        (replace(JOB, limit_price=699), [ONE], LANE, Waits(reason=WaitReason.TOO_CHEAP, price=700)),
        # The cheap one is busy: its ask still counts, and what the job waits for is a free slot.
        (
            replace(JOB, limit_price=800),
            [replace(ONE, free_slots=0, next_free_ms=5_000), replace(ONE, room=a_room("b/p"), ask_price=900)],
            LANE,
            Waits(reason=WaitReason.BUSY, after_ms=5_000),
        ),
        # Below the lane's floor even where somebody asks less.
        (
            replace(JOB, limit_price=240),
            [replace(ONE, ask_price=1)],
            LANE,
            Waits(reason=WaitReason.TOO_CHEAP, price=250),
        ),
        (JOB, [replace(ONE, ask_price=4_001)], LANE, Waits(reason=WaitReason.TOO_CHEAP, price=4_001, price_max=4_000)),
        (JOB, [replace(ONE, free_bytes=9)], LANE, Waits(reason=WaitReason.BUSY)),
        (JOB, [ONE], replace(LANE, price=1_001), Waits(reason=WaitReason.OUTBID, price=1_001)),
        (JOB, [ONE], replace(LANE, price=999, in_flight=2), Waits(reason=WaitReason.SHARE, jobs=2)),
        (JOB, [ONE], LANE, Waits(reason=WaitReason.DUE)),
    ],
)
def test_the_first_question_that_has_an_answer_is_the_reason(
    job: OpenJob, candidates: list[Candidate], lane: LaneNow, expected: Waits
) -> None:
    assert why_waits(job, candidates, lane, now_ms=NOW) == expected


@pytest.mark.parametrize("state", [JobState.LEASED, JobState.PROVEN, JobState.FAILED, JobState.CANCELLED])
def test_what_is_proven_or_over_does_not_wait(state: JobState) -> None:
    assert why_waits(replace(JOB, state=state), [ONE], LANE, now_ms=NOW) is None


def test_when_a_slot_is_free_again() -> None:
    measured = Speed(units=30_000, wall_ms=10_000, samples=3)  # three units a ms
    fresh = Running(units=6_000, started_ms=NOW - 500, permille=0)
    assert next_free_ms([], measured, now_ms=NOW) is None
    assert next_free_ms([fresh], measured, now_ms=NOW) == 1_500
    assert next_free_ms([fresh], UNMEASURED, now_ms=NOW) == 5_500  # as a reference core
    half = replace(fresh, started_ms=NOW - 400, permille=500)
    assert next_free_ms([fresh, half], measured, now_ms=NOW) == 400
    assert next_free_ms([replace(fresh, started_ms=0)], measured, now_ms=NOW) == 2_000
    assert next_free_ms([replace(fresh, started_ms=1)], measured, now_ms=NOW) == 0


prices = st.integers(1, 5_000)
candidates = st.lists(
    st.builds(
        Candidate,
        room=st.builds(
            lambda name, memory, most: a_room(name, memory_bytes=memory, slot_units_max=most),
            st.sampled_from(["a/1", "a/2", "b/1", "c/1"]),
            st.integers(0, 20),
            st.none() | st.integers(1, 2_000),
        ),
        lacks=st.sampled_from([(), (Demand.REGION,), (Demand.CLASS, Demand.STAKE)]),
        ask_price=prices,
        free_slots=st.integers(0, 2),
        free_bytes=st.integers(0, 20),
        next_free_ms=st.none() | st.integers(0, 10_000),
    ),
    max_size=5,
)
jobs = st.builds(
    OpenJob,
    state=st.just(JobState.READY),
    units=st.integers(1, 2_000),
    memory_bytes=st.integers(0, 20),
    limit_price=prices,
    not_before_ms=st.sampled_from([0, NOW, NOW + 5]),
    barred=st.dictionaries(
        st.sampled_from(["a", "b", "a/1", "c/1"]), st.sampled_from([NOW - 1, NOW + 9, FOREVER_MS]), max_size=3
    ),
)
lanes = st.builds(
    LaneNow,
    floor=st.integers(0, 2_000),
    ceil=st.integers(1, 6_000),
    price=st.none() | prices,
    in_flight=st.integers(0, 3),
)


@given(jobs, candidates, lanes)
def test_a_job_for_sale_always_has_one_reason_and_following_its_advice_removes_it(
    job: OpenJob, candidates: list[Candidate], lane: LaneNow
) -> None:
    waits = why_waits(job, candidates, lane, now_ms=NOW)

    assert waits is not None
    match waits.reason:
        case WaitReason.TOO_CHEAP if not waits.price_max:
            assert waits.price > job.limit_price
            dearer = why_waits(replace(job, limit_price=waits.price), candidates, lane, now_ms=NOW)
            assert dearer is not None and dearer.reason is not WaitReason.TOO_CHEAP
        case WaitReason.OUTBID:
            dearer = why_waits(replace(job, limit_price=waits.price + 1), candidates, lane, now_ms=NOW)
            assert dearer is not None and dearer.reason is not WaitReason.OUTBID
        case WaitReason.UNSERVED:
            assert waits.unmet
        case WaitReason.PUT_OFF:
            assert waits.after_ms > 0
            later = why_waits(job, candidates, lane, now_ms=NOW + waits.after_ms)
            assert later is not None and later.reason is not WaitReason.PUT_OFF
        case WaitReason.SHARE:
            assert waits.jobs > 0
        case _:
            assert waits.reason in (WaitReason.TOO_CHEAP, WaitReason.BUSY, WaitReason.DUE)


@given(jobs, candidates, lanes)
def test_who_is_busy_changes_neither_who_is_able_nor_what_it_costs(
    job: OpenJob, candidates: list[Candidate], lane: LaneNow
) -> None:
    idle = [replace(one, free_slots=1, free_bytes=2**40) for one in candidates]

    before, after = (why_waits(job, some, lane, now_ms=NOW) for some in (candidates, idle))

    assert before is not None and after is not None
    if before.reason is WaitReason.BUSY:
        assert after.reason in (WaitReason.OUTBID, WaitReason.SHARE, WaitReason.DUE)
    else:
        assert after == before
