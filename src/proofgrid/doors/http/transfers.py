"""Files in and out: uploads as they come, downloads whole or by a range, single files of bundles.

What is named by its digest never changes: whoever has it is told so (304) and may keep it.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TypeAlias, cast

from google.protobuf.message import Message
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from proofgrid.doors.http.answers import HEADERS, Answering, Method, json_answer
from proofgrid.doors.http.asking import read_request
from proofgrid.doors.http.call import HttpCall
from proofgrid.doors.http.problems import HttpRefusal
from proofgrid.doors.http.routes import Route
from proofgrid.doors.http.streamed import Streamed
from proofgrid.primitives.errors import MalformedMessage
from proofgrid.proofs.bundles.parts import file_of_bundle
from proofgrid.roles.intake.heard import heard_now
from proofgrid.wire.v1 import client_pb2 as messages

OCTETS = "application/octet-stream"
FOR_EVER = "private, max-age=31536000, immutable"
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")

Download: TypeAlias = "Callable[..., AsyncGenerator[messages.DownloadResponse, None]]"


def answers_upload(route: Route, method: Method) -> Answering:
    """Return what takes a file: the body as it is, its size declared by Content-Length."""
    store = cast("Callable[..., Awaitable[Message]]", method)

    async def answer(request: Request, call: HttpCall) -> Response:
        declared = request.headers.get("content-length", "")
        if not declared.isascii() or not declared.isdigit() or len(declared) > 18:
            raise HttpRefusal(411, "the size is declared before anything is stored", hint="Content-Length: BYTES")
        words = request.query_params
        unknown = [name for name in words if name not in ("digest", "lease_id")]
        if unknown:
            raise MalformedMessage("there is no such parameter", field=unknown[0][:256], hint="digest, lease_id")
        header = messages.UploadHeader(
            size_bytes=int(declared), digest=words.get("digest", ""), lease_id=words.get("lease_id", "")
        )
        heard_now().body = header.digest  # whether it is that of the bytes is seen when they have come
        return json_answer(await store(_upload(header, request), call))

    return answer


async def _upload(header: messages.UploadHeader, request: Request) -> AsyncGenerator[messages.UploadRequest, None]:
    yield messages.UploadRequest(header=header)
    try:
        async for chunk in request.stream():
            if chunk:
                yield messages.UploadRequest(chunk=chunk)
    except ClientDisconnect:
        raise MalformedMessage("it ended before its end", field="body") from None


def answers_download(route: Route, method: Method) -> Answering:
    """Return what hands out a file by its digest."""
    read = cast(Download, method)

    async def answer(request: Request, call: HttpCall) -> Response:
        asked = cast(messages.DownloadRequest, await read_request(route, request))
        chunks = read(asked, call)
        first = await anext(chunks, None)  # whether the caller may have it is known then
        headers = _for_ever(asked.digest)
        if _has_it(request, asked.digest):
            await chunks.aclose()
            return Response(status_code=304, headers=headers)
        return Streamed(_chunks(chunks, first), call, media_type=OCTETS, headers=headers)

    return answer


async def _chunks(
    chunks: AsyncGenerator[messages.DownloadResponse, None], first: messages.DownloadResponse | None
) -> AsyncGenerator[bytes, None]:
    if first is not None:
        yield first.chunk
    async for one in chunks:
        yield one.chunk


def answers_bundle(fetch: Method, download: Method) -> Answering:
    """Return what hands out the bundle of a task, whole or by a range."""
    result, read = cast("Callable[..., Awaitable[messages.Result]]", fetch), cast(Download, download)

    async def answer(request: Request, call: HttpCall) -> Response:
        bundle = (await result(_asked(request), call)).bundle
        headers = _for_ever(bundle.digest) | {"Accept-Ranges": "bytes"}
        if _has_it(request, bundle.digest):
            return Response(status_code=304, headers=headers)
        first, last = 0, bundle.size_bytes - 1
        wanted = _range_of(request, size=bundle.size_bytes, tag=bundle.digest)
        status = 200 if wanted is None else 206
        if wanted is not None:
            first, last = wanted
            headers |= {"Content-Range": f"bytes {first}-{last}/{bundle.size_bytes}"}
        headers |= {"Content-Length": str(last - first + 1)}
        chunks = _chunks(read(messages.DownloadRequest(digest=bundle.digest), call), None)
        parts = chunks if wanted is None else _between(chunks, first, last)
        return Streamed(parts, call, media_type="application/zip", headers=headers, status_code=status)

    return answer


def answers_bundle_file(fetch: Method, download: Method) -> Answering:
    """Return what hands out one file of a task's bundle: its manifest, its signature, a proof, a key."""
    result, read = cast("Callable[..., Awaitable[messages.Result]]", fetch), cast(Download, download)

    async def answer(request: Request, call: HttpCall) -> Response:
        bundle = (await result(_asked(request), call)).bundle
        name = str(request.path_params["name"])
        tag = f"{bundle.digest}/{name}"
        if _has_it(request, tag):
            return Response(status_code=304, headers=_for_ever(tag))
        chunks = _chunks(read(messages.DownloadRequest(digest=bundle.digest), call), None)
        found = file_of_bundle(chunks, name)
        first = await anext(found, b"")
        kind = "application/json" if name.endswith(".json") else OCTETS
        return Streamed(_rest(found, first), call, media_type=kind, headers=_for_ever(tag))

    return answer


async def _rest(parts: AsyncGenerator[bytes, None], first: bytes) -> AsyncGenerator[bytes, None]:
    yield first
    async for part in parts:
        yield part


async def _between(chunks: AsyncGenerator[bytes, None], first: int, last: int) -> AsyncGenerator[bytes, None]:
    """Yield the bytes from the place `first` to `last`, both included."""
    place = 0
    async for chunk in chunks:
        part = chunk[max(0, first - place) : last + 1 - place]
        place += len(chunk)
        if part:
            yield part
        if place > last:
            await chunks.aclose()
            return


def _range_of(request: Request, *, size: int, tag: str) -> tuple[int, int] | None:
    """Return the first and the last byte that are wanted; None: all. Raises a problem for a range beyond the end."""
    found = _RANGE.fullmatch(request.headers.get("range", ""))
    if found is None or found.groups() == ("", ""):
        return None
    if (only_if := request.headers.get("if-range", "")) and only_if != f'"{tag}"':
        return None
    begins, ends = found.groups()
    first = int(begins) if begins else max(0, size - int(ends))
    last = min(size - 1, int(ends)) if begins and ends else size - 1
    if first > last:
        raise HttpRefusal(416, f"it has {size} bytes", hint=f"bytes=0-{size - 1}")
    return first, last


def _asked(request: Request) -> messages.FetchResultRequest:
    return messages.FetchResultRequest(task_id=str(request.path_params["task_id"]))


def _for_ever(tag: str) -> dict[str, str]:
    return HEADERS | {"ETag": f'"{tag}"', "Cache-Control": FOR_EVER}


def _has_it(request: Request, tag: str) -> bool:
    named = request.headers.get("if-none-match", "")
    return f'"{tag}"' in [one.strip().removeprefix("W/") for one in named.split(",")] or named.strip() == "*"
