"""One POST to a stranger's server, which is told nothing but the message and can do nothing but answer.

name --resolved--> addresses --all of them public?--> one of them is connected to, by number --> TLS for the name

So a name that resolves to something else a moment later changes nothing. No redirects, no proxies, no cookies; the
answer's beginning is read and the rest is hung up on.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

import httpx

from proofgrid.primitives.plain_text import one_line
from proofgrid.rules.webhooks.endpoints import may_connect

ANSWER_BYTES_MAX = 1_024
POST_SECONDS = 15.0  #: all of it, the name's resolution too

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a receiver said; status 0: nothing, and why."""

    status: int
    text: str


async def addresses_of(host: str, port: int) -> list[str]:
    """Return the addresses of a name. Raises OSError."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(one[4][0]) for one in found]


async def post(
    url: str, headers: Mapping[str, str], body: bytes, *, may_be_local: bool, resolve: Resolve = addresses_of
) -> Answer:
    """Send a message and return what came of it; nothing that a receiver does is an error here."""
    try:
        async with asyncio.timeout(POST_SECONDS):
            return await _post(httpx.URL(url), headers, body, may_be_local=may_be_local, resolve=resolve)
    except TimeoutError:
        return Answer(0, f"no answer within {POST_SECONDS:g} s")
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        return Answer(0, one_line(f"{type(error).__name__}: {error}"[:ANSWER_BYTES_MAX]))


async def _post(
    url: httpx.URL, headers: Mapping[str, str], body: bytes, *, may_be_local: bool, resolve: Resolve
) -> Answer:
    addresses = await resolve(url.host, url.port or (443 if url.scheme == "https" else 80))
    if not addresses or not (may_be_local or all(map(may_connect, addresses))):
        return Answer(0, "its name leads to an address that is not on the public network")
    async with httpx.AsyncClient(trust_env=False, follow_redirects=False, timeout=POST_SECONDS) as client:
        request = client.build_request(
            "POST",
            url.copy_with(host=addresses[0]),
            headers={**headers, "host": url.netloc.decode()},
            content=body,
            extensions={"sni_hostname": url.host},
        )
        answer = await client.send(request, stream=True)
        try:
            text = b""
            async for part in answer.aiter_raw(ANSWER_BYTES_MAX):
                text = (text + part)[:ANSWER_BYTES_MAX]
                if len(text) >= ANSWER_BYTES_MAX:
                    break
            return Answer(answer.status_code, one_line(text.decode(errors="replace")))
        finally:
            await answer.aclose()
