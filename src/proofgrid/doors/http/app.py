"""The application behind the HTTP door: each request of the table is one call of a service, each refusal a problem.

request -> path, query, body -> the call's message, checked as gRPC's is -> service -> its message as JSON
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from importlib.resources import files
from typing import cast

import structlog
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.routing import Route as PathRoute

from proofgrid.doors.http.answers import (
    HEADERS,
    Answering,
    Method,
    answers_once,
    answers_with_program,
    answers_with_record,
    answers_with_statement,
    answers_with_task_events,
)
from proofgrid.doors.http.call import CallRefused, HttpCall
from proofgrid.doors.http.problems import HttpRefusal, problem_of
from proofgrid.doors.http.routes import BUNDLE, BUNDLE_FILE, DOCUMENT, ROUTES, Route
from proofgrid.doors.http.sessions import SignIn
from proofgrid.doors.http.streamed import BrokenOff, Streamed
from proofgrid.doors.http.transfers import answers_bundle, answers_bundle_file, answers_download, answers_upload
from proofgrid.doors.services.every import Services
from proofgrid.primitives.digests import digest_of
from proofgrid.primitives.errors import ProofgridError
from proofgrid.roles.intake.heard import NO_BODY, Heard, hear

#: Calls that are answered otherwise than by one JSON object.
_OTHERWISE: Mapping[str, Callable[[Route, Method], Answering]] = {
    "ArtifactService.Download": answers_download,
    "ArtifactService.Upload": answers_upload,
    "ClientService.RegisterProgram": answers_with_program,
    "ClientService.WatchTask": answers_with_task_events,
    "MarketService.ExportRounds": answers_with_record,
    "StatementService.GetStatement": answers_with_statement,
}

log = structlog.get_logger(__name__)


def new_app(
    services: Services, names: Collection[str], sign_in: SignIn | None = None, *, beside: Iterable[BaseRoute] = ()
) -> FastAPI:
    """Return the application.

    `names`: under which this door is spoken to; they may come to be known later. `beside`: what others answer at the
    same address, asked last.
    """
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    by_path: dict[str, dict[str, Answering]] = defaultdict(dict)
    for route in ROUTES:
        by_path[route.path][route.verb] = _answering(route, services)
    by_path[DOCUMENT]["GET"] = _document()
    for (verb, path), answering in sign_in.routes().items() if sign_in is not None else ():
        by_path[path][verb] = answering
    app.router.routes.extend(_resource(path, verbs, names) for path, verbs in by_path.items())
    app.router.routes.extend(beside)
    app.add_exception_handler(HTTPException, _tell_http_error)
    app.add_exception_handler(Exception, _tell_mistake)
    return app


def _answering(route: Route, services: Services) -> Answering:
    method = _method(services, route.call)
    if route.path in (BUNDLE, BUNDLE_FILE):
        download = _method(services, "ArtifactService.Download")
        return (answers_bundle if route.path == BUNDLE else answers_bundle_file)(method, download)
    return _OTHERWISE.get(route.call, answers_once)(route, method)


def _method(services: Services, call: str) -> Method:
    service, _, name = call.partition(".")
    return cast(Method, getattr(services[service], name))


def _document() -> Answering:
    text = files("proofgrid.doors.http").joinpath("openapi.json").read_bytes()
    tag = f'"{digest_of(text)}"'

    async def answer(request: Request, call: HttpCall) -> Response:
        headers = HEADERS | {"ETag": tag, "Cache-Control": "no-cache"}
        if tag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return Response(text, headers=headers, media_type="application/json")

    return answer


def _resource(path: str, verbs: Mapping[str, Answering], names: Collection[str]) -> PathRoute:
    """Return what answers a path, whatever the verb."""

    async def answer(request: Request) -> Response:
        call = HttpCall(request)
        hear(Heard(_spoken(request), names, NO_BODY))
        response: Response | None = None
        try:
            response = await _answer(verbs, request, call)
        except CallRefused as refused:
            response = problem_of(refused.error or ProofgridError("the gateway failed; its log says why"))
        except HttpRefusal as refusal:
            response = refusal.problem()
        except ProofgridError as error:
            response = problem_of(error)
        finally:
            if not isinstance(response, Streamed):
                call.over()
        response.headers.update(call.limits())
        return response

    route = PathRoute(path, answer)
    route.methods = None  # every one: which are taken is told by a problem
    return route


def _spoken(request: Request) -> str:
    """Return what a token for this request is for: verb, and path with query as they came."""
    path, query = request.scope["raw_path"].decode("latin-1"), request.scope["query_string"].decode("latin-1")
    return f"{request.method} {path}{'?' if query else ''}{query}"


async def _answer(verbs: Mapping[str, Answering], request: Request, call: HttpCall) -> Response:
    answering = verbs.get("GET" if request.method == "HEAD" else request.method)
    if answering is not None:
        return await answering(request, call)
    response = HttpRefusal(405, f"this takes {', '.join(verbs)}").problem()
    response.headers["Allow"] = ", ".join(verbs)
    return response


async def _tell_http_error(_: Request, error: Exception) -> Response:
    told = cast(HTTPException, error)
    hint = f"GET {DOCUMENT} lists what there is" if told.status_code == 404 else ""
    return HttpRefusal(told.status_code, str(told.detail), hint=hint).problem()


async def _tell_mistake(request: Request, error: Exception) -> Response:
    if not isinstance(error, BrokenOff):  # which was told
        log.error("call_failed", call=request.url.path, exc_info=error)
    return problem_of(ProofgridError("the gateway failed; its log says why"))
