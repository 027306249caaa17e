"""Sizes are learned of what was proven: three operators correct a slice, two do not, and what was sold stays."""

from __future__ import annotations

from typing import Any

import pytest

from proofgrid.primitives.clock import ManualClock
from proofgrid.primitives.digests import Digest
from proofgrid.proofs.base import JobDraft, Program, SliceSpec
from proofgrid.roles.intake.sizes import KEPT_SECONDS, Sizes
from proofgrid.roles.intake.sizing import REREAD_SECONDS, Sizing
from proofgrid.roles.settlement.learning import Learning
from proofgrid.rules.jobs.sizes import SizePolicy
from proofgrid.store.sizes import SIZES_IN_FORCE
from tests.roles.lanes import UNITS, LaneUnderTest

pytestmark = pytest.mark.usefixtures("toy_system_on_path")

ENGINES = {"toy": "toy@1"}
DIGEST = Digest("p")  #: as tests' tasks name their program
FAST_MS, SLOW_MS = 1_000, 3_000
PROGRAM = Program(
    proof_system="toy",
    identity={},
    files={},
    verifying_files=(),
    slices=tuple(SliceSpec(index=index, units=UNITS, memory_bytes=1_000) for index in range(2)),
)
DRAFTS = [
    JobDraft(slice_index=index, input_index=0, units=UNITS, memory_bytes=1_000, depends_on=(), input=b"", facts={})
    for index in range(2)
]


async def have_proven(lane: LaneUnderTest, *operators: str, slow_ms: int = SLOW_MS, engine: str = "toy@1") -> None:
    """Let each operator prove four jobs of slice 0, and four of slice 1 that take longer and more memory."""
    for operator in operators:
        session = await lane.add_prover(operator, slots=8)
        task_id = await lane.add_task(jobs=8)
        sold = 0
        while sold < 8:
            sold += await lane.sell()
        await lane.offer(session)
        leases = [lease for lease in await lane.leases() if lease["task_id"] == task_id]
        assert len(leases) == 8
        await lane.pay(*leases)
        await lane.fetch(
            "UPDATE jobs SET slice = input % 2, memory_bytes = 1000,"
            " sizes = (SELECT min(number) FROM size_corrections WHERE engine = $2) WHERE task_id = $1",
            task_id,
            engine,
        )
        await lane.fetch(
            "UPDATE leases SET reported_ms = 0, started_ms = 1000,"
            " ended_ms = 1000 + CASE slice WHEN 0 THEN $2::bigint ELSE $3::bigint END,"
            " memory_peak_bytes = CASE slice WHEN 0 THEN 0 ELSE 4000 END"
            " FROM jobs WHERE jobs.job_id = leases.job_id AND leases.task_id = $1",
            task_id,
            FAST_MS,
            slow_ms,
        )
        await lane.fetch("UPDATE sessions SET open = false")


def learning(lane: LaneUnderTest, **policy: Any) -> Learning:
    return Learning(lane.database, ENGINES, SizePolicy(**policy))


async def in_force(lane: LaneUnderTest) -> dict[str, tuple[int, int]]:
    rows = await lane.ask(SIZES_IN_FORCE)
    return {row.scope: (row.units_permille, row.memory_permille) for row in rows if row.engine == ENGINES["toy"]}


async def test_the_first_look_says_that_nothing_is_corrected_and_says_it_once(lane: LaneUnderTest) -> None:
    for _ in range(2):
        assert await learning(lane).look() == 0
    [row] = await lane.fetch("SELECT count(*) AS n FROM size_corrections")
    assert row["n"] == 1
    assert await in_force(lane) == {"": (1_000, 1_000)}


async def test_what_three_operators_measured_corrects_a_slice_step_by_step(lane: LaneUnderTest) -> None:
    await learning(lane).look()
    await have_proven(lane, "0xa", "0xb")
    assert await learning(lane).look() == 0
    await have_proven(lane, "0xc")

    assert await learning(lane).look() == 3  # the two slices, and jobs of their size, which need more memory
    corrected = await in_force(lane)
    assert corrected["p/0"] == (800, 1_000)  # 1 ms per PU, of 2 over all
    assert corrected["p/1"] == (1_250, 1_250)
    assert await learning(lane).look() == 0  # a scope moves once in an hour
    for _ in range(20):
        await learning(lane, every_ms=0).look()
    settled = await in_force(lane)
    assert settled["p/0"][0] in range(500, 526)
    assert settled["p/1"][0] in range(1_425, 1_501)
    assert settled["p/1"][1] in range(3_800, 4_001)  # a peak of four times what was said, and room, within bounds


