"""How calls are answered: once as JSON, in events as they happen, in lines, as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from typing import TypeAlias, cast

from google.protobuf.message import Message
from starlette.requests import Request
from starlette.responses import Response

from proofgrid.doors.http.asking import read_request
from proofgrid.doors.http.call import CallRefused, HttpCall
from proofgrid.doors.http.json_text import to_json
from proofgrid.doors.http.messages import write_message
from proofgrid.doors.http.problems import problem_of
from proofgrid.doors.http.routes import Route
from proofgrid.doors.http.streamed import Streamed
from proofgrid.primitives.errors import InvalidField, ProofgridError
from proofgrid.wire.v1 import client_pb2, market_pb2, statements_pb2

JSON = "application/json"
EVENTS = "text/event-stream"
LINES = "application/x-ndjson"
CSV = "text/csv"
#: What answers say unless they say otherwise: nothing is kept, nothing is taken for what it is not.
HEADERS = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
BEAT = b": still here\n\n"

Method: TypeAlias = "Callable[..., object]"
Answering: TypeAlias = "Callable[[Request, HttpCall], Awaitable[Response]]"
Stream: TypeAlias = "AsyncGenerator[Message, None]"


def json_answer(message: Message) -> Response:
    """Return the answer that a message is."""
    return Response(to_json(write_message(message)), headers=HEADERS, media_type=JSON)


def answers_once(route: Route, method: Method) -> Answering:
    """Return what answers a request by a call that answers once."""
    once = cast("Callable[..., Awaitable[Message]]", method)

    async def answer(request: Request, call: HttpCall) -> Response:
        return json_answer(await once(await read_request(route, request), call))

    return answer


# --- events ---------------------------------------------------------------------------------------


def event_text(kind: str, data: Mapping[str, object], *, cursor: int = 0) -> bytes:
    """Return a server-sent event; one with a cursor is durable: who comes back with it goes on behind it."""
    name = f"id: {cursor}\nevent: {kind}" if cursor else f"event: {kind}"
    return b"".join((name.encode(), b"\ndata: ", to_json(data), b"\n\n"))


def answers_with_task_events(route: Route, method: Method) -> Answering:
    """Return what follows a task: `Last-Event-ID` goes on behind that event, `reset` says that no event has that id."""
    follow = cast("Callable[..., Stream]", method)

    async def answer(request: Request, call: HttpCall) -> Response:
        asked = cast(client_pb2.WatchTaskRequest, await read_request(route, request))
        asked.says_where = True
        seen = request.headers.get("last-event-id", "")
        if seen:
            asked.cursor = _cursor_of(seen)
        events = follow(asked, call)
        where = cast(client_pb2.TaskEvent, await anext(events))
        if where.kind == "over":
            await events.aclose()
            return Response(status_code=204, headers=HEADERS)  # nothing will follow: browsers do not come back then
        return Streamed(_events(events, where), call, media_type=EVENTS, headers=HEADERS, beat=BEAT)

    return answer


def _cursor_of(seen: str) -> int:
    """Return the cursor of an event's id; of what is none one that no event has."""
    return int(seen) if seen.isascii() and seen.isdigit() and len(seen) < 19 else 2**63 - 1


async def _events(events: Stream, where: client_pb2.TaskEvent) -> AsyncGenerator[bytes, None]:
    yield b"retry: 1000\n\n"
    if where.kind == "reset":
        yield event_text("reset", {"cursor": where.cursor})
    async for part in _told(_task_events(events)):
        yield part


async def _task_events(events: Stream) -> AsyncGenerator[bytes, None]:
    async for event in events:
        shown = write_message(event)
        yield event_text(str(shown["kind"]), shown, cursor=cast(int, shown["cursor"]))
    yield event_text("end", {})


