"""A gateway takes provers of the engines that it can verify, and sends others on."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import pytest

from proofgrid.primitives.errors import Unavailable
from proofgrid.primitives.ids import Address
from proofgrid.roles.dispatcher.session import Session
from proofgrid.rules.jobs.offers import Notice
from tests.makers import OWN, some_terms
from tests.roles.lanes import LaneUnderTest, held

ALICE = Address("alice")
OLD, NEW = "toy@1.0", "toy@2.0"
HERE = frozenset({"toy", NEW, "ezkl", "ezkl@3"})


async def hello(
    lane: LaneUnderTest, *asks: str, here: Collection[str] = HERE, held_leases: tuple[object, ...] = ()
) -> Session:
    lane.settings = replace(lane.settings, engines=here)
    terms = some_terms(name="p", asks=dict.fromkeys(asks, 700), held=tuple(map(held, held_leases)))
    return await lane.desk.open_session(ALICE, terms, OWN)


async def asked(lane: LaneUnderTest) -> tuple[set[str], int]:
    [row] = await lane.fetch("SELECT asks, stacks FROM sessions WHERE open")
    return set(row["asks"]), row["stacks"]


async def test_a_session_serves_the_engines_that_both_sides_run(lane: LaneUnderTest) -> None:
    session = await hello(lane, NEW, "other@1", "ezkl@3")
    assert await asked(lane) == ({NEW, "ezkl@3"}, 2)
    assert {lane.split("/")[1] for lane in session.lanes} == {NEW, "ezkl@3"}
    told = session.outgoing.get_nowait()
    assert isinstance(told, Notice)
    assert (told.code, "does not verify other@1:" in told.detail) == ("not_here", True)


async def test_a_prover_of_another_version_is_sent_on_with_both_named(lane: LaneUnderTest) -> None:
    with pytest.raises(Unavailable, match=r"this prover runs toy@1\.0; this gateway verifies toy@2\.0"):
        await hello(lane, OLD)


async def test_jobs_of_one_version_are_sold_to_provers_of_that_version_only(lane: LaneUnderTest) -> None:
    await hello(lane, NEW)
    await lane.add_task(lane=f"default/{OLD}/small")
    assert await lane.sell(stack=f"default/{OLD}", rounds=4) == 0
    await lane.add_task(lane=f"default/{NEW}/small")
    assert await lane.sell(stack=f"default/{NEW}") == 1
    assert [lease["lane"] for lease in await lane.leases()] == [f"default/{NEW}/small"]


async def test_a_prover_with_leases_of_a_version_that_is_not_here_keeps_them_for_another_gateway(
    lane: LaneUnderTest,
) -> None:
    both = HERE | {OLD}
    await hello(lane, OLD, here=both)
    await lane.add_task(lane=f"default/{OLD}/small")
    assert await lane.sell(stack=f"default/{OLD}") == 1
    [lease] = await lane.leases()

    with pytest.raises(Unavailable, match=r"leases of toy@1\.0 are held"):
        await hello(lane, NEW, OLD, held_leases=(lease,))
    [still] = await lane.leases()
    assert still["state"] == "granted"

    await hello(lane, NEW, OLD, here=both, held_leases=(lease,))
    [moved] = await lane.leases()
    assert (moved["state"], moved["session_id"] != lease["session_id"]) == ("granted", True)


async def test_jobs_of_no_version_go_to_whoever_comes_while_there_are_some(lane: LaneUnderTest) -> None:
    await lane.add_task()
    await hello(lane, NEW)
    assert await asked(lane) == ({NEW, "toy"}, 2)
    assert await lane.sell() == 1
    await hello(lane, NEW)
    assert await asked(lane) == ({NEW}, 1)
