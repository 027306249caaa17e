"""The process of a sibling: a gateway that does what its supervisor says, and ends when that one is gone.

    python -m proofgrid.bootstrap.gateway.several.process REPORTS

`REPORTS` is the number of the inherited pipe that it reports to.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress

import structlog

from proofgrid.bootstrap.gateway.running import GatewayFacts, run_gateway
from proofgrid.bootstrap.gateway.several.messages import (
    Alive,
    Begin,
    Counted,
    Drain,
    Ended,
    Living,
    Order,
    Prepared,
    Ready,
    Report,
    Stop,
    pack,
    read_order,
)
from proofgrid.bootstrap.gateway.sibling import Sibling
from proofgrid.bootstrap.lifeline import end_this_process
from proofgrid.primitives.causes import first_cause
from proofgrid.primitives.errors import ProofgridError
from proofgrid.primitives.event_loop import run_async
from proofgrid.proofs.confinement.kernel import forget_secrets, hide_memory
from proofgrid.roles.chores import Chores

ALIVE_SECONDS = 0.5

log = structlog.get_logger(__name__)

Tell = Callable[[Report], None]


def main() -> None:
    """Run the gateway that the supervisor describes; exit code 0 when it was asked to end."""
    hide_memory()
    pipe = int(sys.argv[1])
    os.set_inheritable(pipe, False)
    begin = read_order(sys.stdin.fileno())
    if not isinstance(begin, Begin):
        return  # nobody is there any more

    def tell(report: Report) -> None:
        with suppress(BrokenPipeError):  # the end of standard input tells the same
            os.write(pipe, pack(report))

    try:
        run_async(_run(begin, tell))
    except BaseException as error:
        cause = first_cause(error)
        if not isinstance(cause, ProofgridError):
            log.critical("process_failed", exc_info=cause)
            cause = ProofgridError(f"process {begin.number} of the gateway failed: {type(cause).__name__}: {cause}")
        tell(Ended(cause))
        sys.exit(1)


async def _run(begin: Begin, tell: Tell) -> None:
    loop = asyncio.get_running_loop()
    drain = asyncio.Event()
    is_ready = False
    sibling = Sibling(
        count=begin.count,
        chores=Chores(begin.number),
        on_prepared=lambda gateway_id: tell(Prepared(gateway_id)),
        on_counted=(lambda numbers: tell(Counted(numbers))) if begin.counts else None,
    )

    def on_ready(facts: GatewayFacts) -> None:
        nonlocal is_ready
        is_ready = True
        forget_secrets()
        tell(Ready(facts))

    async with asyncio.TaskGroup() as group:
        serving = group.create_task(run_gateway(begin.settings, on_ready=on_ready, drain=drain, sibling=sibling))
        beating = group.create_task(_say_alive(tell))
        serving.add_done_callback(lambda _: beating.cancel())

        def obey(order: Order) -> None:
            match order:
                case Living():
                    sibling.chores.tell(order.numbers)
                    if sibling.chores.are_mine("dead gateways"):
                        for gateway_id in order.dead:
                            sibling.dead.put_nowait(gateway_id)
                case Drain() if is_ready:
                    drain.set()
                case Drain() | Stop():
                    serving.cancel()

        # A manager of services may send it to every process; only the supervisor's word ends one at once.
        loop.add_signal_handler(signal.SIGTERM, drain.set)
        threading.Thread(target=_hear, args=(loop, obey), name="supervisor", daemon=True).start()


def _hear(loop: asyncio.AbstractEventLoop, obey: Callable[[Order], None]) -> None:
    with suppress(RuntimeError):  # the loop is closed: it ends anyway
        while (order := read_order(sys.stdin.fileno())) is not None:
            loop.call_soon_threadsafe(obey, order)
        loop.call_soon_threadsafe(obey, Drain())
        end_this_process()


async def _say_alive(tell: Tell) -> None:
    while True:
        tell(Alive())
        await asyncio.sleep(ALIVE_SECONDS)


if __name__ == "__main__":
    main()
