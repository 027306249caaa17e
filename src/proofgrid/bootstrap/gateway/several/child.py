"""The process of one sibling, as its supervisor has it."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass

from proofgrid.bootstrap.gateway.several.messages import Order, Report, pack, read_report
from proofgrid.primitives.event_loop import read_from
from proofgrid.primitives.ids import GatewayId
from proofgrid.proofs.kit.engine import exit_text

_MODULE = "proofgrid.bootstrap.gateway.several.process"


@dataclass(slots=True)
class Child:
    """Start it with `start`."""

    process: asyncio.subprocess.Process
    _reader: asyncio.StreamReader
    _transport: asyncio.BaseTransport
    gateway_id: GatewayId | None = None  #: once it could accept calls
    heard_at: float = 0.0  #: in running seconds

    @classmethod
    async def start(cls, number: int) -> Child:
        """Start the process of a sibling; it waits for Begin. Its number shows in lists of processes."""
        ours, theirs = os.pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                _MODULE,
                str(theirs),
                str(number),
                stdin=subprocess.PIPE,
                stdout=sys.stderr,  # standard output is for the one ready line
                pass_fds=(theirs,),
                start_new_session=True,  # Ctrl-C in a terminal is for the supervisor, who lets all drain
            )
        finally:
            os.close(theirs)
        reader = asyncio.StreamReader()
        return cls(process, reader, await read_from(os.fdopen(ours, "rb"), reader))

    def send(self, order: Order) -> None:
        """Say something; a process that is ending hears nothing."""
        stdin = self.process.stdin
        if stdin is not None and not stdin.is_closing():
            with suppress(ConnectionError, RuntimeError):
                stdin.write(pack(order))

    async def reports(self) -> AsyncIterator[Report]:
        """Yield what it says, until it has ended."""
        while (report := await read_report(self._reader)) is not None:
            yield report

    async def exit_text(self) -> str:
        """Return how it ended, once it has."""
        code = await self.process.wait()
        self._transport.close()
        return exit_text(code)

    async def end(self, *, patience_seconds: float) -> None:
        """Return when it has ended, by force if it takes longer."""
        try:
            async with asyncio.timeout(patience_seconds):
                await self.process.wait()
        except TimeoutError:
            with suppress(ProcessLookupError):
                self.process.kill()
            await self.process.wait()
        self._transport.close()
