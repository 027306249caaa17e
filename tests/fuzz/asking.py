"""Requests of HTTP, whole: verb, path, query, headers and body, through the door, the pages and the use cases.

A request is a JSON object. Whoever asks has every access role and no money: the world behind the use cases ends what
touches it, and an answer that says 500 is a finding.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from random import Random
from typing import Any
from urllib.parse import quote, urlencode

from starlette.routing import Mount

from proofgrid.doors.http.app import new_app
from proofgrid.doors.http.messages import write_message
from proofgrid.doors.http.routes import ROUTES
from proofgrid.doors.http.sessions import SignIn
from proofgrid.doors.pages.routes import build_pages
from proofgrid.doors.pages.visitors import Visitor
from proofgrid.doors.services import front_door
from proofgrid.doors.services.every import services_of
from proofgrid.primitives.clock import ManualClock
from proofgrid.roles.intake.signing_in import Sessions
from proofgrid.rules.access.roles import Role
from tests.fuzz.calls import methods
from tests.fuzz.doors import OpenDoor, Reached, World, intake_over_nothing, run
from tests.fuzz.likely import CALLER, NETWORK, NOW_MS, filled
from tests.fuzz.mutating import TEXTS, mutated_bytes, mutated_json

HOST = "gateway.example"
_PAGES = ("/", "/market", "/operators", "/systems", "/tasks", "/tasks/new", "/money", "/provers", "/admin/audit")


class Mistake(Exception):
    """The door answered that the gateway failed."""


class _AtHome:
    """Whoever looks at a page is signed in, and every form is one of ours."""

    async def visitor(self, _request: object) -> Visitor:
        return Visitor(caller=CALLER, csrf="csrf")

    def check_csrf(self, _visitor: object, _token: str) -> None: ...


class _Callers(World):
    sessions = Sessions(World(), ManualClock(NOW_MS))  # type: ignore[arg-type]  # stands for a database

    def admit_stranger(self, _host: str) -> None: ...

    async def roles_of(self, *_: object, **__: object) -> frozenset[Role]:
        return CALLER.roles


class _Facts(World):
    address, version, setup_for_development = NETWORK, "0", True


@cache
def _app() -> Any:
    callers: Any = _Callers()
    intake = replace(intake_over_nothing(), callers=callers)
    status: Any = intake.status
    status.facts = _Facts()
    services: Any = services_of(intake)
    for service in services.values():
        service._door = OpenDoor()
    pages = build_pages(intake, ManualClock(NOW_MS), _AtHome())
    sign_in = SignIn(callers, {HOST}, network=NETWORK)
    return new_app(services, {HOST}, sign_in, beside=[Mount("/", pages.app)])


def take_request(data: bytes) -> None:
    """Ask what a JSON object says; what is missing in it is as browsers would have it."""
    try:
        said = json.loads(data)
    except (ValueError, RecursionError):
        return
    said = said if isinstance(said, dict) else {"path": said}
    with _mistakes() as made:
        status = run(_ask(_scope(said), _bytes(said.get("body", ""))))
    if made:
        raise made[0]
    if status >= 500:
        raise Mistake(f"answered {status}")


def _scope(said: dict[str, Any]) -> dict[str, Any]:
    path, query = _bytes(said.get("path", "/")), _bytes(said.get("query", ""))
    headers = said.get("headers")
    more = headers if isinstance(headers, dict) else {}
    given = {"host": HOST, "content-type": "application/json", **more}
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": _bytes(said.get("verb", "GET")).decode("latin-1").upper()[:16],
        "scheme": "https",
        "path": path.decode(errors="replace"),
        "raw_path": quote(path).encode(),
        "query_string": query,
        "root_path": "",
        "headers": [(_bytes(name).lower(), _bytes(text)) for name, text in given.items()],
        "client": ("10.0.0.1", 4_711),
        "server": (HOST, 443),
    }


def _bytes(value: object) -> bytes:
    text = value if isinstance(value, str) else json.dumps(value)
    return text.encode(errors="surrogatepass")


async def _ask(scope: dict[str, Any], body: bytes) -> int:
    asked, told = iter([body]), [0]

    async def receive() -> dict[str, Any]:
        one = next(asked, None)
        return {"type": "http.disconnect"} if one is None else {"type": "http.request", "body": one}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            told[0] = message["status"]

    try:
        await _app()(scope, receive, send)
    except Reached:
        return 0
    return told[0]


@contextmanager
def _mistakes() -> Iterator[list[Exception]]:
    """Yield what the services met that is no refusal: the door tells it as one of its own mistakes."""
    made: list[Exception] = []
    before = front_door._ours

    def ours(error: Exception) -> Any:
        told = before(error)
        if told is None:
            made.append(error)
        return told

    front_door._ours = ours
    try:
        yield made
    finally:
        front_door._ours = before


# --- what is asked --------------------------------------------------------------------------------


@cache
def requests() -> list[bytes]:
    """A request with every field, for each route; a page each; signing in; headers that mean something."""
    asked = {method.name.rpartition(".")[2].replace("/", "."): method.message for method in methods()}
    made: list[dict[str, Any]] = []
    for route in ROUTES:
        fields = write_message(filled(asked[route.call]()))
        path = route.path
        for name in (*route.in_path, "name"):
            path = path.replace("{" + name + "}", str(fields.pop(name, "x"))).replace("{name:path}", "manifest.json")
        if route.has_body:
            made.append({"verb": route.verb, "path": path, "body": fields})
        else:
            words = {name: str(text) for name, text in fields.items() if isinstance(text, str | int)}
            made.append({"verb": route.verb, "path": path, "query": urlencode(words)})
    made += [{"path": path, "query": "page=2&state=done&number=7"} for path in _PAGES]
    made += [
        {"verb": "POST", "path": "/v1/sign-in", "body": {"message": "m", "signature": "0x"}},
        {"verb": "POST", "path": "/v1/sign-in/nonce", "body": {"address": CALLER.address}},
        {"path": "/v1/session", "headers": {"cookie": "proofgrid_session=a.1.b.c"}},
        {"verb": "POST", "path": "/v1/sign-out", "headers": {"cookie": "proofgrid_session=a", "x-csrf-token": "b"}},
        {"path": "/v1/openapi.json", "headers": {"if-none-match": '"a", W/"b"', "accept": "*/*"}},
    ]
    return [json.dumps(one).encode() for one in made]


HEADERS = (
    *("idempotency-key", "range", "if-range", "if-none-match", "last-event-id", "accept", "content-type", "cookie"),
    *("content-length", "x-csrf-token", "authorization", "host", "traceparent", "forwarded", "x-forwarded-for"),
)
_SAID = ("bytes=0-1", "bytes=-5", "bytes=9-", '"a"', "*", "text/event-stream", "text/csv", "²", "1" * 5_000, "Bearer x")


def mutated_request(data: bytes, chance: Random) -> bytes:
    """Change some values of it, of its query or of its headers."""
    try:
        said = json.loads(data)
    except (ValueError, RecursionError):
        return mutated_bytes(data, chance)
    if not isinstance(said, dict) or chance.randrange(2):
        return mutated_json(data, chance)
    match chance.randrange(3):
        case 0:
            more = {chance.choice(HEADERS): chance.choice((*_SAID, *TEXTS))}
            headers = said.get("headers")
            said["headers"] = {**(headers if isinstance(headers, dict) else {}), **more}
        case 1:
            query = mutated_bytes(_bytes(said.get("query", "")), chance)
            said["query"] = query.decode("latin-1")
        case _:
            said["body"] = mutated_json(_bytes(said.get("body", {})), chance).decode(errors="replace")
    return json.dumps(said).encode()
