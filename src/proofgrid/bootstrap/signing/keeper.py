"""Starts a signing process, asks it, and ends with it.

start --Open--> keys --asked again and again--> the socket is closed: it ends
                         `--it dies: SignerLost, its parent ends too, and is started again by whoever watches it
"""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from typing import Literal, TypeVar

from proofgrid.bootstrap.signing.frames import HEAD, REFUSAL, Ask, pack, read_error
from proofgrid.primitives.deaths import SignerLost
from proofgrid.primitives.errors import Unavailable
from proofgrid.proofs.kit.engine import exit_text

OPEN_SECONDS = 120.0  #: keystores are slow to open on purpose, a second each
ANSWER_SECONDS = 20.0  #: a module that takes longer hangs
END_SECONDS = 5.0

_MODULE = "proofgrid.bootstrap.signing.process"

T = TypeVar("T")


class SigningProcess:
    """Start it with `signing_process`. Threads ask in turn; `in_turn` is for event loops."""

    def __init__(self, process: asyncio.subprocess.Process, connection: socket.socket) -> None:
        self._process = process
        self._connection = connection
        self._heard = bytearray()
        self._number = 0
        self._turn = threading.Lock()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="signing")
        self._is_over = False

    @property
    def pid(self) -> int:
        return self._process.pid

    def ask(self, kind: Ask, content: bytes) -> bytes:
        """Return the answer to a question; waits. Raises Unavailable, or what it refuses with."""
        seconds = OPEN_SECONDS if kind in (Ask.OPEN, Ask.READ_AGAIN) else ANSWER_SECONDS
        with self._turn:
            self._number += 1
            try:
                self._connection.settimeout(seconds)
                self._say(pack(self._number, kind, content))
                answered, answer = self._answer()
            except TimeoutError:
                raise Unavailable(f"the signing process did not answer within {seconds:g} s") from None
            except OSError:
                raise SignerLost("the signing process is gone") from None
        if answered == REFUSAL:
            raise read_error(answer)
        return answer

    async def in_turn(self, call: Callable[[], T]) -> T:
        """Return what a call returns that asks: on a thread that nobody else waits for."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)

    async def watch(self) -> None:
        """Return never. Raises SignerLost when the process has died."""
        code = await self._process.wait()
        if self._is_over:
            await asyncio.Event().wait()
        raise SignerLost(f"the process that holds the keys died: {exit_text(code)}", hint="is there enough memory?")

    async def close(self) -> None:
        """End it."""
        self._is_over = True
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)
        self._thread.shutdown(wait=False, cancel_futures=True)
        try:
            async with asyncio.timeout(END_SECONDS):
                await self._process.wait()
        except TimeoutError:  # a module hangs
            self._process.kill()
            await self._process.wait()
        self._connection.close()

    def _say(self, question: bytes) -> None:
        try:
            self._connection.sendall(question)
        except TimeoutError:  # half of it is said: what came next would be read as the rest
            self._process.kill()
            raise ConnectionResetError from None

    def _answer(self) -> tuple[int, bytes]:
        """Return the answer to the newest question; those that came too late are passed over."""
        while True:
            self._hear(HEAD.size)
            number, answered, size = HEAD.unpack_from(self._heard)
            self._hear(HEAD.size + size)
            answer = bytes(self._heard[HEAD.size : HEAD.size + size])
            del self._heard[: HEAD.size + size]
            if number == self._number:
                return answered, answer

    def _hear(self, size: int) -> None:
        while len(self._heard) < size:
            piece = self._connection.recv(1 << 16)
            if not piece:
                raise ConnectionResetError
            self._heard += piece


@asynccontextmanager
async def signing_process(role: Literal["gateway", "prover"]) -> AsyncIterator[SigningProcess]:
    """A process that signs what gateways or provers sign; it has no keys yet."""
    ours, theirs = socket.socketpair()
    with theirs:
        # From this thread, which lasts: the kernel ends a child with the thread that started it.
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", _MODULE, role, str(theirs.fileno()), str(os.getpid())),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=(theirs.fileno(),),
        )
    signing = SigningProcess(process, ours)
    try:
        yield signing
    finally:
        await signing.close()
