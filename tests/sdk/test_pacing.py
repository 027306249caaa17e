"""A client that was told to come again later does, all of its calls together, and no longer than its patience."""

from __future__ import annotations

import asyncio

import pytest

from proofgrid.primitives.errors import Busy, Unavailable
from proofgrid.sdk.backoff import Backoff
from proofgrid.sdk.connection import Connection
from proofgrid.sdk.pacing import Pace
from proofgrid.wire.v1 import client_pb2 as messages
from tests.makers import a_key


def busy(wait_ms: int = 30) -> Busy:
    return Busy(wait_ms=wait_ms)


class Gateway:
    """Refuses so many calls, then takes them; counts what is under way and asked with which key."""

    def __init__(self, refusals: int) -> None:
        self.refusals = refusals
        self.keys: list[str] = []
        self.under_way = self.most = 0

    async def call(self, _: object, request: messages.SubmitRequest, **__: object) -> str:
        self.keys.append(request.idempotency_key)
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        await asyncio.sleep(0)
        self.under_way -= 1
        if self.refusals:
            self.refusals -= 1
            raise busy()
        return "taken"


def a_connection(gateway: Gateway, **options: object) -> Connection:
    connection = Connection("localhost:1", a_key(), network=a_key().address, **options)  # type: ignore[arg-type]
    connection.call = gateway.call  # type: ignore[method-assign, assignment]
    return connection


def asking(connection: Connection, key: str = "k") -> asyncio.Task[object]:
    request = messages.SubmitRequest(idempotency_key=key)
    return asyncio.ensure_future(connection.ask_in_turn(lambda services: services.client.Submit, request))


async def test_a_busy_gateway_is_asked_again_with_the_same_key_and_the_caller_is_told() -> None:
    gateway, told = Gateway(refusals=2), list[Busy]()
    connection = a_connection(gateway, patience_seconds=20, on_busy=told.append)

    assert await asking(connection) == "taken"

    assert gateway.keys == ["k"] * 3
    assert [error.wait_ms for error in told] == [30, 30]


async def test_who_does_not_want_to_wait_is_told_at_once() -> None:
    gateway = Gateway(refusals=1)
    connection = a_connection(gateway, patience_seconds=20, busy_seconds=0)

    with pytest.raises(Busy):
        await asking(connection)

    assert gateway.keys == ["k"]


async def test_patience_ends() -> None:
    gateway = Gateway(refusals=10**6)
    connection = a_connection(gateway, busy_seconds=0.2)

    with pytest.raises(Busy):
        await asking(connection)

    assert 2 <= len(gateway.keys) < 8


async def test_after_a_refusal_the_other_calls_of_the_client_wait_as_well() -> None:
    gateway = Gateway(refusals=20)
    connection = a_connection(gateway, busy_seconds=60)

    answers = await asyncio.gather(*(asking(connection, f"{number}") for number in range(40)))

    assert answers == ["taken"] * 40
    assert len(gateway.keys) == 60  # what was refused, and each once more: nobody asked in vain besides
    assert set(gateway.keys) == {f"{number}" for number in range(40)}


async def test_the_pace_is_half_after_a_refusal_and_free_again_in_the_end() -> None:
    pace = Pace()
    with pytest.raises(Busy):
        async with pace.turn(patience_seconds=20):
            raise busy(1)
    assert pace._limit == 1.0
    for _ in range(3_000):
        async with pace.turn(patience_seconds=20):
            pass
    assert pace._last is None


async def test_who_waits_for_a_turn_waits_no_longer_than_its_patience() -> None:
    pace = Pace()
    with pytest.raises(Busy):
        async with pace.turn(patience_seconds=20):
            raise busy(60_000)
    with pytest.raises(Busy):
        async with pace.turn(patience_seconds=0.01):
            raise AssertionError("it was not its turn")


async def test_a_hint_is_obeyed_with_jitter_upwards(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    backoff = Backoff(patience_seconds=100)
    for _ in range(20):
        await backoff.wait(Unavailable(wait_ms=4_000))

    assert all(4.0 <= seconds <= 6.0 for seconds in slept)
    assert len(set(slept)) > 1


async def test_an_answer_calls_the_next_in_line_and_wakes_nobody_else() -> None:
    woken = 0

    async def asks(pace: Pace) -> None:
        nonlocal woken
        async with pace.turn(patience_seconds=1_000):
            woken += 1
            await asyncio.sleep(0)

    pace = Pace()
    with pytest.raises(Busy):
        async with pace.turn(patience_seconds=20):
            raise busy(1)
    steps = 0
    calls = [asyncio.ensure_future(asks(pace)) for _ in range(500)]
    while not all(call.done() for call in calls):
        handles = len(asyncio.get_running_loop()._ready)  # type: ignore[attr-defined]
        steps += handles
        await asyncio.sleep(0)
    assert woken == 500
    # Each call begins, asks and ends, and its end is noted: a few turns of the loop for each, not some for each answer.
    assert steps < 20 * 500


async def test_who_gives_up_in_line_leaves_its_place_to_the_next() -> None:
    pace = Pace()
    order: list[str] = []

    async def asks(name: str) -> None:
        async with pace.turn(patience_seconds=1_000):
            order.append(name)

    with pytest.raises(Busy):
        async with pace.turn(patience_seconds=20):
            raise busy(50)
    calls = {name: asyncio.ensure_future(asks(name)) for name in "abcd"}
    await asyncio.sleep(0)
    calls["b"].cancel()
    await asyncio.gather(calls["a"], calls["c"], calls["d"])
    assert order == ["a", "c", "d"]
    assert pace._under_way == 0


async def test_a_turn_that_came_to_somebody_who_was_cancelled_is_given_on() -> None:
    pace = Pace()
    with pytest.raises(Busy):
        async with pace.turn(patience_seconds=20):
            raise busy(1)
    entered = asyncio.Event()
    go = asyncio.Event()

    async def holds() -> None:
        async with pace.turn(patience_seconds=1_000):
            entered.set()
            await go.wait()

    async def asks() -> None:
        async with pace.turn(patience_seconds=1_000):
            pass

    first = asyncio.ensure_future(holds())
    await entered.wait()
    second, third = asyncio.ensure_future(asks()), asyncio.ensure_future(asks())
    await asyncio.sleep(0)
    go.set()
    await first  # its end has just called the second
    second.cancel()
    await third
    assert pace._under_way == 0