async def test_proofs_of_another_engine_correct_that_one_alone(lane: LaneUnderTest) -> None:
    await Learning(lane.database, {"toy": "toy@0"}, SizePolicy()).look()
    await learning(lane).look()
    await have_proven(lane, "0xa", "0xb", "0xc", engine="toy@0")
    assert await learning(lane).look() == 3
    assert await in_force(lane) == {"": (1_000, 1_000)}


async def test_a_correction_is_never_changed_and_says_what_it_rests_on(lane: LaneUnderTest) -> None:
    await learning(lane).look()
    await have_proven(lane, "0xa", "0xb", "0xc")
    await learning(lane).look()
    [first] = await lane.fetch("SELECT * FROM size_corrections WHERE scope = 'p/1'")
    assert (first["operators"], first["proofs"], first["measured_permille"]) == (3, 12, 1_500)
    assert first["measured_memory_permille"] == 5_000
    await learning(lane, every_ms=0).look()
    again, second = await lane.fetch("SELECT * FROM size_corrections WHERE scope = 'p/1' ORDER BY number")
    assert again == first
    assert second["units_permille"] == 1_500


async def test_jobs_that_come_later_get_the_corrected_size_and_name_the_correction(lane: LaneUnderTest) -> None:
    clock = ManualClock()
    sizing = Sizing(lane.database, clock, is_wanted=True)
    await learning(lane).look()
    for one in await sizing.sized(PROGRAM, DIGEST, DRAFTS, ENGINES):
        assert (one.content, one.correction) == (one.said, 1)

    await have_proven(lane, "0xa", "0xb", "0xc")
    await learning(lane).look()
    assert [one.correction for one in await sizing.sized(PROGRAM, DIGEST, DRAFTS, ENGINES)] == [1, 1]
    clock.advance(int(REREAD_SECONDS * 1_000))
    first, second = await sizing.sized(PROGRAM, DIGEST, DRAFTS, ENGINES)
    assert (first.content.units, second.content.units) == (800, 1_250)
    assert (first.said.units, second.content.memory_bytes) == (UNITS, 1_250)
    named = await lane.fetch(
        "SELECT scope FROM size_corrections WHERE number = ANY($1)", [first.correction, second.correction]
    )
    assert {row["scope"] for row in named} == {"p/0", "p/1"}
    assert await sizing.units_of(PROGRAM, DIGEST, ENGINES) == 2_050

    unlearned = Sizing(lane.database, clock, is_wanted=False)
    assert [one.content for one in await unlearned.sized(PROGRAM, DIGEST, DRAFTS, ENGINES)] == DRAFTS


async def test_anybody_sees_what_was_said_what_is_made_of_it_and_what_was_measured(lane: LaneUnderTest) -> None:
    clock = ManualClock()
    told = Sizes(lane.database, SizePolicy(), clock)
    assert await told.list_all() == []
    await learning(lane).look()
    await have_proven(lane, "0xa", "0xb", "0xc")
    await learning(lane).look()
    assert [one.measured for one in await told.list_all()] == [None] * 4  # what was measured is looked at now and then
    clock.advance(int(KEPT_SECONDS * 1_000))

    found = {one.scope: one for one in await told.list_all()}
    assert {(one.proof_system, one.engine) for one in found.values()} == {("toy", "toy@1")}
    slow = found["p/1"]
    assert slow.measured is not None
    assert (slow.correction.units_permille, slow.measured.units_permille) == (1_250, 1_500)
    assert (slow.measured.memory_permille, slow.measured.operators, slow.measured.proofs) == (5_000, 3, 12)
    whole = found[""]
    assert (whole.correction.units_permille, whole.measured and whole.measured.units_permille) == (1_000, None)