async def _told(parts: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    """Yield the parts; what refuses the call when it is half answered is its last event."""
    try:
        async for part in parts:
            yield part
    except CallRefused as refused:
        problem = problem_of(refused.error or ProofgridError("the gateway failed; its log says why"))
        yield b"".join((b"event: error\ndata: ", bytes(problem.body), b"\n\n"))


def answers_with_program(route: Route, method: Method) -> Answering:
    """Return what registers a program: the program in the end, or its progress too, where events are accepted."""
    register = cast("Callable[..., Stream]", method)

    async def answer(request: Request, call: HttpCall) -> Response:
        steps = register(await read_request(route, request), call)
        first = cast(client_pb2.RegisterProgramEvent | None, await anext(steps, None))
        if _accepts(request, EVENTS):
            return Streamed(_told(_steps(steps, first)), call, media_type=EVENTS, headers=HEADERS, beat=BEAT)
        last = first
        async for step in steps:
            last = cast(client_pb2.RegisterProgramEvent, step)
        return json_answer(last.program if last is not None else client_pb2.Program())

    return answer


async def _steps(steps: Stream, first: client_pb2.RegisterProgramEvent | None) -> AsyncGenerator[bytes, None]:
    if first is not None:
        yield _step(first)
    async for step in steps:
        yield _step(cast(client_pb2.RegisterProgramEvent, step))


def _step(step: client_pb2.RegisterProgramEvent) -> bytes:
    kind = step.WhichOneof("event") or "progress"
    return event_text(kind, write_message(getattr(step, kind)))


# --- statements and records -----------------------------------------------------------------------


def answers_with_statement(route: Route, method: Method) -> Answering:
    """Return what tells a statement, movement by movement, as one JSON object or as CSV."""
    read = cast("Callable[..., Stream]", method)

    async def answer(request: Request, call: HttpCall) -> Response:
        parts = read(await read_request(route, request), call)
        first = cast(statements_pb2.StatementPart, await anext(parts))
        if _accepts(request, CSV):
            headers = HEADERS | {"Content-Disposition": 'attachment; filename="statement.csv"'}
            return Streamed(_as_csv(parts, first.opening), call, media_type=CSV, headers=headers)
        return Streamed(_as_json(parts, first.opening), call, media_type=JSON, headers=HEADERS)

    return answer


async def _as_json(parts: Stream, opening: statements_pb2.StatementOpening) -> AsyncGenerator[bytes, None]:
    yield b'{"opening":' + to_json(write_message(opening)) + b',"movements":['
    comma, closing = b"", statements_pb2.StatementClosing()
    async for one in parts:
        part = cast(statements_pb2.StatementPart, one)
        for movement in part.page.movements:
            yield comma + to_json(write_message(movement))
            comma = b","
        closing = part.closing
    yield b'],"closing":' + to_json(write_message(closing)) + b"}"


async def _as_csv(parts: Stream, opening: statements_pb2.StatementOpening) -> AsyncGenerator[bytes, None]:
    columns = [one.name for one in statements_pb2.Movement.DESCRIPTOR.fields]
    yield _line(columns)
    begins = {"at_ms": opening.from_ms, "reason": "opening", "balance": opening.balance}
    yield _line(begins.get(name, "") for name in columns)
    async for one in parts:
        part = cast(statements_pb2.StatementPart, one)
        for movement in part.page.movements:
            yield _line(write_message(movement).values())
        if part.HasField("closing"):
            ends = {"at_ms": opening.to_ms, "reason": "closing", "balance": part.closing.balance}
            yield _line(ends.get(name, "") for name in columns)


def _line(values: Iterable[object]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerow(values)
    return text.getvalue().encode()


def answers_with_record(route: Route, method: Method) -> Answering:
    """Return what exports rounds: the lines of a record file."""
    export = cast("Callable[..., Stream]", method)

    async def answer(request: Request, call: HttpCall) -> Response:
        lines = export(await read_request(route, request), call)
        first = cast(market_pb2.ExportedLines | None, await anext(lines, None))
        if first is None:
            raise InvalidField("no round of it is kept", field="lane")
        return Streamed(_lines(lines, first), call, media_type=LINES, headers=HEADERS)

    return answer


async def _lines(lines: Stream, first: market_pb2.ExportedLines) -> AsyncGenerator[bytes, None]:
    yield first.lines
    async for one in lines:
        yield cast(market_pb2.ExportedLines, one).lines


def _accepts(request: Request, media_type: str) -> bool:
    return media_type in request.headers.get("accept", "")
