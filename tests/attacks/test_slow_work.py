"""Thirty quotes of a client without money kept everybody's submits away for a minute; a build may take half an hour.

Pins down: a client never holds the whole submission window, quotes never more than half of it; a request that takes
time and could not be paid is refused before it is normalised; a client has its share of the workers' time, and turns
in their line; one build of an owner goes on at a time, so that another's begins beside it.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from proofgrid.primitives.clock import ManualClock
from proofgrid.primitives.errors import Busy, InsufficientFunds, TooManyOpen
from proofgrid.primitives.ids import Address
from proofgrid.primitives.turns import Urgency
from proofgrid.proofs.base import NormalisedRequest, Program, ProgramFiles, SliceSpec
from proofgrid.roles.intake.admission import Admission
from proofgrid.roles.intake.gate import Gate
from proofgrid.roles.intake.normalising import Normaliser
from proofgrid.roles.intake.registration import BUILDS_AT_ONCE, BUILDS_OF_OWNER_MAX, Registration
from proofgrid.rules.access.pressure import WindowPolicy
from proofgrid.rules.access.waiting_line import places_of_askers, places_of_one
from tests.makers import a_request
from tests.roles.lanes import CLIENT, LaneUnderTest

FLOOD, HONEST = Address("0xf1"), Address("0xa1")
PLACES = 8


def a_gate() -> Gate:
    return Gate({}, ManualClock(), window=WindowPolicy(most_milli=1_000 * PLACES))


async def test_a_client_whose_work_takes_long_never_holds_the_whole_window() -> None:
    gate = a_gate()
    async with AsyncExitStack() as stack, asyncio.TaskGroup() as group:
        for _ in range(places_of_one(PLACES)):
            await stack.enter_async_context(gate.place(FLOOD))
        one_more = group.create_task(stack.enter_async_context(gate.place(FLOOD)))
        await asyncio.sleep(0)
        assert not one_more.done()
        async with gate.place(HONEST):  # nobody waits behind it
            assert not one_more.done()
        one_more.cancel()


async def test_who_only_asks_for_prices_holds_half_of_the_window_whoever_it_is() -> None:
    gate = a_gate()
    async with AsyncExitStack() as stack, asyncio.TaskGroup() as group:
        for number in range(places_of_askers(PLACES)):
            await stack.enter_async_context(gate.place(Address(f"0x{number}"), asks=True))
        waiting = group.create_task(stack.enter_async_context(gate.place(Address("0xmore"), asks=True)))
        await asyncio.sleep(0)
        for number in range(PLACES - places_of_askers(PLACES)):
            await stack.enter_async_context(gate.place(Address(f"0x{number}")))
        assert not waiting.done()
        waiting.cancel()
    assert (gate._inside, gate._asking, dict(gate._held)) == (0, 0, {})


# --- workers -------------------------------------------------------------------------------------------


class Workers:
    """Each request takes a minute of a worker; says who asked."""

    count = 1

    def __init__(self) -> None:
        self.clients: list[str] = []

    async def call(self, _function: Any, *args: Any, client: str = "", **_: Any) -> Any:
        self.clients.append(client)
        return [NormalisedRequest(statement={}, jobs=())], 60.0

    async def program(self, _digest: str) -> Program:
        return a_slow_program()

    @asynccontextmanager
    async def at_hand(self, program: Program) -> Any:
        yield ProgramFiles(program, {})


def a_slow_program() -> Program:
    slices = (SliceSpec(index=0, units=1_000, memory_bytes=1),)
    return Program(proof_system="toy", identity={}, files={}, verifying_files=(), slices=slices)


async def test_a_client_has_its_share_of_the_workers_time_and_others_have_theirs() -> None:
    workers, clock = cast(Any, Workers()), ManualClock()
    normaliser = Normaliser(workers, workers, workers, workers, scratch=Path(), clock=clock)
    outcomes: list[object] = []
    for _ in range(10):
        try:
            await normaliser.normalise(a_slow_program(), a_request(), FLOOD, urgency=Urgency.READING)
            outcomes.append("done")
        except Busy as error:
            outcomes.append(error.wait_ms)
    assert outcomes == ["done"] * 2 + [120_000] * 8
    await normaliser.normalise(a_slow_program(), a_request(), HONEST, urgency=Urgency.READING)
    clock.advance(120_000)
    await normaliser.normalise(a_slow_program(), a_request(), FLOOD, urgency=Urgency.READING)
    assert workers.clients == [FLOOD, FLOOD, HONEST, FLOOD]  # and the line goes round those who wait in it


async def test_who_cannot_pay_is_refused_before_a_request_is_normalised(lane: LaneUnderTest) -> None:
    admission = Admission.__new__(Admission)
    admission._database = lane.database

    async def units_of(_program: Program, _digest: str, _engines: object) -> int:
        return 1_000

    admission._sizing = cast(Any, SimpleNamespace(units_of=units_of))
    rich, poor = CLIENT, Address("0xpoor")
    for limit_price in (0, 1_500):
        asked = a_request(limit_price=limit_price)
        await admission._check_money(rich, asked, a_slow_program(), {})
        with pytest.raises(InsufficientFunds):
            await admission._check_money(poor, asked, a_slow_program(), {})


# --- builds --------------------------------------------------------------------------------------------


async def test_one_build_of_an_owner_goes_on_at_a_time_and_another_owner_s_beside_it() -> None:
    nothing = cast(Any, None)
    registration = Registration(
        nothing, nothing, nothing, nothing, engines=nothing, trust={}, scratch=Path(), publish=nothing
    )
    going_on: list[Address] = []
    may_end = asyncio.Event()

    async def build(owner: Address) -> None:
        async with registration._in_turn(owner):
            going_on.append(owner)
            await may_end.wait()

    async with asyncio.TaskGroup() as group:
        for _ in range(BUILDS_OF_OWNER_MAX):
            group.create_task(build(FLOOD))
        await asyncio.sleep(0)
        group.create_task(build(HONEST))
        for _ in range(5):
            await asyncio.sleep(0)
        assert going_on == [FLOOD, HONEST]
        assert len(going_on) == BUILDS_AT_ONCE
        with pytest.raises(TooManyOpen):
            await build(FLOOD)
        may_end.set()
    assert going_on.count(FLOOD) == BUILDS_OF_OWNER_MAX
    assert registration._owners == {}
