"""Bodies of strangers: bounded in size, and so slow at most."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from starlette.requests import ClientDisconnect, Request

from proofgrid.doors.services.pace import Pace
from proofgrid.primitives.errors import MalformedMessage, TooLarge

BODY_BYTES_MAX = 16 << 20  #: of JSON; what is larger is uploaded


async def read_body(request: Request) -> bytes:
    """Return the body of a request. Raises TooLarge, or MalformedMessage for one that comes too slowly."""
    declared = request.headers.get("content-length", "")
    # As text first: "²" is a digit, and Python reads no number of thousands of them.
    if declared.isascii() and declared.isdigit() and (len(declared) > 18 or int(declared) > BODY_BYTES_MAX):
        raise _too_large()
    content = bytearray()
    async for chunk in chunks_of(request):
        content += chunk
        if len(content) > BODY_BYTES_MAX:
            raise _too_large()
    return bytes(content)


async def chunks_of(request: Request) -> AsyncIterator[bytes]:
    """Yield a body as it comes. Raises MalformedMessage when it comes too slowly, or ends before its end."""
    pace = Pace()
    stream = aiter(request.stream())
    try:
        while True:
            async with asyncio.timeout_at(pace.until):
                chunk = await anext(stream, None)
            if chunk is None:
                return
            pace.note(len(chunk))
            yield chunk
    except TimeoutError:
        raise pace.too_slow("body") from None
    except ClientDisconnect:
        raise MalformedMessage("it ended before its end", field="body") from None


def _too_large() -> TooLarge:
    return TooLarge(f"a body has at most {BODY_BYTES_MAX} bytes", field="body", hint="upload large files")
