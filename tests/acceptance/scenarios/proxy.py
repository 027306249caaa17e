"""A cable that can be cut: a TCP proxy that passes on, delays, keeps back, swallows or resets what goes through it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field


@dataclass(eq=False, slots=True)
class _Line:
    """One connection through the cable, seen from both ends."""

    near: asyncio.StreamWriter
    far: asyncio.StreamWriter
    dead: asyncio.Event = field(default_factory=asyncio.Event)  #: nothing passes any more, and nobody is told


class Cable:
    """Everything between one listening port and one address: host:port, or the path of a Unix socket."""

    def __init__(self, target: str) -> None:
        self.target = target
        self._lines: set[_Line] = set()
        self._passes = asyncio.Event()
        self._passes.set()
        self._refuses = False
        self._swallows = False
        self.delay_seconds = 0.0
        self.address = ""

    def hold(self) -> None:
        """Pass on nothing until `mend`: a line so slow that both ends believe the other one to be silent."""
        self._passes.clear()

    def swallow(self) -> None:
        """Half open for good: what is sent is lost, now and after `mend`, and no end is ever told; new lines too."""
        self._swallows = True
        for line in self._lines:
            line.dead.set()

    def cut(self) -> None:
        """Reset every connection and refuse new ones."""
        self._refuses = True
        for line in list(self._lines):
            for end in (line.near, line.far):
                end.transport.abort()

    def mend(self) -> None:
        """Be a cable again, for what was kept back and for new connections."""
        self._refuses = self._swallows = False
        self._passes.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection."""
        if self._refuses:
            writer.transport.abort()
            return
        far_reader, far_writer = await self._reach()
        line = _Line(writer, far_writer)
        if self._swallows:
            line.dead.set()
        self._lines.add(line)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._carry(line, reader, far_writer))
                group.create_task(self._carry(line, far_reader, writer))
        finally:
            self._lines.discard(line)
            for end in (writer, far_writer):
                end.close()

    async def _reach(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self.target.startswith("/"):
            return await asyncio.open_unix_connection(self.target)
        host, _, port = self.target.rpartition(":")
        return await asyncio.open_connection(host, int(port))

    async def _carry(self, line: _Line, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while piece := await source.read(1 << 16):
                if self.delay_seconds:
                    await asyncio.sleep(self.delay_seconds)
                await self._passes.wait()
                if line.dead.is_set():
                    continue
                sink.write(piece)
                await sink.drain()
        if not line.dead.is_set():
            sink.close()


@asynccontextmanager
async def cable_to(target: str = "") -> AsyncIterator[Cable]:
    """Lay a cable to an address or socket, which may be there later; `address` is its near end."""
    cable = Cable(target)
    server = await asyncio.start_server(cable.serve, "127.0.0.1", 0)
    cable.address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield cable
    finally:
        server.close()
        cable.mend()
        cable.cut()
        await server.wait_closed()
