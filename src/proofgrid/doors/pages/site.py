"""What every page is made with, and how its errors look."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, quote

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from proofgrid.doors.pages.rendering import Renderer
from proofgrid.doors.pages.visitors import SignInFirst, Visitor, Visitors
from proofgrid.primitives import errors
from proofgrid.primitives.plain_text import TextKind, check_text
from proofgrid.roles.intake.intake import Intake
from proofgrid.rules.access.rights import roles_needed
from proofgrid.rules.access.roles import Caller, Role, check_role
from proofgrid.telemetry.acting import Act, acting, is_called_by

STATUSES: tuple[tuple[type[errors.ProofgridError], int], ...] = (
    (errors.RateLimited, 429),
    (errors.Busy, 503),
    (errors.Refused, 403),
    (errors.UnknownTask, 404),
    (errors.UnknownRound, 404),
    (errors.UnknownProgram, 404),
    (errors.UnknownEvidence, 404),
    (errors.InvalidRequest, 400),
    (errors.Recoverable, 503),
    (errors.TaskEnded, 409),
)

FORM_BYTES_MAX = 16 << 20
FIELDS_MAX = 64
ONLY_ADMIN = frozenset({Role.ADMIN})

TITLES = {
    403: "This is not for you",
    404: "There is no such page",
    429: "A little slower, please",
    503: "Not now; try again in a moment",
}

Handler = Callable[["Asked"], Awaitable[Response]]


WRITTEN = TextKind(name="written", chars_max=1_024)  #: in an address, or into a form
JSON_FIELDS = frozenset({"inputs"})  #: of forms; bounded and read by wire/codec/texts.py


class NoSuchPage(Exception):
    """There is nothing at this address."""


log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The use cases, who visits, and how pages are written."""

    intake: Intake
    visitors: Visitors
    renderer: Renderer


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request for a page."""

    site: Site
    request: Request
    visitor: Visitor | None

    @property
    def intake(self) -> Intake:
        return self.site.intake

    def page(self, template: str, *, status: int = 200, **values: object) -> Response:
        """Answer with a page."""
        return self.site.renderer.page(self.request, template, self.visitor, status=status, **values)

    def number(self, name: str, *, default: int = 0) -> int:
        """Return a whole number of the query; raise InvalidField for what is none."""
        text = self.request.query_params.get(name, "")
        if not text:
            return default
        if not _is_number(text):
            raise errors.InvalidField("a whole number", field=name)
        return int(text)

    def place(self, name: str) -> int:
        """Return a whole number of the path; raise NoSuchPage for what is none."""
        text = self.request.path_params[name]
        if not _is_number(text):
            raise NoSuchPage()
        return int(text)

    def text(self, name: str, *, default: str = "", chars_max: int = 200) -> str:
        """Return a text of the query; raise InvalidField for one that is too long."""
        text = self.request.query_params.get(name, default)
        if len(text) > chars_max:
            raise errors.InvalidField(f"at most {chars_max} characters", field=name)
        return text

    async def form(self) -> dict[str, str]:
        """Return the fields of a form whose sender is the visitor itself.

        Raises SignInFirst, NotAllowed, TooLarge, or InvalidField for what is no form.
        """
        if self.visitor is None:
            raise SignInFirst()
        body = bytearray()
        async for chunk in self.request.stream():
            body += chunk
            if len(body) > FORM_BYTES_MAX:
                raise errors.TooLarge(f"a form has at most {FORM_BYTES_MAX >> 20} MiB", field="inputs")
        try:
            fields = dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=FIELDS_MAX, errors="strict"))
        except ValueError:
            raise errors.InvalidField("a form, as browsers send it", field="body") from None
        self.site.visitors.check_csrf(self.visitor, fields.get("csrf", ""))
        for name, text in fields.items():
            if name not in JSON_FIELDS:
                check_text(text, WRITTEN, field=name[:256])
        return fields

    async def caller(self, *use_cases: Callable[..., object]) -> Caller:
        """Return who asks for these use cases; what only administrators may do looks at the list of roles itself.

        Raises SignInFirst, UnknownKey or NotAllowed.
        """
        if self.visitor is None:
            raise SignInFirst()
        caller = self.visitor.caller
        if any(roles_needed(one) == ONLY_ADMIN for one in use_cases):
            caller = replace(caller, roles=await self.intake.callers.roles_of(caller.address, anew=True))
        for one in use_cases:
            check_role(caller.roles, needed=roles_needed(one))
        return caller

    @contextmanager
    def acting(self, call: str, request: Mapping[str, object]) -> Iterator[None]:
        """Do what a form asks for, in the visitor's name: the audit log says so, as of the same call of a program."""
        peer = "" if self.request.client is None else f"{self.request.client.host}:{self.request.client.port}"
        with acting(Act(call, peer, lambda: request)):
            if self.visitor is not None:
                is_called_by(self.visitor.caller.address)
            yield


def answering(site: Site, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    """Make an endpoint of a handler: requests of an address are counted, an error is a page that says what to do."""

    async def endpoint(request: Request) -> Response:
        asked = Asked(site=site, request=request, visitor=None)
        try:
            site.intake.callers.admit_stranger(request.client.host if request.client else "")
            _check_address(request)
            asked = Asked(site=site, request=request, visitor=await site.visitors.visitor(request))
            return await handler(asked)
        except SignInFirst:
            where = request.url.path if request.method == "GET" else "/"
            return RedirectResponse(f"/sign-in?to={quote(where)}", status_code=303)
        except NoSuchPage:
            return asked.page("error.html", status=404, title=TITLES[404], error=None)
        except errors.ProofgridError as error:
            return _told(asked, error)
        except HTTPException:
            raise
        except Exception:
            log.exception("page_failed", path=request.url.path)
            return asked.page("error.html", status=500, title="This is our fault", error=None)

    return endpoint


def _check_address(request: Request) -> None:
    """Raise InvalidField where path or query hold what no field of a message may, and no column."""
    for name, text in (*request.path_params.items(), *request.query_params.multi_items()):
        check_text(str(text), WRITTEN, field=name[:256])


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 18


def redirect(path: str) -> Response:
    """Answer a form: the browser asks for the page anew."""
    return RedirectResponse(path, status_code=303)


def _told(asked: Asked, error: errors.ProofgridError) -> Response:
    status = next((status for kind, status in STATUSES if isinstance(error, kind)), 500)
    if status == 500:
        log.error("page_failed", path=asked.request.url.path, error=str(error))
    return asked.page("error.html", status=status, title=TITLES.get(status, "That did not work"), error=error)
