"""A firm quote of one proof: the seat of a job that takes proofs is kept until these are there, and granted then."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import pytest

from proofgrid.primitives.clock import SystemClock
from proofgrid.primitives.digests import Digest
from proofgrid.primitives.errors import NoFirmQuote
from proofgrid.primitives.ids import Address, Lane, TaskId
from proofgrid.proofs.base import JobDraft
from proofgrid.roles.intake.bond_moves import deposit_stake
from proofgrid.roles.intake.drafts import Draft, DraftedJob
from proofgrid.roles.intake.reserving import ReserveSettings, Reserving
from proofgrid.roles.intake.sizing import PlacedJob, SizedJob
from proofgrid.roles.intake.writing_down import redeem
from proofgrid.rules.jobs.request import redeem as at_the_price_of
from proofgrid.rules.jobs.retry import ReturnReason
from proofgrid.rules.market.reserves import ReservedJob
from proofgrid.store.firm_quotes import GET_FIRM_QUOTE
from proofgrid.store.ledger import LEDGER_FAULTS
from tests.makers import a_key, a_request
from tests.roles.lanes import CLIENT, LANE, UNITS, LaneUnderTest

ALICE, BOB = a_key(7).address, a_key(8).address
FOLD: tuple[tuple[int, ...], ...] = ((), (), (0, 1))  #: two parts and what makes one of them


async def offer(lane: LaneUnderTest, operator: Address, slots: int, *, systems: Sequence[str] = ("toy",)) -> Any:
    await deposit_stake(lane.database, operator, operator, 10**9, from_outside=True)
    session = await lane.add_prover(operator, slots=slots, systems=systems)
    await lane.fetch(
        "UPDATE sessions SET reserve_price = 900, reserve_slots = $1 WHERE session_id = $2", slots, session
    )
    await lane.fetch("UPDATE gateways SET seen_ms = now_ms()")
    return session


async def sold(lane: LaneUnderTest, lanes: Sequence[str] = (LANE,) * 3) -> UUID:
    """Sell a quote for the jobs of FOLD, each in its lane."""
    jobs = [
        ReservedJob(lane=one, units=UNITS, memory_bytes=1, depends_on=taken)
        for one, taken in zip(lanes, FOLD, strict=True)
    ]
    quote_id = await Reserving(lane.database, ReserveSettings(), SystemClock()).sell(
        CLIENT, jobs, hold_ms=60_000, cost_max=0, idempotency_key="q", program_digest="p", inputs=2, aggregate=True
    )
    assert quote_id is not None
    return quote_id


async def redeemed(lane: LaneUnderTest, quote_id: UUID, lanes: Sequence[str] = (LANE,) * 3) -> None:
    """Let a task redeem it."""
    async with lane.database.connection() as connection:
        quote = await connection.value(GET_FIRM_QUOTE, quote_id=quote_id, client=CLIENT)
    request = a_request(
        program_digest="p", inputs=(1, 2), idempotency_key="t", limit_price=0, aggregate=True, quote_id=str(quote_id)
    )
    jobs = [_job(Lane(one), place, taken) for place, (one, taken) in enumerate(zip(lanes, FOLD, strict=True))]
    draft = Draft(
        task_id=TaskId(uuid4()),
        client=CLIENT,
        request=at_the_price_of(request, limit_price=quote.buy_price),
        subnetwork="default",
        statement={},
        jobs=jobs,
        escrow=quote.cost,
        quote=quote,
    )
    assert await redeem(lane.database, draft, quote, lane.seating) is not None


def _job(lane: Lane, place: int, taken: tuple[int, ...]) -> DraftedJob:
    content = JobDraft(
        slice_index=int(bool(taken)),
        input_index=place,
        units=UNITS,
        memory_bytes=1,
        depends_on=taken,
        input=b"i",
        facts={},
    )
    sized = SizedJob(proof_system="toy", content=content, said=content, correction=0)
    return DraftedJob(job_id=uuid4(), input_digest=Digest("0" * 64), placed=PlacedJob(lane=lane, sized=sized))


async def seats(lane: LaneUnderTest) -> list[str]:
    return [row["state"] for row in await lane.fetch("SELECT state FROM firm_quote_seats ORDER BY position")]


async def held(lane: LaneUnderTest) -> list[Any]:
    return [lease for lease in await lane.leases() if lease["state"] in ("granted", "offered", "running")]


async def quote_ended(lane: LaneUnderTest) -> tuple[str, dict[str, int]]:
    [row] = await lane.fetch("SELECT state FROM firm_quotes")
    rows = await lane.fetch(
        "SELECT reason, sum(amount)::bigint AS n FROM transfers WHERE debit LIKE 'quote:%' GROUP BY 1"
    )
    assert not await lane.ask(LEDGER_FAULTS)
    return row["state"], {one["reason"]: one["n"] for one in rows}


async def miss(lane: LaneUnderTest) -> None:
    await lane.fetch("UPDATE tasks SET deadline_ms = 1")
    await lane.watch.end_overdue()


async def test_parts_are_leased_at_once_and_what_takes_them_when_the_last_is_paid(lane: LaneUnderTest) -> None:
    session = await offer(lane, ALICE, 3)
    quote_id = await sold(lane)
    await redeemed(lane, quote_id)
    assert await seats(lane) == ["granted", "granted", "reserved"]
    await lane.offer(session)
    first, second = await held(lane)

    await lane.pay(first)
    assert await seats(lane) == ["granted", "granted", "reserved"]
    await lane.pay(second)
    assert await seats(lane) == ["granted"] * 3
    [wrap] = await held(lane)
    assert (wrap["prover_id"], wrap["round"], wrap["buy_price"]) == (f"{ALICE}/p", 0, first["buy_price"])
    told = [data for kind, data in await lane.events() if kind == "sold"]
    assert [(one["slice"], one["round"]) for one in told] == [(0, 0), (0, 0), (1, 0)]
    [ready] = await lane.fetch("SELECT count(*) AS n FROM jobs WHERE state = 'ready'")
    assert not ready["n"]

    await lane.offer(session)
    await lane.pay(wrap)
    [task] = await lane.fetch("SELECT state, spent, escrow FROM tasks")
    assert (task["state"], task["spent"]) == ("combining", task["escrow"])


async def test_a_seat_in_waiting_is_no_supply_of_rounds(lane: LaneUnderTest) -> None:
    session = await offer(lane, ALICE, 3)
    await redeemed(lane, await sold(lane))
    await lane.offer(session)
    await lane.pay((await held(lane))[0])
    assert await seats(lane) == ["granted", "granted", "reserved"]
    await lane.add_task(jobs=3)
    while await lane.sell(rounds=3):
        pass
    assert len(await held(lane)) == 2  # one of the two slots that are not kept was free


async def test_who_is_not_there_when_the_parts_are_leaves_the_wrap_to_the_live_market(lane: LaneUnderTest) -> None:
    session = await offer(lane, ALICE, 3)
    await redeemed(lane, await sold(lane))
    await lane.offer(session)
    leases = await held(lane)
    await lane.fetch("UPDATE sessions SET draining = true")
    await lane.pay(*leases)
    assert await seats(lane) == ["granted", "granted", "absent"]
    await lane.add_prover(BOB)
    assert await lane.sell() == 1
    [wrap] = await held(lane)
    assert wrap["operator"] == BOB
    assert wrap["buy_price"] <= leases[0]["buy_price"]


async def test_whose_turn_never_came_is_not_to_blame_for_a_miss(lane: LaneUnderTest) -> None:
    await offer(lane, ALICE, 3)
    await redeemed(lane, await sold(lane))
    await miss(lane)
    assert await seats(lane) == ["owed", "owed", "free"]
    state, moved = await quote_ended(lane)
    assert state == "missed"
    assert moved["quote_penalty"] == moved["quote_burnt"] > 0


@pytest.mark.parametrize("late", [True, False])
async def test_who_came_late_for_others_answers_and_who_waited_for_it_does_not(lane: LaneUnderTest, late: bool) -> None:
    session = await offer(lane, ALICE, 3)
    await redeemed(lane, await sold(lane))
    await lane.offer(session)
    leases = await held(lane)
    if late:  # the task is older than the time of its parts
        await lane.fetch("UPDATE tasks SET created_ms = created_ms - 3600000")
    await lane.pay(*leases)
    await lane.offer(session)
    await miss(lane)
    assert await seats(lane) == (["owed", "owed", "free"] if late else ["delivered", "delivered", "owed"])
    state, moved = await quote_ended(lane)
    assert (state, moved["quote_penalty"]) == ("missed", 3 * UNITS * leases[0]["buy_price"] // 5)


async def test_a_wrap_that_is_given_back_is_sold_again_as_any_job(lane: LaneUnderTest) -> None:
    session = await offer(lane, ALICE, 3)
    await redeemed(lane, await sold(lane))
    await lane.offer(session)
    await lane.pay(*await held(lane))
    [wrap] = await held(lane)
    await lane.give_back(wrap, ReturnReason.CHILD_CRASHED)
    assert await seats(lane) == ["granted"] * 3
    await lane.add_prover(BOB)
    await lane.fetch("UPDATE jobs SET not_before_ms = 0")
    assert await lane.sell() == 1
    await lane.check_money()


async def test_a_graph_is_promised_by_who_proves_all_of_its_systems(lane: LaneUnderTest) -> None:
    lanes = [LANE, "default/other/small", LANE]
    await offer(lane, ALICE, 3)
    with pytest.raises(NoFirmQuote, match="of other and toy together"):
        await sold(lane, lanes)
    await lane.fetch("UPDATE sessions SET open = false")
    session = await offer(lane, BOB, 3, systems=("toy", "other"))
    await redeemed(lane, await sold(lane, lanes), lanes)
    assert {lease["lane"] for lease in await held(lane)} == set(lanes)
    await lane.offer(session)
    await lane.pay(*await held(lane))
    assert await seats(lane) == ["granted"] * 3
