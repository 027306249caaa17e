"""Values to HTML: all that is written is escaped unless a template of ours wrote it."""

from __future__ import annotations

from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from proofgrid.doors.pages import words
from proofgrid.doors.pages.static_files import StaticFiles
from proofgrid.doors.pages.visitors import Visitor
from proofgrid.primitives.ids import Address
from proofgrid.primitives.plain_text import escaped

#: Nothing but our own files is loaded, nothing that stands in a page is run, and nobody puts a page into a frame.
CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CONTENT_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


class Renderer:
    """Templates with what all of them need."""

    def __init__(self, static: StaticFiles, *, network: Address, version: str, for_development: bool) -> None:
        self._environment = Environment(
            loader=PackageLoader("proofgrid.doors.pages"),
            autoescape=True,
            undefined=StrictUndefined,
            finalize=_seen,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters.update(
            count=words.count,
            many=words.many,
            price=words.price,
            span=words.span,
            short=words.short,
            share=words.share,
            prover=words.prover_name,
            size=words.size,
            day=words.day,
            when=_when,
            money=_money,
            path=path_of,
        )
        self._environment.globals.update(
            static=static.path, network=network, version=version, for_development=for_development
        )

    def page(
        self, request: Request, template: str, visitor: Visitor | None, *, status: int = 200, **values: object
    ) -> Response:
        """Return a whole page; what a signed-in visitor sees is kept by nobody."""
        asked_for = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        text = self._environment.get_template(template).render(
            visitor=visitor, here=request.url.path, asked_for=asked_for, **values
        )
        cache = "no-store" if visitor is not None else "no-cache"
        return HTMLResponse(text, status_code=status, headers={"Cache-Control": cache, "Vary": "Cookie"})


def _seen(value: object) -> object:
    """Return a value of which an eye sees every character, also of texts from before the wire judged them."""
    return escaped(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def path_of(text: str) -> str:
    """Return a name as a part of a path: lanes keep their slashes."""
    return quote(text, safe="/@")


def _when(at_ms: int | None, now_ms: int) -> Markup:
    if not at_ms:
        return Markup(words.NOTHING)  # noqa: S704 - a dash
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        words.machine_time(at_ms), words.moment(at_ms), words.ago(at_ms, now_ms)
    )


def _money(amount: int | None) -> Markup:
    if amount is None:
        return Markup(words.NOTHING)  # noqa: S704 - a dash
    return Markup('<span class="money" title="{}">{}</span>').format(words.exact_tokens(amount), words.tokens(amount))
