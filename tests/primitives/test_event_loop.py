"""What is done around the event loop: pipes that are closed close nothing else."""

from __future__ import annotations

import asyncio
import os
import threading
from typing import IO

from proofgrid.primitives.event_loop import read_from, run_async

PIPES = 2_000
THREADS = 4


class Busy:
    """Opens and closes files all the time; whatever goes wrong was somebody else's doing."""

    def __init__(self) -> None:
        self._is_over = threading.Event()
        self.troubles: list[OSError] = []
        self._threads = [threading.Thread(target=self._work) for _ in range(THREADS)]

    def __enter__(self) -> Busy:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while not self._is_over.is_set():
            try:
                descriptor = os.open("/dev/null", os.O_RDONLY)
                os.fstat(descriptor)
                os.close(descriptor)
            except OSError as trouble:
                self.troubles.append(trouble)


def test_closing_a_pipe_closes_no_file_that_a_thread_has_opened_meanwhile() -> None:
    """uvloop closes the number twice: a prover ended with "Bad file descriptor" when a child of its crashed."""
    opened_before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0

    async def work() -> None:
        for _ in range(PIPES):
            ours, theirs = os.pipe()
            pipe: IO[bytes] = os.fdopen(ours, "rb")
            transport = await read_from(pipe, asyncio.StreamReader())
            os.close(theirs)
            transport.close()
            await asyncio.sleep(0)

    with Busy() as busy:
        run_async(work())
    assert busy.troubles == []
    if opened_before:
        assert len(os.listdir("/proc/self/fd")) <= opened_before + 5


def test_what_comes_out_of_a_pipe_is_read_to_its_end() -> None:
    async def work() -> bytes:
        ours, theirs = os.pipe()
        reader = asyncio.StreamReader()
        transport = await read_from(os.fdopen(ours, "rb"), reader)
        os.write(theirs, b"a word")
        os.close(theirs)
        read = await reader.read()
        transport.close()
        return read

    assert run_async(work()) == b"a word"
