"""All pages as one ASGI application; bootstrap mounts it last, at "/"."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from proofgrid.doors.pages import administration, evidence_files, mine, money, own_access, public
from proofgrid.doors.pages.live import Live
from proofgrid.doors.pages.rendering import HEADERS, Renderer
from proofgrid.doors.pages.site import Asked, Handler, NoSuchPage, Site, answering
from proofgrid.doors.pages.static_files import PREFIX, StaticFiles
from proofgrid.doors.pages.visitors import Nobody, Visitors
from proofgrid.primitives.clock import Clock
from proofgrid.roles.intake.intake import Intake

#: What a page is asked by; more is added where people sign in.
PAGES: tuple[tuple[str, Handler], ...] = (
    ("/", public.network),
    ("/market", public.market),
    ("/market/{lane:path}/rounds/{number}/record", public.record_of_round),
    ("/market/{lane:path}/rounds/{number}", public.round_of_lane),
    ("/market/{lane:path}", public.lane),
    ("/operators", public.operators),
    ("/operators/{address}", public.operator),
    ("/systems", public.systems),
    ("/sign-in", mine.sign_in),
    ("/tasks", mine.tasks),
    ("/tasks/new", mine.new_task),
    ("/tasks/{task_id}", mine.task),
    ("/tasks/{task_id}/bundle", mine.bundle),
    ("/money", money.money),
    ("/money/statement.csv", money.statement),
    ("/evidence/{evidence_id}", evidence_files.evidence),
    ("/keys", own_access.keys),
    ("/webhooks", own_access.webhooks),
    ("/webhooks/{endpoint_id}", own_access.webhook),
    ("/provers", mine.provers),
    ("/admin", administration.incidents),
    ("/admin/incidents/{incident_id}", administration.incident),
    ("/admin/incidents/{incident_id}/post-mortem", administration.post_mortem),
    ("/admin/dead-letters", administration.dead_letters),
    ("/admin/quarantines", administration.quarantines),
    ("/admin/subnetworks", administration.subnetworks),
    ("/admin/treasury", administration.treasury),
    ("/admin/audit", administration.audit),
)

FORMS: tuple[tuple[str, Handler], ...] = (
    ("/tasks", mine.submit),
    ("/tasks/{task_id}/cancel", mine.cancel),
    ("/keys", own_access.make_key),
    ("/money/low-balance", money.set_low_balance),
    ("/keys/{key_id}/spend", money.set_cap),
    ("/keys/{key_id}/revoke", own_access.revoke_key),
    ("/webhooks", own_access.make_webhook),
    ("/webhooks/{endpoint_id}/test", own_access.test_webhook),
    ("/webhooks/{endpoint_id}/replay", own_access.replay_webhook),
    ("/webhooks/{endpoint_id}/remove", own_access.remove_webhook),
    ("/admin/dead-letters/{task_id}/replay", administration.replay_dead_letter),
    ("/admin/incidents/{incident_id}/close", administration.close_incident),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """An ASGI application, and how its open streams end."""

    app: ASGIApp
    close: Callable[[], None]


def build_pages(intake: Intake, clock: Clock, visitors: Visitors | None = None) -> Pages:
    """Return the pages of a gateway. `visitors`: who is signed in; None: nobody ever is."""
    static, live = StaticFiles(), Live(intake.overview, clock)
    facts = intake.status.facts
    renderer = Renderer(
        static, network=facts.address, version=facts.version, for_development=facts.setup_for_development
    )
    site = Site(intake=intake, visitors=visitors or Nobody(), renderer=renderer)
    routes = [Route(f"{PREFIX}/{{digest}}/{{name}}", static.serve), Route("/robots.txt", _robots)]
    routes += [Route(path, answering(site, handler)) for path, handler in PAGES]
    routes += [Route(path, answering(site, handler), methods=["POST"]) for path, handler in FORMS]
    routes.append(Route("/live/network", answering(site, live.network)))
    routes.append(Route("/live/own/{what}", answering(site, live.own)))
    routes.append(Route("/live/tasks/{task_id}", answering(site, live.task)))
    routes.append(Route("/{rest:path}", answering(site, _nothing), methods=["GET", "POST"]))
    return Pages(app=_SafeHeaders(Router(routes)), close=live.close)


class _SafeHeaders:
    """Every answer says what a browser may do with it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
            await send(message)

        await self._app(scope, receive, send_safely if scope["type"] == "http" else send)


async def _robots(_: Request) -> Response:
    return PlainTextResponse("User-agent: *\nDisallow: /live/\n")


async def _nothing(asked: Asked) -> Response:
    if asked.request.url.path.startswith("/v1/"):
        raise HTTPException(404)  # a program asked: whoever mounts these pages answers as it answers programs
    raise NoSuchPage()
