"""Whoever takes leases and sits on them, or tells of progress for ever, holds few of them, and not for long."""

from __future__ import annotations

from tests.roles.lanes import LaneUnderTest
from tests.roles.test_newcomers import sell_all
from tests.roles.test_reputation import slots


async def time_is_up(lane: LaneUnderTest, *, seen: str) -> None:
    """The time to start is over for all that were told; when their provers were `seen` last, as SQL."""
    await lane.fetch(
        "UPDATE leases SET expires_ms = now_ms() - 1, phase_until_ms = now_ms() - 1 WHERE state = 'offered'"
    )
    await lane.fetch(f"UPDATE sessions SET seen_ms = {seen}")  # noqa: S608


async def test_a_hoarder_gets_few_of_thirty_jobs_and_is_paused_for_them(lane: LaneUnderTest) -> None:
    hoarder = await lane.add_prover("mallory", ask=1, slots=30)
    for _ in range(30):
        await lane.add_task()
    await sell_all(lane)
    await lane.offer(hoarder)
    await lane.add_prover("honest", slots=30)
    await lane.fetch("UPDATE provers SET jobs_proven = 8 WHERE operator = 'honest'")
    await sell_all(lane)
    holders = [lease["operator"] for lease in await lane.leases()]
    assert (holders.count("mallory"), holders.count("honest")) == (8, 22)

    await time_is_up(lane, seen="now_ms()")
    await lane.watch.take_back_expired()

    returned = [data["reason"] for kind, data in await lane.events() if kind == "returned"]
    assert returned == ["not_started"] * 8
    assert await slots(lane, "mallory/p") == 0
    excluded = await lane.fetch("SELECT excluded, attempts FROM jobs WHERE state = 'ready'")
    assert [(list(row["excluded"]), row["attempts"]) for row in excluded] == [(["mallory"], 0)] * 8


async def test_who_may_not_have_heard_of_a_lease_is_not_blamed(lane: LaneUnderTest) -> None:
    session = await lane.add_prover("alice")
    await lane.add_task()
    assert await lane.sell()
    await lane.offer(session)

    await time_is_up(lane, seen="now_ms() - 60000")
    await lane.watch.take_back_expired()

    assert [data["reason"] for kind, data in await lane.events() if kind == "returned"] == ["not_picked_up"]
    [row] = await lane.fetch("SELECT lost_micro, jobs_failed FROM provers")
    assert tuple(row) == (0, 0)


async def test_progress_without_end_ends(lane: LaneUnderTest) -> None:
    session = await lane.add_prover("mallory")
    await lane.fetch("INSERT INTO prover_speeds VALUES ('mallory/p', 'toy', 'small', 30000, 300, 30)")
    await lane.add_task()
    assert await lane.sell()
    await lane.offer(session)
    async with lane.running_desk() as desk:
        await lane.say(desk, (await lane.leases())[0], 0)
        for permille in range(1, 30):
            await lane.fetch("UPDATE leases SET started_ms = started_ms - 60000")
            await lane.say(desk, (await lane.leases())[0], permille)

    [lease] = await lane.leases()
    # What it needs for such a job at its measured speed is a hundredth of a second.
    assert lease["phase_until_ms"] <= lease["until_ms"] <= lease["now_ms"] + 3 * lease["prove_ms"]
    assert lease["prove_ms"] < 16_000
