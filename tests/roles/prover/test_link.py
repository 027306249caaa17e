"""The prover's stream, against gateways that do not do their part."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

import pytest

from proofgrid.primitives.clock import SystemClock
from proofgrid.primitives.errors import ProofgridError, Unavailable
from proofgrid.roles.prover import link as link_module
from proofgrid.roles.prover.link import Deliver, Link
from proofgrid.rules.jobs.offers import ToProver
from proofgrid.wire.codec.provers import read_to_prover
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
        deliver=deliver,
        network=a_key().address,
        ca_file=None,
        clock=SystemClock(),
    )


async def test_a_gateway_that_never_welcomes_is_left_for_the_next_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_module, "CONNECT_TIMEOUT_SECONDS", 0.3)
    called, loop = asyncio.Event(), asyncio.get_running_loop()
    said: asyncio.Queue[ToProver | ProofgridError] = asyncio.Queue()
    async with (
        gateway_of("ProverService", Connect=silent(called)) as first,
        gateway_of("ProverService", Connect=saying(WELCOME.SerializeToString())) as second,
        asyncio.timeout(20),
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
