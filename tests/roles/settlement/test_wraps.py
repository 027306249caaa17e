"""Jobs that take other jobs' proofs: sold when these are proven, told and judged by them, else like any other."""

from __future__ import annotations

from typing import Any

from proofgrid.primitives.digests import digest_of
from proofgrid.primitives.errors import LeaseLost, Unprovable
from proofgrid.proofs.base import Program, SliceSpec
from proofgrid.proofs.manifest import program_to_json
from proofgrid.rules.jobs.excuses import excuse_of
from proofgrid.rules.jobs.retry import ReturnReason
from proofgrid.store.settlement import LEASES_OF_REPORTS
from proofgrid.store.stakes import GATEWAY_HEARD_MS, SLASHABLE_LEASE
from proofgrid.store.stored_artifacts import MAY_READ_ARTIFACT
from tests.roles.lanes import LaneUnderTest


async def states(lane: LaneUnderTest) -> list[str]:
    return [row["state"] for row in await lane.fetch("SELECT state FROM jobs ORDER BY position")]


async def prove(lane: LaneUnderTest, session: Any) -> None:
    """Let what a round sells be proven."""
    assert await lane.sell()
    leases = [lease for lease in await lane.leases() if lease["state"] == "granted"]
    await lane.offer(session)
    await lane.pay(*leases)


async def a_wrap(lane: LaneUnderTest, *, parts: int = 2) -> tuple[Any, Any]:
    """Return the session of the only prover and its lease of a wrap, whose parts it has proven."""
    session = await lane.add_prover("alice")
    await lane.add_task(jobs=parts, wraps=[tuple(range(parts))])
    while "waiting" in await states(lane):
        await prove(lane, session)
    assert await lane.sell()
    return session, (await lane.leases())[-1]


async def test_a_wrap_is_sold_as_soon_as_its_own_parts_are_proven(lane: LaneUnderTest) -> None:
    session = await lane.add_prover("alice")
    await lane.add_task(jobs=4, wraps=[(0, 1), (2, 3), (4, 5)])

    await prove(lane, session)
    assert sorted(await states(lane)) == sorted(["proven", *["ready"] * 3, *["waiting"] * 3])
    seen = []
    while "ready" in (now := await states(lane)):
        seen.append(now)
        await prove(lane, session)

    assert await states(lane) == ["proven"] * 7
    for now in seen:
        for position, taken in ((4, (0, 1)), (5, (2, 3)), (6, (4, 5))):
            assert (now[position] == "waiting") == any(now[one] != "proven" for one in taken)
    folded_early = [now for now in seen if now[4:6] != ["waiting"] * 2 and "ready" in now[:4]]
    assert folded_early, "the whole first level was waited for"
    (task,) = await lane.fetch("SELECT state FROM tasks")
    assert task["state"] == "combining"
    await lane.check_money()


async def test_its_prover_is_told_what_it_takes(lane: LaneUnderTest) -> None:
    session, wrap = await a_wrap(lane)
    proof = b"large"
    await lane.fetch(
        "UPDATE jobs SET small_proof = NULL, proof_digest = $1, public = '{\"end\": 7}' WHERE position = 0",
        digest_of(proof),
    )
    [offered] = await lane.offer(session)

    assert offered.lease_id == wrap["lease_id"]
    assert offered.parts is not None
    first, second = offered.parts
    assert (first["slice"], first["input"], first["small"]) == (0, 0, None)
    assert (first["proof"], first["public"]) == (digest_of(proof), {"end": 7})
    assert (second["slice"], second["input"]) == (0, 1)
    assert second["small"] is not None


async def test_a_job_that_takes_nothing_is_offered_as_ever(lane: LaneUnderTest) -> None:
    session = await lane.add_prover("alice")
    await lane.add_task()
    assert await lane.sell()
    [offered] = await lane.offer(session)
    assert offered.parts is None


async def test_it_is_judged_and_slashed_by_what_it_takes(lane: LaneUnderTest) -> None:
    await lane.fetch("INSERT INTO network (address) VALUES ('0xnetwork') ON CONFLICT DO NOTHING")
    _, wrap = await a_wrap(lane)
    [reported] = await lane.ask(LEASES_OF_REPORTS, lease_ids=[wrap["lease_id"]])
    [slashable] = await lane.ask(SLASHABLE_LEASE, lease_id=wrap["lease_id"], gateway_silent_ms=GATEWAY_HEARD_MS)
    parts = await lane.fetch("SELECT slice, input, proof_digest, public FROM jobs WHERE slice = 0 ORDER BY position")

    expected = [
        {"slice": row["slice"], "input": row["input"], "proof": row["proof_digest"], "public": row["public"]}
        for row in parts
    ]
    assert reported.facts == slashable.facts == {"parts": expected}


async def test_the_proofs_that_it_takes_are_readable_while_its_lease_is_held(lane: LaneUnderTest) -> None:
    _, wrap = await a_wrap(lane)
    digest = digest_of(b"large")
    await lane.fetch("UPDATE jobs SET small_proof = NULL, proof_digest = $1 WHERE position = 1", digest)

    assert await lane.ask(MAY_READ_ARTIFACT, digest=digest, reader="alice") == [True]
    assert await lane.ask(MAY_READ_ARTIFACT, digest=digest, reader="bob") == [False]
    await lane.give_back(wrap, ReturnReason.CHILD_CRASHED)
    assert await lane.ask(MAY_READ_ARTIFACT, digest=digest, reader="alice") == [False]


async def test_it_goes_back_to_the_market_and_is_paid_once(lane: LaneUnderTest) -> None:
    _, wrap = await a_wrap(lane)
    await lane.give_back(wrap, ReturnReason.PROVER_LOST)
    assert await states(lane) == ["proven", "proven", "ready"]
    await lane.fetch("UPDATE jobs SET not_before_ms = 0")
    other = await lane.add_prover("bob")
    await lane.fetch("UPDATE sessions SET open = false WHERE operator = 'alice'")
    assert await lane.sell()
    again = (await lane.leases())[-1]
    await lane.offer(other)

    told = await lane.pay(again, wrap)

    assert told[0] == again["prover_id"]
    assert isinstance(told[1], LeaseLost)
    paid = [row for row in await lane.payments() if row[0] == "proof"]
    assert len(paid) == 3
    await lane.check_money()


async def test_who_says_that_a_wrap_cannot_be_proven_is_refuted(lane: LaneUnderTest) -> None:
    spec = SliceSpec(index=0, units=1, memory_bytes=1)
    program = Program(
        proof_system="toy",
        identity={},
        files={},
        verifying_files=(),
        slices=(spec,),
        wraps=(SliceSpec(index=1, units=1, memory_bytes=1),),
    )
    await lane.fetch("UPDATE programs SET manifest = $1", program_to_json(program))
    _, wrap = await a_wrap(lane)
    reason, found = await lane.checking.check(excuse_of(Unprovable.code), wrap["lease_id"])
    assert (reason, found) == (ReturnReason.REFUTED, "the gateway has verified all proofs that it takes")
