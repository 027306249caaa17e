"""Jobs whose inputs are sealed: only who can open them gets them, and nobody is blamed by what nobody can check."""

from __future__ import annotations

from proofgrid.rules.jobs.retry import ReturnReason
from tests.roles.lanes import LaneUnderTest

BOTH = ("alice/p", "bob/p")


async def the_task(lane: LaneUnderTest) -> tuple[str, str, int]:
    (task,) = await lane.fetch("SELECT state, failure_code, spent FROM tasks")
    return task["state"], task["failure_code"], task["spent"]


async def next_lease(lane: LaneUnderTest) -> dict[str, object]:
    await lane.fetch("UPDATE jobs SET not_before_ms = 0 WHERE state = 'ready'")
    assert await lane.sell(), "nobody gets it"
    return dict((await lane.leases())[-1])


async def test_another_prover_of_the_same_operator_gets_nothing(lane: LaneUnderTest) -> None:
    await lane.add_prover("alice", "q", ask=1)
    await lane.add_task(sealed_for=["alice/p"])
    assert await lane.sell() == 0
    session = await lane.add_prover("alice", "p")
    lease = await next_lease(lane)
    (offered,) = await lane.offer(session)

    assert lease["prover_id"] == "alice/p"
    assert offered.seal is not None
    assert offered.seal["own"]["key_id"] == "of alice/p"
    assert "bob" not in str(offered.seal)


async def test_what_does_not_open_costs_nobody_anything_and_goes_to_the_next(lane: LaneUnderTest) -> None:
    for operator in ("alice", "bob"):
        await lane.add_prover(operator)
    await lane.add_task(sealed_for=BOTH)
    first = await next_lease(lane)
    await lane.give_back(first, ReturnReason.UNOPENED)
    assert (await the_task(lane))[0] == "open"
    second = await next_lease(lane)
    assert {first["prover_id"], second["prover_id"]} == set(BOTH)

    await lane.give_back(second, ReturnReason.UNOPENED)

    assert await the_task(lane) == ("failed", "PG-514", 0)
    assert not await lane.fetch("SELECT 1 FROM provers WHERE outcomes <> ''")
    assert not [kind for kind, _ in await lane.events() if kind == "slashed"]
    await lane.check_money()


async def test_a_prover_that_died_of_what_nobody_has_looked_at_is_not_blamed(lane: LaneUnderTest) -> None:
    await lane.add_prover("alice")
    await lane.add_task(sealed_for=["alice/p"])
    await lane.give_back(await next_lease(lane), ReturnReason.CHILD_CRASHED)
    assert not await lane.fetch("SELECT 1 FROM provers WHERE outcomes <> ''")


async def test_who_says_that_it_cannot_be_proven_is_not_refuted_by_another_ones_proof(lane: LaneUnderTest) -> None:
    """A client may have told the other one, which is its own, what to prove."""
    sessions = {f"{one}/p": await lane.add_prover(one) for one in ("alice", "bob")}
    await lane.fetch("INSERT INTO accounts (account, balance) SELECT 'stake:' || operator, 10000000 FROM provers")
    await lane.fetch("UPDATE accounts SET balance = balance - 20000000 WHERE account = 'mint'")
    await lane.add_task(sealed_for=BOTH)
    honest = await next_lease(lane)
    await lane.give_back(honest, ReturnReason.UNPROVABLE)
    other = await next_lease(lane)
    await lane.offer(sessions[str(other["prover_id"])])
    await lane.pay(other)

    assert not [kind for kind, _ in await lane.events() if kind == "slashed"]
    outcomes = await lane.fetch("SELECT prover_id FROM provers WHERE outcomes <> ''")
    assert [row["prover_id"] for row in outcomes] == [other["prover_id"]]
