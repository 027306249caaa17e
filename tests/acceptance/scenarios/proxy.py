"""A cable that can be cut: a TCP proxy that passes on, delays, swallows or resets what goes through it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


class Cable:
    """Everything between one listening port and one address."""

    def __init__(self, target: str) -> None:
        self._host, _, port = target.rpartition(":")
        self._port = int(port)
        self._writers: set[asyncio.StreamWriter] = set()
        self._passes = asyncio.Event()
        self._passes.set()
        self._refuses = False
        self.delay_seconds = 0.0
        self.address = ""

    def hold(self) -> None:
        """Swallow nothing, pass on nothing: both ends believe the other one to be silent, as with a half-open line."""
        self._passes.clear()

    def cut(self) -> None:
        """Reset every connection and refuse new ones."""
        self._refuses = True
        for writer in list(self._writers):
            writer.transport.abort()

    def mend(self) -> None:
        """Be a cable again."""
        self._refuses = False
        self._passes.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection."""
        if self._refuses:
            writer.transport.abort()
            return
        far_reader, far_writer = await asyncio.open_connection(self._host, self._port)
        ends = {writer, far_writer}
        self._writers |= ends
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._carry(reader, far_writer))
                group.create_task(self._carry(far_reader, writer))
        finally:
            self._writers -= ends
            for end in ends:
                end.close()

    async def _carry(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while piece := await source.read(1 << 16):
                if self.delay_seconds:
                    await asyncio.sleep(self.delay_seconds)
                await self._passes.wait()
                sink.write(piece)
                await sink.drain()
        sink.close()


@asynccontextmanager
async def cable_to(target: str) -> AsyncIterator[Cable]:
    """Lay a cable to an address; `address` is its near end."""
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
