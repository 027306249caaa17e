"""The event loop that every process of ours runs on: uvloop where there is one; and what is done beside it."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine
from typing import IO, Any, TypeVar

from proofgrid.primitives.collector import seldom_collections

T = TypeVar("T")


def run_async(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end; Ctrl-C cancels it and raises KeyboardInterrupt."""
    with seldom_collections(), asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(work)


async def aside(work: Callable[[], T], *, wanted: bool = True) -> T:
    """Return what `work` returns, which takes long and touches nothing that others use: on a thread, where `wanted`.

    The loop goes on meanwhile. Whoever is cancelled does not wait for the thread.
    """
    return await asyncio.to_thread(work) if wanted else work()


async def read_from(pipe: IO[bytes], reader: asyncio.StreamReader) -> asyncio.BaseTransport:
    """Let a reader get what comes out of a pipe; `pipe` is the returned transport's from now on.

    uvloop closes the descriptor and the file that it came in, one after the other: in between a thread may have opened
    another file under the same number. So it gets a file that closes nothing, around a descriptor of its own.
    """
    loop = asyncio.get_running_loop()
    if not type(loop).__module__.startswith("uvloop"):
        given = pipe
    else:
        given = os.fdopen(os.dup(pipe.fileno()), "rb", buffering=0, closefd=False)
        pipe.close()
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), given)
    return transport


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    if sys.platform == "win32":
        return None
    import uvloop

    return uvloop.new_event_loop
