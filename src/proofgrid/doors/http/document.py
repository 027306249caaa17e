"""The OpenAPI 3.1 document of the door, made of the same table and the same messages: `python -m tools.openapi`.

Bounds of texts and counts are those of `wire/fields.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from google.protobuf.descriptor import Descriptor, FieldDescriptor

import proofgrid
from proofgrid.doors.http.messages import holds_json, integer_bounds, is_map, may_be_null, name_of
from proofgrid.doors.http.routes import BUNDLE, BUNDLE_FILE, DOCUMENT, ROUTES, Route
from proofgrid.rules.access.sign_in import COOKIE
from proofgrid.wire.fields import COLUMN_MAX, COUNTS, FORGOTTEN_MAX, TEXTS, WORD

Node = dict[str, object]
JSON = "application/json"
ZIP = "application/zip"
PROBLEMS: Mapping[int, str] = {
    400: "The request breaks a rule: `field` and `hint` say which.",
    401: "There is no token, or it is good for nothing.",
    402: "The account does not hold enough.",
    403: "This key may not.",
    404: "There is no such thing, or it is not yours.",
    405: "The path takes other verbs: `Allow` names them.",
    409: "It stands against what there is: a key used for another request, a task that is not finished.",
    411: "The size has to be declared.",
    413: "It is too large.",
    415: "The body is of another kind.",
    416: "The range begins beyond the end.",
    429: "Too much at once: `Retry-After` says when to come again.",
    500: "Our mistake.",
    503: "The gateway cannot answer at this moment: try again.",
}
_EVERYWHERE = (400, 401, 403, 404, 405, 429, 500, 503)
_OF_BODIES = (402, 409, 413, 415)
#: What calls answer that is not one JSON object: kinds of content.
_KINDS: Mapping[str, Sequence[str]] = {
    "ArtifactService.Download": ("application/octet-stream",),
    "ClientService.RegisterProgram": (JSON, "text/event-stream"),
    "ClientService.WatchTask": ("text/event-stream",),
    "MarketService.ExportRounds": ("application/x-ndjson",),
    "StatementService.GetStatement": (JSON, "text/csv"),
}
_ANSWERS: Mapping[str, str] = {"ClientService.RegisterProgram": "Program"}


def document() -> Node:
    """Return the document."""
    schemas: dict[str, Node] = {"Problem": _problem()}
    paths: dict[str, Node] = {DOCUMENT: {"get": _of_document()}}
    for (verb, path), operation in _sessions().items():
        paths[path] = {verb: operation}
    for route in ROUTES:
        operations = paths.setdefault(route.path.replace(":path}", "}"), {})
        operations[route.verb.lower()] = _operation(route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "proofgrid",
            "version": proofgrid.__version__,
            "description": "A network that sells proofs. Amounts are integers of base units: 1e9 are one token.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name} for name in [*dict.fromkeys(route.about for route in ROUTES), "Sessions"]],
        "security": [{"token": []}, {"session": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "A signed token or an API key."},
                "session": {"type": "apiKey", "in": "cookie", "name": COOKIE},
            },
            "schemas": dict(sorted(schemas.items())),
        },
    }


def _of_document() -> Node:
    answer = {"description": "This document.", "content": {JSON: {"schema": {"type": "object"}}}}
    return {
        "operationId": "GetDocument",
        "tags": ["Network"],
        "summary": "This document.",
        "security": [],
        "responses": {"200": answer, "304": {"description": "You have it."}} | _problems((400, 405, 500)),
    }


def _sessions() -> Mapping[tuple[str, str], Node]:
    """Return the requests of `sessions.py`, which are no calls of a service."""
    text = {"type": "string", "maxLength": 8_192}
    plain: Node = {"type": "string"}
    signed: Node = {
        "type": "object",
        "required": ["address", "roles", "csrf", "expires_ms"],
        "properties": {
            "address": plain,
            "roles": {"type": "array", "items": plain},
            "csrf": {"type": "string", "description": "X-CSRF-Token of requests that change something."},
            "expires_ms": {"type": "integer"},
        },
    }
    told = ("nonce", "domain", "uri", "message")
    nonce: Node = {"type": "object", "required": list(told), "properties": dict.fromkeys(told, plain)}
    asked = {
        name: {"type": "object", "additionalProperties": False, "properties": dict.fromkeys(fields, text)}
        for name, fields in (("nonce", ("address",)), ("signed", ("message", "signature")))
    }

    def one(name: str, says: str, answers: Node, body: Node | None = None, statuses: Sequence[int] = ()) -> Node:
        operation: Node = {"operationId": name, "tags": ["Sessions"], "summary": says, "security": []}
        if body is not None:
            operation["requestBody"] = {"required": True, "content": {JSON: {"schema": body}}}
        return operation | {"responses": answers | _problems(sorted((*_EVERYWHERE, *statuses)))}

    return {
        ("post", "/v1/sign-in/nonce"): one(
            "MakeNonce",
            "A nonce, and the message of EIP-4361 to sign.",
            {"200": _content({JSON: nonce})},
            asked["nonce"],
            (413, 415),
        ),
        ("post", "/v1/sign-in"): one(
            "SignIn",
            "Sign in with a signed message: the answer sets the cookie.",
            {"200": _content({JSON: signed})},
            asked["signed"],
            (413, 415),
        ),
        ("get", "/v1/session"): one("GetSession", "Who is signed in.", {"200": _content({JSON: signed})}),
        ("post", "/v1/sign-out"): one(
            "SignOut",
            "End the session, at every gateway.",
            {"204": {"description": "Signed out."}, "303": {"description": "A form was sent."}},
            None,
            (413,),
        ),
    }


def _operation(route: Route, schemas: dict[str, Node]) -> Node:
    name = route.method.name
    operation: Node = {
        "operationId": {BUNDLE: "GetBundle", BUNDLE_FILE: "GetBundleFile"}.get(route.path, name),
        "tags": [route.about],
        "summary": route.says,
        "parameters": _parameters(route),
        "responses": _answers(route, schemas) | _problems(_statuses(route)),
    }
    if route.is_open:
        operation["security"] = []
    if route.call == "ArtifactService.Upload":
        operation["requestBody"] = {"required": True, "content": {"application/octet-stream": {"schema": {}}}}
    elif route.has_body:
        operation["requestBody"] = {"required": True, "content": {JSON: {"schema": _asked(route, schemas)}}}
    return operation


def _statuses(route: Route) -> Sequence[int]:
    if route.call == "ArtifactService.Upload":
        return sorted((*_EVERYWHERE, *_OF_BODIES, 411))
    if route.path == BUNDLE:
        return sorted((*_EVERYWHERE, 409, 416))
    return sorted((*_EVERYWHERE, *(_OF_BODIES if route.verb != "GET" else (409,))))


def _problems(statuses: Sequence[int]) -> Node:
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {str(status): {"description": PROBLEMS[status], "content": content} for status in statuses}


def _problem() -> Node:
    text = {"type": "string"}
    names = ("type", "title", "detail", "code", "field", "hint")
    return {
        "type": "object",
        "description": "RFC 9457; `code` is the stable name of the error, `field` what is wrong, `hint` what to do.",
        "required": [*names, "status"],
        "properties": dict.fromkeys(names, text)
        | {"status": {"type": "integer"}, "wait_ms": {"type": "integer", "description": "Try again after so long."}},
    }


# --- what is asked --------------------------------------------------------------------------------


def _parameters(route: Route) -> list[Node]:
    fields = {one.name: one for one in route.asked.fields}
    if route.path == BUNDLE_FILE:
        found = [
            _parameter("task_id", "path", _text(WORD.chars_max)),
            _parameter("name", "path", _text(WORD.chars_max)),
        ]
    else:
        found = [_parameter(name, "path", _value(fields[name])) for name in route.in_path]
    if route.call == "ArtifactService.Upload":
        found += [_parameter(name, "query", _text(WORD.chars_max)) for name in ("digest", "lease_id")]
    elif not route.has_body and route.path not in (BUNDLE, BUNDLE_FILE):
        rest = [one for one in route.asked.fields if one.name not in route.in_path and one.name != "says_where"]
        found += [_parameter(name_of(one), "query", _value(one)) for one in rest]
    headers = {"Last-Event-ID": "The last event that was seen."} if route.call == "ClientService.WatchTask" else {}
    if route.key:
        headers["Idempotency-Key"] = f"The same as `{route.key}` in the body: the same key is done once."
    if route.path == BUNDLE:
        headers["Range"] = "One range of bytes."
    return found + [
        _parameter(name, "header", {"type": "string"}) | {"description": of} for name, of in headers.items()
    ]


def _parameter(name: str, place: str, schema: Node) -> Node:
    return {"name": name, "in": place, "required": place == "path", "schema": schema}


def _asked(route: Route, schemas: dict[str, Node]) -> Node:
    """Return the schema of a body: the fields that stand nowhere else."""
    rest = [one for one in route.asked.fields if one.name not in route.in_path]
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {name_of(one): _field(one, schemas, is_asked=True) for one in rest},
    }


# --- what is answered -----------------------------------------------------------------------------


def _answers(route: Route, schemas: dict[str, Node]) -> Node:
    if route.path in (BUNDLE, BUNDLE_FILE):
        kinds: Sequence[str] = (ZIP,) if route.path == BUNDLE else (JSON, "application/octet-stream")
        found: Node = {"200": _content({one: {} for one in kinds}), "304": {"description": "You have it."}}
        return found | ({"206": _content({ZIP: {}})} if route.path == BUNDLE else {})
    kinds = _KINDS.get(route.call, (JSON,))
    schema: Node = {}
    if JSON in kinds and route.call != "StatementService.GetStatement":
        kind = route.answer
        if route.call in _ANSWERS:
            kind = kind.file.message_types_by_name[_ANSWERS[route.call]]
        schema = _message(kind, schemas, is_asked=False)
    answers: Node = {"200": _content({kind: schema if kind == JSON else {} for kind in kinds})}
    if route.call == "ClientService.WatchTask":
        answers["204"] = {"description": "The task has ended, and nothing follows the event that was seen."}
    if route.call == "ArtifactService.Download":
        answers["304"] = {"description": "You have it."}
    return answers


def _content(kinds: Mapping[str, Node]) -> Node:
    return {"description": "Done.", "content": {kind: {"schema": schema} for kind, schema in kinds.items()}}


def _message(kind: Descriptor, schemas: dict[str, Node], *, is_asked: bool) -> Node:
    name = kind.name
    if name not in schemas:
        schemas[name] = {}  # some hold themselves
        properties = {name_of(one): _field(one, schemas, is_asked=is_asked) for one in kind.fields}
        schemas[name] = {"type": "object", "properties": properties}
        if is_asked:
            schemas[name]["additionalProperties"] = False
        else:
            schemas[name]["required"] = list(properties)
    return {"$ref": f"#/components/schemas/{name}"}


def _field(field: FieldDescriptor, schemas: dict[str, Node], *, is_asked: bool) -> Node:
    if is_map(field):
        entry = cast(Descriptor, field.message_type).fields_by_name["value"]
        found: Node = {"type": "object", "additionalProperties": _value(entry, is_asked=is_asked)}
        return found | ({"maxProperties": _count(field)} if is_asked else {})
    if field.message_type is not None:
        one = _message(field.message_type, schemas, is_asked=is_asked)
    else:
        one = _value(field, is_asked=is_asked)
    if field.is_repeated:
        return {"type": "array", "items": one} | ({"maxItems": _count(field)} if is_asked else {})
    return {"anyOf": [one, {"type": "null"}]} if may_be_null(field) else one


def _count(field: FieldDescriptor) -> int:
    return COUNTS.get(_full_name(field), FORGOTTEN_MAX)


def _full_name(field: FieldDescriptor) -> str:
    return f"{cast(Descriptor, field.containing_type).name}.{field.name}"


def _value(field: FieldDescriptor, *, is_asked: bool = True) -> Node:
    if field.type == FieldDescriptor.TYPE_BOOL:
        return {"type": "boolean"}
    if field.type == FieldDescriptor.TYPE_BYTES:
        return {"type": "string", "contentEncoding": "base64"}
    if holds_json(field):
        return {}
    if field.type == FieldDescriptor.TYPE_STRING:
        kind = TEXTS.get(_full_name(field), WORD)
        return _text(kind.chars_max) if is_asked and kind is not None else {"type": "string"}
    least, most = integer_bounds(field)
    return {"type": "integer", "minimum": least, "maximum": min(most, COLUMN_MAX)}


def _text(chars_max: int) -> Node:
    return {"type": "string", "maxLength": chars_max}
