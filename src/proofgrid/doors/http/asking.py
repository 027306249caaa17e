"""What a request asks, as the message of its call: fields of its path, its query and its body, and one of a header."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from google.protobuf.message import Message
from starlette.requests import Request

from proofgrid.doors.http.body import BODY_BYTES_MAX, read_body
from proofgrid.doors.http.messages import name_of, read_message, read_word
from proofgrid.doors.http.problems import HttpRefusal
from proofgrid.doors.http.routes import Route
from proofgrid.primitives.canonical import Json
from proofgrid.primitives.digests import digest_of
from proofgrid.primitives.errors import InvalidField, MalformedMessage
from proofgrid.roles.intake.heard import heard_now
from proofgrid.wire.codec.texts import read_json

JSON = "application/json"
KEY_HEADER = "idempotency-key"


async def read_request(route: Route, request: Request) -> Message:
    """Return the message that a request makes. Raises InvalidRequest errors naming the field."""
    fields: dict[str, Json] = {}
    if route.has_body:
        fields |= await read_fields(request)
    by_name = {name_of(one): one for one in route.asked.fields}
    for name, text in _words(route, request):
        if name not in by_name or (route.has_body and name not in route.in_path):
            raise InvalidField("there is no such parameter", field=name[:256], hint=_parameters(route, by_name))
        if name in fields:
            raise InvalidField("it is given twice", field=name)
        fields[name] = read_word(text, by_name[name])
    _take_key(route, request, fields)
    return read_message(fields, route.asked)


def _take_key(route: Route, request: Request, fields: dict[str, Json]) -> None:
    key = request.headers.get(KEY_HEADER, "").strip().removeprefix('"').removesuffix('"')
    if not key or not route.key:
        return
    if fields.get(route.key, key) not in (key, ""):
        raise InvalidField("body and header Idempotency-Key name two", field=route.key)
    fields[route.key] = key


def _words(route: Route, request: Request) -> Sequence[tuple[str, str]]:
    in_path = [(name, str(request.path_params[name])) for name in route.in_path]
    return in_path + list(request.query_params.multi_items())


def _parameters(route: Route, names: Iterable[str]) -> str:
    return f"parameters: {', '.join(names) or 'none'}" if not route.has_body else "fields are in the body"


async def read_fields(request: Request) -> Mapping[str, Json]:
    """Return the object that a body is. Raises MalformedMessage, TooLarge, or what only HTTP refuses."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != JSON:
        raise HttpRefusal(415, f"the body is {JSON}", hint=f"Content-Type: {JSON}")
    try:
        content = await read_body(request)
        heard_now().body = digest_of(content)
        text = content.decode()
    except UnicodeDecodeError:
        raise MalformedMessage("not UTF-8", field="body") from None
    value = read_json(text, field="body", bytes_max=BODY_BYTES_MAX)
    if not isinstance(value, dict):
        raise MalformedMessage("a JSON object", field="body")
    return value
