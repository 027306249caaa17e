"""Every call but the provers' stream: through the doors and use cases as they are, until they touch the world.

A call is one byte that says which, and its message; a stream of a caller has each message behind its length.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Sequence
from functools import cache
from random import Random
from typing import Any

from google.protobuf.message import DecodeError, Message

from proofgrid.doors.grpc.services import add_services
from proofgrid.doors.services import front_door
from proofgrid.doors.services.every import services_of
from proofgrid.rules.audit.entries import summary_of
from proofgrid.rules.jobs.limits import Limits
from proofgrid.rules.jobs.request import check_request
from proofgrid.wire.codec.requests import read_quote_request, read_submit
from proofgrid.wire.fields import check_message
from proofgrid.wire.v1 import client_pb2, quotes_pb2
from tests.fuzz.doors import Method, OneCall, OpenDoor, Services, intake_over_nothing, run
from tests.fuzz.likely import NOW_MS, filled, mutated_messages, piece, pieces
from tests.fuzz.mutating import mutated_bytes


@cache
def methods() -> Sequence[Method]:
    """Every call but the provers' stream, behind an open door, over nothing."""
    server: Any = Services()
    add_services(server, services_of(intake_over_nothing()))
    for method in server.methods:
        method.call.__self__._door = OpenDoor()
    return tuple(server.methods)


def take_call(data: bytes) -> None:
    """Send a message to the call that the first byte names."""
    if not data:
        return
    method = methods()[data[0] % len(methods())]
    try:
        sent = _messages(method, data[1:])
    except DecodeError:
        return
    if method.is_stream:
        run(_ask(method, sent))
        return
    (message,) = sent
    summary_of(front_door._fields_of(message))
    check_message(message)
    _judged_later(message)
    run(_ask(method, sent))


def _messages(method: Method, body: bytes) -> list[Message]:
    made = []
    for content in pieces(body) if method.is_stream else [body]:
        message = method.message()
        message.MergeFromString(content)
        made.append(message)
    return made


def _judged_later(message: Message) -> None:
    """What the use case judges before it looks at anything is not reached behind a closed world: judged here."""
    limits = Limits()
    if isinstance(message, client_pb2.SubmitRequest):
        request = read_submit(message, bytes_max=limits.inputs_json_bytes)
        check_request(request, inputs_max=limits.inputs_per_task, now_ms=NOW_MS)
        _ = request.content_digest
    if isinstance(message, quotes_pb2.QuoteRequest):
        read_quote_request(message, bytes_max=limits.inputs_json_bytes)


async def _ask(method: Method, sent: Sequence[Message]) -> None:
    asked = method.call.__wrapped__
    request = _stream_of(sent) if method.is_stream else sent[0]
    answer = asked(method.call.__self__, request, OneCall())
    if inspect.isasyncgen(answer):
        async for _ in answer:
            pass
    else:
        await answer


async def _stream_of(sent: Sequence[Message]) -> AsyncIterator[Message]:
    for message in sent:
        yield message


def messages() -> list[bytes]:
    """An empty and a filled message for each call."""
    made = []
    for number, method in enumerate(methods()):
        for message in (method.message(), filled(method.message())):
            body = message.SerializeToString()
            made.append(bytes([number]) + (piece(body) * 2 if method.is_stream else body))
    return made


def mutated_call(data: bytes, chance: Random) -> bytes:
    """Change some fields of the message of a call."""
    if not data or chance.randrange(50) == 0:
        return mutated_bytes(data, chance)
    method = methods()[data[0] % len(methods())]
    return data[:1] + mutated_messages(method.message, method.is_stream, data[1:], chance)
