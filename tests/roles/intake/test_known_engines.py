"""To which engine a program's jobs go, as the database has it; who says what is not offered, and how soon."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from proofgrid.primitives.clock import ManualClock
from proofgrid.primitives.engine_errors import EngineNotHere, EngineNotOffered
from proofgrid.primitives.ids import Engine
from proofgrid.proofs.base import Program, SliceSpec
from proofgrid.roles.intake import known_engines
from proofgrid.roles.intake.known_engines import HOLDS_MS, REMEMBERS_MS, KnownEngines
from proofgrid.store.engines import INSERT_PROGRAM_ENGINES
from proofgrid.store.programs import INSERT_PROGRAM
from proofgrid.store.transactions import Transaction
from tests.makers import a_program
from tests.roles.lanes import LaneUnderTest

OLD, NEW = Engine("toy@1.0"), Engine("toy@2.0")
HERE = {"toy": NEW}


@pytest.fixture(autouse=True)
def toy_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_engines, "systems_of", lambda program: (program.proof_system,))


async def a_built_program(lane: LaneUnderTest, engines: Sequence[Engine] = (), **identity: str) -> Program:
    slices = (SliceSpec(index=0, units=1, memory_bytes=1),)
    program = Program(proof_system="toy", identity=identity, files={}, verifying_files=(), slices=slices)
    await lane.database.write(Transaction.REGISTER_PROGRAM, INSERT_PROGRAM, **a_program(digest=program.digest))
    for engine in engines:
        await lane.database.write(
            Transaction.REGISTER_PROGRAM, INSERT_PROGRAM_ENGINES, program_digest=program.digest, engines=[engine]
        )
        await lane.fetch("UPDATE program_engines SET added_ms = added_ms - 5")
    return program


async def test_jobs_go_to_the_engine_that_built_the_program(lane: LaneUnderTest) -> None:
    program = await a_built_program(lane, [OLD, NEW])
    await lane.add_prover("alice", systems=[NEW, OLD])
    assert await KnownEngines(lane.database, HERE, clock=ManualClock()).of(program) == {"toy": NEW}
    assert await KnownEngines(lane.database, {"toy": OLD}, clock=ManualClock()).of(program) == {"toy": OLD}


async def test_a_version_that_nobody_offers_is_refused_at_once_and_taken_as_soon_as_somebody_does(
    lane: LaneUnderTest,
) -> None:
    program, clock = await a_built_program(lane, [OLD]), ManualClock()
    known = KnownEngines(lane.database, {"toy": OLD}, clock=clock)
    assert await known.of(program) == {"toy": OLD}  # nobody is there at all: it waits for the first one

    await lane.add_prover("alice", systems=[NEW])
    known.forget()
    with pytest.raises(EngineNotOffered, match=r"toy 1\.0"):
        await known.of(program)

    await lane.add_prover("bob", systems=[OLD])
    await clock.sleep(HOLDS_MS / 1000)  # though no notification came
    assert await known.of(program) == {"toy": OLD}


async def test_a_prover_that_comes_back_in_a_moment_was_not_away(lane: LaneUnderTest) -> None:
    program, clock = await a_built_program(lane, [OLD]), ManualClock()
    known = KnownEngines(lane.database, {"toy": OLD}, clock=clock)
    await lane.add_prover("alice", systems=[NEW])
    await lane.add_prover("bob", systems=[OLD])
    await known.of(program)

    await lane.fetch("UPDATE sessions SET open = false WHERE operator = 'bob'")
    await clock.sleep((REMEMBERS_MS - 1) / 1000)
    assert await known.of(program) == {"toy": OLD}
    await clock.sleep(HOLDS_MS / 1000)
    with pytest.raises(EngineNotOffered):
        await known.of(program)


async def test_a_prover_that_drains_offers_its_version_no_more(lane: LaneUnderTest) -> None:
    program = await a_built_program(lane, [OLD])
    await lane.add_prover("alice", systems=[NEW])
    await lane.add_prover("bob", systems=[OLD])
    await lane.fetch("UPDATE sessions SET draining = true WHERE operator = 'bob'")
    with pytest.raises(EngineNotOffered):
        await KnownEngines(lane.database, {"toy": OLD}, clock=ManualClock()).of(program)


async def test_a_program_from_before_engines_were_told_goes_where_its_identity_says_or_to_the_gateways_own(
    lane: LaneUnderTest,
) -> None:
    pinned = await a_built_program(lane, engine="toy 1.0")
    with pytest.raises(EngineNotHere):
        await KnownEngines(lane.database, HERE, clock=ManualClock()).of(pinned)
    free = await a_built_program(lane, circuit="x")
    assert await KnownEngines(lane.database, HERE, clock=ManualClock()).of(free) == {"toy": NEW}


async def test_registering_a_program_again_makes_that_engine_the_newest(lane: LaneUnderTest) -> None:
    program = await a_built_program(lane, [OLD, NEW, OLD])
    rows = await lane.fetch("SELECT engine FROM program_engines ORDER BY added_ms DESC")
    assert [row["engine"] for row in rows] == [OLD, NEW]
    assert await KnownEngines(lane.database, {"toy": NEW}, clock=ManualClock()).of(program) == {"toy": NEW}
