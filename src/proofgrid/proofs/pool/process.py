"""One worker process, as the event loop sees it: a socket to write calls to, replies to hear, an end to notice."""

from __future__ import annotations

import asyncio
import multiprocessing
import shutil
import socket
import tempfile
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from proofgrid.proofs.confinement.taking import end_family, taken_by
from proofgrid.proofs.pool.child import CALL_HEAD, READY, REPLY_HEAD, RESULT, WorkerSettings, serve
from proofgrid.proofs.pool.holding import Written

# spawn: a fork of a process with threads and an event loop inherits their locks, not their threads.
_SPAWN = multiprocessing.get_context("spawn")
_PIECE_BYTES = 1 << 18
LOOK_SECONDS = 0.25  #: between two looks at what a worker takes that carries out a call
PROCESSES_MAX = 256  #: that a call may start

OnReady = Callable[["WorkerProcess"], None]
OnReply = Callable[["WorkerProcess", bool, bytes], None]  #: is it a result, or an error, pickled
OnLeave = Callable[["WorkerProcess"], None]
OnEnd = Callable[["WorkerProcess", int | None, bool], None]  #: its exit code; did it leave the call unread?


class WorkerProcess:
    """Starts with the object. `on_leave` is told when it takes no more calls, `on_end` once the process is no more."""

    def __init__(
        self, settings: WorkerSettings, *, on_ready: OnReady, on_reply: OnReply, on_leave: OnLeave, on_end: OnEnd
    ) -> None:
        self.holds: OrderedDict[int, None] = OrderedDict()  #: keys of values that it was sent
        self._on_ready, self._on_reply, self._on_leave, self._on_end = on_ready, on_reply, on_leave, on_end
        self._loop = asyncio.get_running_loop()
        self._is_over = False
        self._memory_bytes = settings.memory_bytes
        self._look: asyncio.TimerHandle | None = None
        self.took_too_much = ""  #: of what, in words; then it was killed for that
        self._heard = bytearray()
        self._unsent = memoryview(b"")
        self._waits_to_write = False
        self._own = None if settings.scratch is None else Path(tempfile.mkdtemp(prefix="worker-", dir=settings.scratch))
        self._socket, theirs = socket.socketpair()
        with theirs:
            told = _with_own(settings, self._own)
            self._process = _SPAWN.Process(target=serve, args=(theirs, told), daemon=True)
            self._process.start()
        self._socket.setblocking(False)
        self._loop.add_reader(self._socket, self._hear)

    def send(self, written: Written) -> None:
        """Give it a call; it has none."""
        needed = written.for_holder(self.holds)
        head = CALL_HEAD.pack(len(needed), len(written.call))
        self._unsent = memoryview(b"".join((head, needed, written.call)))
        self._look_soon()
        self._write()

    def kill(self) -> None:
        """End it, whatever it does; `on_end` is told when it has ended."""
        self._end(unread=False)

    def _write(self) -> None:
        was_waiting = self._waits_to_write
        try:
            self._unsent = self._unsent[self._socket.send(self._unsent) :]
        except (BlockingIOError, InterruptedError):
            pass
        except OSError:
            self._end(unread=True)
            return
        if bool(self._unsent) != was_waiting:
            self._waits_to_write = not was_waiting
            if was_waiting:
                self._loop.remove_writer(self._socket)
            else:
                self._loop.add_writer(self._socket, self._write)

    def _look_soon(self) -> None:
        if self._memory_bytes:
            self._look = self._loop.call_later(LOOK_SECONDS, self._look_at_it)

    def _look_at_it(self) -> None:
        taken = taken_by(self._process.pid or 0)
        if taken.memory_bytes > self._memory_bytes:
            self.took_too_much = f"more than {self._memory_bytes >> 20} MiB of memory"
        elif taken.processes > PROCESSES_MAX:
            self.took_too_much = f"more than {PROCESSES_MAX} processes"
        if self.took_too_much:
            self._end(unread=False)
        else:
            self._look_soon()

    def _stop_looking(self) -> None:
        if self._look is not None:
            self._look.cancel()
            self._look = None

    def _hear(self) -> None:
        try:
            piece = self._socket.recv(_PIECE_BYTES)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            # Reset, not closed: what we sent still lay unread when it died.
            self._end(unread=True)
            return
        if not piece:
            self._end(unread=bool(self._unsent))
            return
        heard = self._heard
        heard += piece
        while len(heard) >= REPLY_HEAD.size:
            kind, size = REPLY_HEAD.unpack_from(heard)
            end = REPLY_HEAD.size + size
            if len(heard) < end:
                return
            content = bytes(memoryview(heard)[REPLY_HEAD.size : end])
            del heard[:end]
            self._stop_looking()
            if kind == READY:
                self._on_ready(self)
            else:
                self._on_reply(self, kind == RESULT, content)

    def _end(self, *, unread: bool) -> None:
        if self._is_over:
            return
        self._is_over = True
        self._stop_looking()
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
        self._socket.close()
        self._on_leave(self)
        end_family(self._process.pid or 0)
        self._process.kill()
        # A process that was killed is gone at once, but for one that the kernel still tidies up.
        ended = self._loop.run_in_executor(None, self._leave_nothing)
        ended.add_done_callback(lambda _: self._on_end(self, self._process.exitcode, unread))

    def _leave_nothing(self) -> None:
        self._process.join()
        if self._own is not None:
            shutil.rmtree(self._own, ignore_errors=True)


def _with_own(settings: WorkerSettings, own: Path | None) -> WorkerSettings:
    """Let a worker write its own folder, first of all: there its temporary files go."""
    if own is None or settings.room is None:
        return settings
    return replace(settings, room=replace(settings.room, writes=(own, *settings.room.writes)))
