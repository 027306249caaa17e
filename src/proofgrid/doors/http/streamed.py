"""Answers that are sent in parts: what makes them ends with the connection, and the connection is kept alive meanwhile.

The task that answers drives what makes the parts, from the first to the last: whoever ends a call from outside ends
that task. Another one hears whether the caller is gone.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

import structlog
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from proofgrid.doors.http.call import HttpCall

BEAT_SECONDS = 15.0

log = structlog.get_logger(__name__)


class BrokenOff(Exception):
    """An answer could not be sent to its end."""


class _Gone(Exception):
    """The caller hung up."""


class Streamed(Response):
    """An answer in parts. `beat`: what is sent where nothing else is for a while."""

    def __init__(
        self,
        parts: AsyncGenerator[bytes, None],
        call: HttpCall,
        *,
        media_type: str,
        headers: Mapping[str, str],
        status_code: int = 200,
        beat: bytes = b"",
    ) -> None:
        self.status_code = status_code
        self.media_type = media_type
        self.body = b""
        self.background = None
        self.init_headers(headers)
        del self.headers["content-length"]
        if "content-length" in {name.lower() for name in headers}:
            self.headers["Content-Length"] = next(v for n, v in headers.items() if n.lower() == "content-length")
        self._parts = parts
        self._call = call
        self._beat = beat
        self._is_sending = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it all."""
        try:
            async with asyncio.TaskGroup() as group:
                hearing = group.create_task(self._hear(receive, send))
                await self._send_all(send, with_body=scope["method"] != "HEAD")
                hearing.cancel()
        except* _Gone:
            pass
        except* Exception as errors:
            # Half of it was sent: that the connection breaks off tells the caller.
            log.info("answer_broke_off", path=scope["path"], reason=str(errors.exceptions[0]))
            raise BrokenOff from errors
        finally:
            self._call.over()

    async def _send_all(self, send: Send, *, with_body: bool) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        async with aclosing(self._parts) as parts:
            if with_body:
                async for part in parts:
                    await self._send(send, part, more=True)
        await self._send(send, b"", more=False)

    async def _send(self, send: Send, part: bytes, *, more: bool) -> None:
        self._is_sending = True
        await send({"type": "http.response.body", "body": part, "more_body": more})
        self._is_sending = False

    async def _hear(self, receive: Receive, send: Send) -> None:
        while True:
            try:
                async with asyncio.timeout(BEAT_SECONDS):
                    while (await receive())["type"] != "http.disconnect":
                        pass
                raise _Gone
            except TimeoutError:
                if self._beat and not self._is_sending:
                    await send({"type": "http.response.body", "body": self._beat, "more_body": True})
