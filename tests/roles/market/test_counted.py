"""Bids below every ask in a large book, on a real database: counted, told, and sold as soon as they can be."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest

from proofgrid.primitives.digests import digest_of
from proofgrid.primitives.ids import GatewayId
from proofgrid.roles.market import collecting
from proofgrid.roles.market.rounds import Market
from proofgrid.rules.market.rounds import replay
from proofgrid.store.tasks import LOCK_TASKS
from proofgrid.store.transactions import Transaction
from tests.roles.lanes import STACK, LaneUnderTest

ASK, SLOTS = 700, 8
CHEAP = 400  #: and less


@pytest.fixture
async def counting(lane: LaneUnderTest, monkeypatch: pytest.MonkeyPatch) -> LaneUnderTest:
    """A lane whose rounds count from the first bid on, with a prover and bids that wait for a lower ask."""
    monkeypatch.setattr(collecting, "COUNT_FROM_TASKS", 0)
    await lane.add_prover("op1", ask=ASK, slots=SLOTS)
    await lane.add_prover("op2", ask=ASK + 100, slots=SLOTS)
    return lane


async def add_cheap(lane: LaneUnderTest, number: int = 12) -> list[UUID]:
    return [await lane.add_task(limit_price=CHEAP - place // 2) for place in range(number)]


async def hold(lane: LaneUnderTest, market: Market | None = None) -> tuple[int, dict[str, Any]]:
    """Hold a round; return what was sold, and its record, which anybody can replay and whose chain has no gap."""
    await lane.fetch("UPDATE gateways SET seen_ms = now_ms() + 3600000")
    held = await (market or lane.market).hold_rounds(STACK)
    assert held is not None
    rows = await lane.fetch("SELECT transcript, transcript_hash, bids FROM rounds ORDER BY number")
    records = [json.loads(row["transcript"]) for row in rows]
    assert all(row["transcript_hash"] == digest_of(row["transcript"].encode()) for row in rows)
    assert [one["previous"] for one in records] == [None, *(row["transcript_hash"] for row in rows[:-1])]
    replay(records[-1])
    counted = sum(bids for _, bids in records[-1].get("counted", {"prices": []})["prices"])
    assert rows[-1]["bids"] == len(records[-1]["bids"]) + counted
    return held.sold, records[-1]


async def told(lane: LaneUnderTest) -> list[int]:
    return sorted(data["limit_price"] for kind, data in await lane.events() if kind == "no_sale")


async def test_what_can_be_sold_is_named_and_the_rest_is_counted(counting: LaneUnderTest) -> None:
    cheap = await add_cheap(counting)
    await counting.add_task(limit_price=1_500)
    await counting.add_task(limit_price=1_400)
    sold, record = await hold(counting)
    assert sold == 2
    assert record["version"] == 4
    assert sorted(bid["limit_price"] for bid in record["bids"]) == [1_400, 1_500]
    assert record["counted"]["prices"] == [[CHEAP - place, 2] for place in range(6)]
    assert len(record["counted"]["programs"]) == 1
    assert await told(counting) == sorted(CHEAP - place // 2 for place in range(len(cheap)))
    assert (await counting.market.hold_rounds(STACK)) is not None
    assert len(await told(counting)) == len(cheap)  # once


async def test_the_same_is_sold_at_the_same_price_as_by_names(
    counting: LaneUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add_cheap(counting)
    rich = [await counting.add_task(limit_price=1_500 - 10 * place) for place in range(4)]
    results = []
    for count_from in (0, 10**6):
        monkeypatch.setattr(collecting, "COUNT_FROM_TASKS", count_from)
        sold, record = await hold(counting)
        leases = await counting.leases()
        results.append(
            (sold, {lease["task_id"] for lease in leases}, leases[-1]["sell_price"], leases[-1]["buy_price"])
        )
        assert ("counted" in record) is (count_from == 0)
        assert record["next_reference"] is not None
        await counting.fetch("DELETE FROM leases")
        await counting.fetch("UPDATE jobs SET state = 'ready', lease_id = NULL WHERE lease_id IS NOT NULL")
    assert results[0][:2] == results[1][:2] == (4, set(rich))


async def test_whatever_is_not_one_plain_job_keeps_its_name_and_who_bids_the_same_too(counting: LaneUnderTest) -> None:
    await add_cheap(counting, 6)
    await counting.add_task(limit_price=CHEAP, jobs=2)
    barred = await counting.add_task(limit_price=CHEAP - 10)
    await counting.fetch("""UPDATE jobs SET excluded = '{"op1/p": 9007199254740993}' WHERE task_id = $1""", barred)
    await counting.add_task(limit_price=1_500)
    _, record = await hold(counting)
    assert record["counted"]["prices"] == [[CHEAP - 1, 2], [CHEAP - 2, 2]]
    named = sorted(bid["limit_price"] for bid in record["bids"])
    assert named == [CHEAP - 10, CHEAP, CHEAP, CHEAP, 1_500]


async def test_a_raised_price_a_cancelled_task_and_one_past_its_deadline_between_two_rounds(
    counting: LaneUnderTest,
) -> None:
    first, second, third, *_ = await add_cheap(counting)
    market = counting.market
    sold, record = await hold(counting, market)
    assert (sold, record["counted"]["prices"][0]) == (0, [CHEAP, 2])
    await counting.fetch("UPDATE tasks SET limit_price = 1500 WHERE task_id = $1", first)
    await counting.fetch("UPDATE jobs SET limit_price = 1500 WHERE task_id = $1", first)
    await counting.fetch("UPDATE jobs SET state = 'cancelled' WHERE task_id = $1", second)
    await counting.fetch("UPDATE tasks SET state = 'cancelled' WHERE task_id = $1", second)
    await counting.fetch("UPDATE tasks SET deadline_ms = 1 WHERE task_id = $1", third)
    sold, record = await hold(counting, market)
    assert sold == 1
    assert [bid["limit_price"] for bid in record["bids"]] == [1_500]
    assert record["counted"]["prices"][0] == [CHEAP - 1, 1]
    [lease] = await counting.leases()
    assert lease["task_id"] == first


async def test_another_leader_goes_on_where_the_first_one_was(counting: LaneUnderTest) -> None:
    await add_cheap(counting)
    await hold(counting)
    other = replace(counting, gateway_id=GatewayId(uuid4()))
    await counting.add_task(limit_price=1_500)
    sold, record = await hold(counting, other.market)
    assert (sold, record["number"]) == (1, 2)
    assert record["counted"]["prices"] == [[CHEAP - place, 2] for place in range(6)]
    assert len(await told(counting)) == 12  # the other one read that they were told


async def test_an_ask_that_falls_makes_names_of_those_above_it(counting: LaneUnderTest) -> None:
    await add_cheap(counting)
    await hold(counting)
    await counting.add_prover("op3", ask=CHEAP - 3, slots=SLOTS)
    _, record = await hold(counting)
    assert [pair[0] for pair in record["counted"]["prices"]] == [CHEAP - 4, CHEAP - 5]
    assert {bid["limit_price"] for bid in record["bids"]} == {CHEAP - place for place in range(4)}


async def test_a_task_that_somebody_changes_is_counted_and_told_in_a_later_round(counting: LaneUnderTest) -> None:
    first, *_ = await add_cheap(counting, 4)
    market = counting.market
    async with counting.database.transaction(Transaction.HOLD_ROUND) as other:
        await other.fetch(LOCK_TASKS, task_ids=[first])
        _, record = await hold(counting, market)
        assert record["counted"]["prices"] == [[CHEAP, 2], [CHEAP - 1, 2]]
        assert await told(counting) == [CHEAP - 1, CHEAP - 1, CHEAP]
    await hold(counting, market)
    assert await told(counting) == [CHEAP - 1, CHEAP - 1, CHEAP, CHEAP]


async def test_only_as_many_are_counted_as_exhaust_the_slots(
    counting: LaneUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collecting, "BOOK_TASKS_MIN", 4)
    await add_cheap(counting, 40)
    await counting.add_task(limit_price=1_500)
    _, record = await hold(counting)
    counted = sum(bids for _, bids in record["counted"]["prices"])
    assert counted == 2 * SLOTS + 1 + 2 * SLOTS // 8
    assert record["counted"]["prices"][0] == [CHEAP, 2]
