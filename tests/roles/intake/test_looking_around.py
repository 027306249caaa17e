"""What is looked up before a request is admitted, in the database: one statement for all, counts where they matter."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest

from proofgrid.primitives.clock import ManualClock
from proofgrid.primitives.errors import IdempotencyConflict, InsufficientFunds, InvalidInput, TooManyOpen
from proofgrid.primitives.ids import Address
from proofgrid.proofs.base import JobDraft, NormalisedRequest, Program, SliceSpec
from proofgrid.roles.intake.admission import Admission
from proofgrid.roles.intake.known_engines import KnownEngines
from proofgrid.roles.intake.looking_around import LookingAround
from proofgrid.roles.intake.programs import KnownPrograms
from proofgrid.roles.intake.sizing import Sizing
from proofgrid.roles.intake.writing_down import MarketHere
from proofgrid.rules.jobs.limits import COUNT_HOLDS_MS, Limits
from proofgrid.rules.jobs.phases import PhasePolicy
from proofgrid.rules.ledger.settlement import deposit
from proofgrid.store.programs import INSERT_PROGRAM
from proofgrid.store.task_views import GET_TASK
from proofgrid.store.transactions import Transaction
from proofgrid.store.transfers import post_transfers
from tests.makers import a_program, a_request
from tests.roles.lanes import CLIENT, UNITS, LaneUnderTest

pytestmark = pytest.mark.usefixtures("toy_system_on_path")

OTHER = Address("0xc2")
NO_MARKET = MarketHere(origin="", wake=lambda _: None)


@asynccontextmanager
async def looking(lane: LaneUnderTest, *, limit: int) -> AsyncIterator[tuple[LookingAround, ManualClock, list[int]]]:
    """Look around with this limit; yield it, its clock, and how many requests each statement looked for."""
    clock, sizes = ManualClock(), list[int]()
    around = LookingAround(lane.database, open_tasks_max=limit, clock=clock)
    look = around._look

    async def counting(asked: list[tuple[Address, str]]) -> Any:
        sizes.append(len(asked))
        return await look(asked)

    around._waiting._carry_out = counting
    async with asyncio.TaskGroup() as group:
        running = group.create_task(around.run())
        yield around, clock, sizes
        running.cancel()


async def test_who_asks_together_is_answered_by_one_statement_each_with_what_is_known_of_it(
    lane: LaneUnderTest,
) -> None:
    known = await lane.add_task()
    async with looking(lane, limit=10) as (around, _, sizes):
        asked = [(CLIENT, str(known)), (CLIENT, "new"), (OTHER, str(known)), (CLIENT, "newer")]
        answers = await asyncio.gather(*(around.look(client, key) for client, key in asked))

    assert sizes == [4]
    # A key is its client's own.
    assert [one.task_id for one in answers] == [known, None, None, None]
    assert [one.request_digest for one in answers] == ["digest", None, None, None]
    assert [one.open_tasks for one in answers] == [1, 1, 0, 1]


async def test_far_below_the_limit_a_count_holds_and_grows_by_what_was_accepted_here(lane: LaneUnderTest) -> None:
    async with looking(lane, limit=100) as (around, clock, _):
        assert (await around.look(CLIENT, "a")).open_tasks == 0
        await lane.add_task()
        around.note_accepted(CLIENT)
        await lane.add_task()  # by another gateway
        assert (await around.look(CLIENT, "b")).open_tasks == 1
        await clock.sleep(COUNT_HOLDS_MS / 1000)
        assert (await around.look(CLIENT, "c")).open_tasks == 2


async def test_near_the_limit_every_request_counts_anew(lane: LaneUnderTest) -> None:
    async with looking(lane, limit=10) as (around, _, _):
        for _ in range(9):
            await lane.add_task()
        assert (await around.look(CLIENT, "a")).open_tasks == 9
        await lane.add_task()
        assert (await around.look(CLIENT, "b")).open_tasks == 10
        await lane.fetch("UPDATE tasks SET state = 'done'")
        assert (await around.look(CLIENT, "c")).open_tasks == 0


# --- admission, with a proof system that makes one job of each input ---------------------------------


class OneJobEach:
    """Stands for the normaliser; says how often it was asked."""

    def __init__(self, *, quick: bool) -> None:
        self.asked = 0
        self.quick = quick

    def is_quick(self, request: Any) -> bool:
        return self.quick

    async def run(self) -> None:
        await asyncio.Event().wait()

    async def program(self, digest: str) -> Any:
        slices = (SliceSpec(index=0, units=UNITS, memory_bytes=1),)
        return Program(proof_system="toy", identity={"digest": digest}, files={}, verifying_files=(), slices=slices)

    async def normalise(self, program: Any, request: Any, client: Any) -> NormalisedRequest:
        self.asked += 1
        jobs = [
            JobDraft(
                slice_index=0, input_index=place, units=UNITS, memory_bytes=1, depends_on=(), input=b"input", facts={}
            )
            for place, _ in enumerate(request.inputs)
        ]
        return NormalisedRequest(statement={"inputs": []}, jobs=tuple(jobs))

    async def store_inputs(self, client: Any, jobs: Any) -> list[str]:
        return ["0" * 64 for _ in jobs]


@asynccontextmanager
async def admitting(
    lane: LaneUnderTest,
    *,
    open_tasks: int = 1_000,
    market: MarketHere = NO_MARKET,
    quick: bool = False,
    learns: bool = False,
) -> AsyncIterator[tuple[Admission, OneJobEach]]:
    normaliser: Any = OneJobEach(quick=quick)
    price_jobs: Any = None
    admission = Admission(
        lane.database,
        normaliser,
        KnownPrograms(lane.database, ManualClock()),
        price_jobs,
        limits=Limits(open_tasks=open_tasks),
        clock=ManualClock(),
        subnetwork="default",
        phases=PhasePolicy(),
        market=market,
        sizing=Sizing(lane.database, ManualClock(), is_wanted=learns),
        engines=KnownEngines(lane.database, None, clock=ManualClock()),
    )
    async with asyncio.TaskGroup() as group:
        running = group.create_task(admission.run())
        yield admission, normaliser
        running.cancel()


async def test_what_submit_answers_is_what_is_read_of_the_task_afterwards(lane: LaneUnderTest) -> None:
    async with admitting(lane) as (admission, normaliser):
        requests = [
            a_request(program_digest="p", inputs=(1, 2), idempotency_key="a"),
            a_request(program_digest="p", inputs=(1,), idempotency_key="b", deadline_ms=1_700_000_100_000),
        ]
        answers = await asyncio.gather(*(admission.submit(CLIENT, one) for one in requests))
        again = await admission.submit(CLIENT, requests[0])

        async with lane.database.connection() as connection:
            read = [await connection.value(GET_TASK, task_id=one.task_id) for one in answers]
        assert [*answers, again] == [*read, read[0]]
        assert normaliser.asked == 2

        with pytest.raises(IdempotencyConflict):
            await admission.submit(
                CLIENT, a_request(program_digest="p", inputs=(9,), inputs_digest="9" * 64, idempotency_key="a")
            )


async def test_two_calls_with_one_key_at_the_same_moment_are_one_task(lane: LaneUnderTest) -> None:
    async with admitting(lane) as (admission, _):
        request = a_request(program_digest="p", idempotency_key="a")
        first, second = await asyncio.gather(admission.submit(CLIENT, request), admission.submit(CLIENT, request))
    assert first == second
    [row] = await lane.fetch("SELECT count(*) AS n FROM tasks")
    assert row["n"] == 1


async def test_who_has_too_many_open_is_refused_before_anything_is_normalised(lane: LaneUnderTest) -> None:
    async with admitting(lane, open_tasks=2) as (admission, normaliser):
        for key in ("a", "b"):
            await admission.submit(CLIENT, a_request(program_digest="p", idempotency_key=key))
        with pytest.raises(TooManyOpen):
            await admission.submit(CLIENT, a_request(program_digest="p", idempotency_key="c"))
        assert normaliser.asked == 2
        # The same request as before is the same task, however many are open.
        await admission.submit(CLIENT, a_request(program_digest="p", idempotency_key="a"))


async def test_one_that_cannot_pay_takes_nobody_down(lane: LaneUnderTest) -> None:
    async with lane.database.transaction(Transaction.MOVE_MONEY) as connection:
        await post_transfers(connection, deposit(deposit_id="little", client=OTHER, amount=1))
        await connection.run(INSERT_PROGRAM, **a_program(owner=OTHER))
    async with admitting(lane) as (admission, _):
        request = a_request(program_digest="p", idempotency_key="a")
        paid, short = await asyncio.gather(
            admission.submit(CLIENT, request), admission.submit(OTHER, request), return_exceptions=True
        )
    assert isinstance(short, InsufficientFunds)
    assert not isinstance(paid, BaseException)
    assert isinstance(paid.task_id, UUID)


# --- programs that are normalised in no time: written down at once, looked for only where that fails ---


@asynccontextmanager
async def counting_looks(admission: Admission) -> AsyncIterator[list[str]]:
    """Yield the keys that are looked for."""
    keys: list[str] = []
    look = admission._around.look

    async def noting(client: Address, key: str) -> Any:
        keys.append(key)
        return await look(client, key)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(admission._around, "look", noting)
        yield keys


async def test_a_quick_request_of_a_client_that_was_counted_is_written_down_without_looking(
    lane: LaneUnderTest,
) -> None:
    async with admitting(lane, quick=True) as (admission, _), counting_looks(admission) as keys:
        for key in "abc":
            await admission.submit(CLIENT, a_request(program_digest="p", idempotency_key=key))
        assert keys == ["a"]  # the client had not been counted
        # What asks for a proof that is there already must look.
        await admission.submit(CLIENT, a_request(program_digest="p", idempotency_key="d", allow_cached=True))
        assert keys == ["a", "d"]
    [row] = await lane.fetch("SELECT count(*) AS n FROM tasks")
    assert row["n"] == 4


async def test_a_quick_request_that_was_accepted_before_is_answered_as_it_was_whatever_is_wrong_by_now(
    lane: LaneUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = a_request(program_digest="p", idempotency_key="b")
    async with admitting(lane, quick=True) as (admission, normaliser):
        await admission.submit(CLIENT, a_request(program_digest="p", idempotency_key="a"))
        first = await admission.submit(CLIENT, request)
        again = await admission.submit(CLIENT, request)
        assert again == first
        with pytest.raises(IdempotencyConflict):
            await admission.submit(
                CLIENT, a_request(program_digest="p", inputs=(9,), inputs_digest="9" * 64, idempotency_key="b")
            )

        async def refused(*_: object) -> None:
            raise InvalidInput("not any more", field="inputs[0]")

        monkeypatch.setattr(normaliser, "normalise", refused)
        assert await admission.submit(CLIENT, request) == first
        with pytest.raises(IdempotencyConflict):
            await admission.submit(
                CLIENT, a_request(program_digest="p", inputs=(9,), inputs_digest="9" * 64, idempotency_key="b")
            )
        with pytest.raises(InvalidInput):
            await admission.submit(CLIENT, a_request(program_digest="p", idempotency_key="c"))
    assert await lane.fetch("SELECT balance FROM accounts WHERE account = 'escrow:' || $1", str(first.task_id))
    await lane.check_money()
    [row] = await lane.fetch("SELECT count(*) AS n FROM tasks")
    assert row["n"] == 2


async def test_quick_calls_with_one_key_at_the_same_moment_are_one_task_paid_once(lane: LaneUnderTest) -> None:
    async with admitting(lane, quick=True) as (admission, _):
        await admission.submit(CLIENT, a_request(program_digest="p", idempotency_key="a"))
        request = a_request(program_digest="p", idempotency_key="b")
        answers = await asyncio.gather(*(admission.submit(CLIENT, request) for _ in range(5)))
    assert len({one.task_id for one in answers}) == 1
    [row] = await lane.fetch("SELECT count(*) AS n FROM transfers WHERE reason = 'escrow'")
    assert row["n"] == 2
    await lane.check_money()


async def test_near_the_limit_a_quick_request_is_counted_like_any_other(lane: LaneUnderTest) -> None:
    async with admitting(lane, open_tasks=10, quick=True) as (admission, normaliser):
        for key in "abcdefghij":
            await admission.submit(CLIENT, a_request(program_digest="p", idempotency_key=key))
        with pytest.raises(TooManyOpen):
            await admission.submit(CLIENT, a_request(program_digest="p", idempotency_key="k"))
        assert normaliser.asked == 10


async def test_quick_requests_that_come_while_one_is_under_way_are_written_together(lane: LaneUnderTest) -> None:
    written: list[str] = []
    async with admitting(lane, quick=True) as (admission, _):
        await admission.submit(CLIENT, a_request(program_digest="p", idempotency_key="counted"))
        lane.database.on_boundary = written.append
        await asyncio.gather(
            *(admission.submit(CLIENT, a_request(program_digest="p", idempotency_key=key)) for key in "abcde")
        )
    assert written.count("admit_tasks:after") == 2


async def test_a_task_keeps_what_its_system_said_and_names_the_correction_of_its_size(lane: LaneUnderTest) -> None:
    await lane.fetch(
        "INSERT INTO size_corrections (proof_system, engine, scope, units_permille, memory_permille)"
        " VALUES ('toy', 'toy', '', 1000, 1000), ('toy', 'toy', 'p/0', 70000, 3000)"
    )
    async with admitting(lane, learns=True) as (admission, _):
        task = await admission.submit(CLIENT, a_request(program_digest="p", idempotency_key="a", limit_price=2))
    [job] = await lane.fetch("SELECT * FROM jobs")
    assert (job["units"], job["said_units"]) == (70 * UNITS, UNITS)
    assert (job["memory_bytes"], job["said_memory_bytes"], job["sizes"]) == (3, 1, 2)
    assert job["lane"] == "default/toy/medium"  # so many units are no small job
    assert (task.units, task.escrow) == (70 * UNITS, 140 * UNITS)
    [(kind, accepted)] = await lane.events()
    assert (kind, accepted["sizes"], accepted["units"]) == ("accepted", [2], 70 * UNITS)
