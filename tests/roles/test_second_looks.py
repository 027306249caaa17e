"""What one version of an engine accepted, another one verifies too; where they differ, an administrator hears of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from proofgrid.primitives.canonical import canonical_json
from proofgrid.primitives.clock import ManualClock
from proofgrid.primitives.digests import Digest
from proofgrid.primitives.ids import TaskId
from proofgrid.proofs.base import ProgramFiles
from proofgrid.proofs.library import ProgramLibrary
from proofgrid.roles.canary.second_looks import SecondLooks
from proofgrid.rules.ledger.accounts import NETWORK_CLIENT
from proofgrid.store.cache import LocalCache
from proofgrid.store.engines import INSERT_PROGRAM_ENGINES
from proofgrid.store.incidents import IS_STOPPED, LIST_INCIDENTS
from proofgrid.store.transactions import Transaction
from tests.roles.lanes import LaneUnderTest
from tests.roles.settlement.finished import TOY, Sealing, open_sealing

OLD, NEW = "toy@0.9", "toy@1.0"
NEVER = 257  #: one in so many: no byte is divided by it but 0, which these tests do not hit by chance alone


@pytest.fixture
async def sealing(lane: LaneUnderTest, tmp_path: Path, toy_system_on_path: Path) -> AsyncIterator[Sealing]:
    sealing = await open_sealing(lane, tmp_path)
    yield sealing
    await sealing.workers.close()


async def a_program(sealing: Sealing, *engines: str, rounds: int = 10) -> Digest:
    program = await sealing.add_program(rounds=rounds)
    await sealing.lane.database.write(
        Transaction.REGISTER_PROGRAM, INSERT_PROGRAM_ENGINES, program_digest=program, engines=list(engines)
    )
    return program


async def accepted(sealing: Sealing, program: Digest, text: str, *, by: str = OLD, lying: bool = False) -> TaskId:
    """Let a proof be paid for that was sold in the lane of an engine."""
    [task_id] = await sealing.prove(program, text, lying=[text] if lying else [])
    known, path = sealing.programs[program]
    [job] = TOY.normalise(ProgramFiles(known, {"circuit": path}), [text], workdir=sealing.folder).jobs
    facts = canonical_json(job.facts).decode()
    await sealing.lane.fetch("UPDATE jobs SET facts = $2::text::jsonb WHERE task_id = $1", task_id, facts)
    await sealing.lane.fetch("UPDATE leases SET lane = $2 WHERE task_id = $1", task_id, f"default/{by}/small")
    return task_id


def looks(sealing: Sealing, *, one_in: int = 1) -> SecondLooks:
    library = ProgramLibrary(sealing.lane.database, sealing.artifacts, LocalCache(sealing.folder / "cache", 1 << 20))
    return SecondLooks(
        sealing.lane.database,
        sealing.artifacts,
        library,
        sealing.workers,
        here=[NEW],
        clock=ManualClock(),
        scratch=sealing.scratch,
        one_in=one_in,
    )


async def verdicts(sealing: Sealing) -> list[tuple[str, str]]:
    rows = await sealing.lane.fetch("SELECT engine, verdict FROM second_looks ORDER BY at_ms")
    return [(row["engine"], row["verdict"]) for row in rows]


async def incidents(sealing: Sealing) -> list[Any]:
    return await sealing.lane.ask(LIST_INCIDENTS, closed=True, limit=10)


async def test_a_proof_that_both_accept_is_noted_once_and_nobody_is_told(sealing: Sealing) -> None:
    await accepted(sealing, await a_program(sealing, OLD, NEW), "seven")
    for _ in range(2):
        await looks(sealing).look()
    assert await verdicts(sealing) == [(NEW, "agrees")]
    assert await incidents(sealing) == []


async def test_where_they_differ_it_is_an_incident_once_and_settlement_goes_on(sealing: Sealing) -> None:
    program = await a_program(sealing, OLD, NEW)
    await accepted(sealing, program, "seven", lying=True)
    await accepted(sealing, program, "eight", lying=True)
    for _ in range(2):
        await looks(sealing).look()
    assert await verdicts(sealing) == [(NEW, "differs")] * 2
    [incident] = await incidents(sealing)
    assert (incident.kind, incident.stops_settlement) == ("engines", False)
    assert incident.subject == f"{OLD}, {NEW}, program {program}"
    assert f"{OLD} accepted its proof, {NEW} says:" in incident.detail
    assert await sealing.lane.ask(IS_STOPPED) == [False]
    await accepted(sealing, program, "nine")  # and is paid


async def test_what_the_gateways_own_engine_accepted_or_did_not_build_is_not_looked_at(sealing: Sealing) -> None:
    await accepted(sealing, await a_program(sealing, OLD, NEW), "seven", by=NEW)
    await accepted(sealing, await a_program(sealing, OLD, rounds=11), "eight", lying=True)
    await looks(sealing).look()
    assert await verdicts(sealing) == []


async def test_canaries_are_always_looked_at_and_others_by_lot(sealing: Sealing) -> None:
    program = await a_program(sealing, OLD, NEW)
    lease = "SELECT get_byte(decode(md5(lease_id::text), 'hex'), 0) AS drawn FROM leases WHERE task_id = $1"
    client = await accepted(sealing, program, "seven")
    [row] = await sealing.lane.fetch(lease, client)
    canary = await accepted(sealing, program, "eight")
    await sealing.lane.fetch("UPDATE tasks SET client = $2 WHERE task_id = $1", canary, NETWORK_CLIENT)
    await looks(sealing, one_in=NEVER).look()
    assert await verdicts(sealing) == [(NEW, "agrees")] * (1 if row["drawn"] else 2)
