"""The prover's stream, against gateways that do not do their part."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import pytest

from proofgrid.primitives.clock import SystemClock
from proofgrid.primitives.errors import NameTaken, ProofgridError, Unavailable
from proofgrid.roles.prover import link as link_module
from proofgrid.roles.prover import name_wait
from proofgrid.roles.prover.link import Deliver, Delivered, Link, is_final
from proofgrid.roles.prover.name_wait import WaitsForName
from proofgrid.roles.prover.session_secret import SessionSecret
from proofgrid.rules.jobs.offers import Welcome
from proofgrid.wire.codec.provers import read_to_prover
from proofgrid.wire.errors import status_of, write_error
from proofgrid.wire.v1 import prover_pb2 as messages
from tests.makers import a_key, some_terms
from tests.silent_gateways import gateway_of, saying, silent

WELCOME = messages.ToProver(welcome=messages.Welcome(heartbeat_ms=60_000))


def a_link(gateways: Sequence[str], deliver: Deliver) -> Link:
    """Return a link that was not started."""
    return Link(
        gateways,
        a_key(),
        terms=some_terms,
        held=tuple,
        secret=SessionSecret(a_key(2)),
        certify=lambda network: None,
        deliver=deliver,
        network=a_key().address,
        ca_file=None,
        clock=SystemClock(),
    )


async def test_a_gateway_that_never_welcomes_is_left_for_the_next_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_module, "CONNECT_TIMEOUT_SECONDS", 0.3)
    called, loop = asyncio.Event(), asyncio.get_running_loop()
    said: asyncio.Queue[Delivered] = asyncio.Queue()
    async with (
        gateway_of("ProverService", Connect=silent(called)) as first,
        gateway_of("ProverService", Connect=saying(WELCOME.SerializeToString())) as second,
        asyncio.timeout(60),
    ):
        link = a_link([first, second], lambda message: loop.call_soon_threadsafe(said.put_nowait, message))
        link.start()
        try:
            heard = [await said.get(), await said.get()]
        finally:
            await asyncio.to_thread(link.close)
    assert called.is_set()
    assert isinstance(heard[0], Unavailable)
    assert heard[1] == read_to_prover(WELCOME)


def refusing(times: int, error: ProofgridError) -> Callable[[Any, Any], AsyncIterator[bytes]]:
    """Return a method that refuses the first calls and then welcomes."""
    calls = 0

    async def method(_requests: Any, context: Any) -> AsyncIterator[bytes]:
        nonlocal calls
        calls += 1
        if calls <= times:
            await context.abort(status_of(error), str(error), write_error(error))
        yield WELCOME.SerializeToString()
        await asyncio.Event().wait()

    return method


async def test_a_name_that_is_taken_is_waited_for_and_the_wait_is_told() -> None:
    said: asyncio.Queue[Delivered] = asyncio.Queue()
    loop, taken = asyncio.get_running_loop(), NameTaken("p lives", wait_ms=50)
    async with gateway_of("ProverService", Connect=refusing(2, taken)) as gateway, asyncio.timeout(60):
        link = a_link([gateway], lambda message: loop.call_soon_threadsafe(said.put_nowait, message))
        link.start()
        try:
            heard = [await said.get() for _ in range(3)]
        finally:
            await asyncio.to_thread(link.close)

    waits = [one for one in heard if isinstance(one, WaitsForName)]
    assert [(wait.error.code, wait.seconds_left) for wait in waits] == [("PG-209", 0.05)] * 2
    assert isinstance(heard[2], Welcome)


async def test_a_prover_that_was_never_connected_ends_when_the_other_one_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(name_wait, "MARGIN_SECONDS", 0.0)
    said: asyncio.Queue[Delivered] = asyncio.Queue()
    loop, taken = asyncio.get_running_loop(), NameTaken("p lives", wait_ms=50)
    async with gateway_of("ProverService", Connect=refusing(1_000, taken)) as gateway, asyncio.timeout(60):
        link = a_link([gateway], lambda message: loop.call_soon_threadsafe(said.put_nowait, message))
        link.start()
        while not isinstance(last := await said.get(), NameTaken):
            assert isinstance(last, WaitsForName)
        await asyncio.to_thread(link._thread.join, 10)
        assert not link._thread.is_alive()
        await asyncio.to_thread(link.close)

    assert is_final(last)


def test_leaving_a_gateway_never_waits_for_grpc() -> None:
    """`move` and `close` come from the prover's event loop."""

    class Stuck:
        def __init__(self) -> None:
            self.asked, self.free = threading.Event(), threading.Event()

        def cancel(self) -> None:
            self.asked.set()
            self.free.wait()

    link, stuck = a_link(["grpc://localhost:1"], print), Stuck()
    link._call = stuck

    link.move()

    assert stuck.asked.wait(20)
    stuck.free.set()
