"""The application behind the HTTP door: each request of the table is one call of a service, each refusal a problem.

request -> path, query, body -> the call's message, checked as gRPC's is -> service -> its message as JSON
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TypeAlias, cast

import structlog
from fastapi import FastAPI
from google.protobuf.message import Message
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.routing import Route as PathRoute

from proofgrid.doors.http.body import BODY_BYTES_MAX, read_body
from proofgrid.doors.http.call import CallRefused, HttpCall
from proofgrid.doors.http.json_text import to_json
from proofgrid.doors.http.messages import name_of, read_message, read_word, write_message
from proofgrid.doors.http.problems import Problem, problem_of
from proofgrid.doors.http.routes import ROUTES, Route
from proofgrid.doors.services.every import Services
from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import InvalidField, MalformedMessage, ProofgridError
from proofgrid.wire.codec.texts import read_json

Answering: TypeAlias = "Callable[[Request, HttpCall], Awaitable[Response]]"

JSON = "application/json"
#: What every answer says: nothing here is a page that may be framed, sniffed or kept.
HEADERS = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}

log = structlog.get_logger(__name__)


def new_app(services: Services, *, beside: Iterable[BaseRoute] = ()) -> FastAPI:
    """Return the application. `beside`: what others answer at the same address, asked last."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    by_path: dict[str, dict[str, Answering]] = defaultdict(dict)
    for route in ROUTES:
        by_path[route.path][route.verb] = _answering(route, services)
    app.router.routes.extend(_resource(path, verbs) for path, verbs in by_path.items())
    app.router.routes.extend(beside)
    app.add_exception_handler(HTTPException, _tell_http_error)
    app.add_exception_handler(Exception, _tell_mistake)
    return app


def _resource(path: str, verbs: Mapping[str, Answering]) -> PathRoute:
    """Return what answers a path, whatever the verb."""

    async def answer(request: Request) -> Response:
        answering = verbs.get("GET" if request.method == "HEAD" else request.method)
        if answering is None:
            response = problem_of(Problem(405, f"{path} takes {', '.join(verbs)}"))
            response.headers["Allow"] = ", ".join(verbs)
            return response
        call = HttpCall(request)
        try:
            return await answering(request, call)
        except CallRefused as refused:
            return problem_of(refused.error or ProofgridError("the gateway failed; its log says why"))
        except ProofgridError as error:
            return problem_of(error)
        finally:
            call.over()

    route = PathRoute(path, answer)
    route.methods = None  # every one: which are taken is told by a problem
    return route


def _answering(route: Route, services: Services) -> Answering:
    """Return what answers a request by a call that answers once."""
    method = getattr(services[route.service], route.method.name)

    async def answer(request: Request, call: HttpCall) -> Response:
        message: Message = await method(await read_request(route, request), call)
        return Response(to_json(write_message(message)), headers=HEADERS, media_type=JSON)

    return answer


async def read_request(route: Route, request: Request) -> Message:
    """Return the message that a request makes. Raises InvalidRequest errors naming the field."""
    fields: dict[str, Json] = {}
    if route.has_body:
        fields |= await _read_fields(request)
    by_name = {name_of(one): one for one in route.asked.fields}
    for name, text in _words(route, request):
        if name not in by_name:
            raise InvalidField("there is no such parameter", field=name[:256], hint=_parameters(route, by_name))
        if name in fields:
            raise InvalidField("it is given twice", field=name)
        fields[name] = read_word(text, by_name[name])
    return read_message(fields, route.asked)


def _words(route: Route, request: Request) -> Sequence[tuple[str, str]]:
    in_path = [(name, str(request.path_params[name])) for name in route.in_path]
    return in_path + list(request.query_params.multi_items())


def _parameters(route: Route, names: Iterable[str]) -> str:
    return f"parameters: {', '.join(names) or 'none'}" if not route.has_body else "fields are in the body"


async def _read_fields(request: Request) -> Mapping[str, Json]:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != JSON:
        raise Problem(415, f"the body is {JSON}", hint=f"Content-Type: {JSON}")
    try:
        text = (await read_body(request)).decode()
    except UnicodeDecodeError:
        raise MalformedMessage("not UTF-8", field="body") from None
    value = read_json(text, field="body", bytes_max=BODY_BYTES_MAX)
    if not isinstance(value, dict):
        raise MalformedMessage("a JSON object", field="body")
    return value


async def _tell_http_error(_: Request, error: Exception) -> Response:
    told = cast(HTTPException, error)
    hint = "GET /v1/openapi.json lists what there is" if told.status_code == 404 else ""
    return problem_of(Problem(told.status_code, str(told.detail), hint=hint))


async def _tell_mistake(request: Request, error: Exception) -> Response:
    log.error("call_failed", call=request.url.path, exc_info=error)
    return problem_of(ProofgridError("the gateway failed; its log says why"))
