"""Browsers sign in with a wallet (EIP-4361) and keep a cookie that no script can read.

POST /v1/sign-in/nonce  -> a nonce, and the message to sign
POST /v1/sign-in        -> the cookie, and what requests that change something bring along (X-CSRF-Token)
GET  /v1/session        -> who is signed in
POST /v1/sign-out       -> the session ends, at every gateway
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from urllib.parse import parse_qs, urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from proofgrid.doors.http.answers import HEADERS, JSON, Answering
from proofgrid.doors.http.asking import read_fields
from proofgrid.doors.http.body import read_body
from proofgrid.doors.http.call import HttpCall, cookie_of
from proofgrid.doors.http.json_text import to_json
from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import BadToken, InvalidField, NotAllowed, NoToken, WrongAudience
from proofgrid.primitives.ids import Address
from proofgrid.primitives.signatures import parse_address
from proofgrid.roles.intake.callers import Callers
from proofgrid.roles.intake.signing_in import Session
from proofgrid.rules.access.sign_in import COOKIE, CSRF_HEADER, SESSION_MS, csrf_of, spell_sign_in
from proofgrid.telemetry.acting import Act, acting
from proofgrid.telemetry.seam import span
from proofgrid.wire.addresses import gateway_name, peer_host

FORM = "application/x-www-form-urlencoded"
_TEXTS_MAX = 8_192


class SignIn:
    """What signs browsers in. `names`: under which this door is spoken to."""

    def __init__(self, callers: Callers, names: Collection[str], *, network: Address) -> None:
        self._callers = callers
        self._names = names
        self._network = network

    def routes(self) -> Mapping[tuple[str, str], Answering]:
        """Return what answers, by verb and path."""
        return {
            ("POST", "/v1/sign-in/nonce"): self._nonce,
            ("POST", "/v1/sign-in"): self._sign_in,
            ("GET", "/v1/session"): self._session,
            ("POST", "/v1/sign-out"): self._sign_out,
        }

    async def _nonce(self, request: Request, call: HttpCall) -> Response:
        self._callers.admit_stranger(peer_host(call.peer()))
        fields = _texts(await read_fields(request), {"address"})
        scheme, domain = self._place(request)
        nonce = await self._callers.sessions.nonce()
        told: dict[str, object] = {"nonce": nonce, "domain": domain, "uri": f"{scheme}://{domain}/", "message": ""}
        if fields["address"]:
            address = parse_address(fields["address"])
            now_ms = self._callers.sessions.now_ms()
            told["message"] = spell_sign_in(
                domain=domain, scheme=scheme, address=address, network=self._network, nonce=nonce, now_ms=now_ms
            )
        return Response(to_json(told), headers=HEADERS, media_type=JSON)

    async def _sign_in(self, request: Request, call: HttpCall) -> Response:
        self._callers.admit_stranger(peer_host(call.peer()))
        fields = _texts(await read_fields(request), {"message", "signature"})
        _, domain = self._place(request)
        with acting(Act("SignIn", call.peer(), lambda: {"domain": domain})), span("call", "SignIn"):
            try:
                session = await self._callers.sessions.sign_in(fields["message"], fields["signature"], domain=domain)
            except BadToken:
                self._callers.abuse.note(peer_host(call.peer()))
                raise
        response = await self._told(session)
        _set_cookie(response, request, session.cookie, seconds=SESSION_MS // 1_000)
        return response

    async def _session(self, request: Request, call: HttpCall) -> Response:
        self._callers.admit_stranger(peer_host(call.peer()))
        cookie = cookie_of(request)
        if not cookie:
            raise NoToken("nobody is signed in here", hint="POST /v1/sign-in")
        return await self._told(await self._callers.sessions.of(cookie))

    async def _sign_out(self, request: Request, call: HttpCall) -> Response:
        self._callers.admit_stranger(peer_host(call.peer()))
        cookie = cookie_of(request)
        is_form = request.headers.get("content-type", "").startswith(FORM)
        token = request.headers.get(CSRF_HEADER, "")
        if is_form:
            token = parse_qs((await read_body(request)).decode("latin-1")).get("csrf", [""])[0]
        if not cookie:
            raise NoToken("nobody is signed in here")
        if token != csrf_of(cookie):
            raise NotAllowed("the request does not come from a page of this session", field=CSRF_HEADER)
        await self._callers.sessions.sign_out(cookie)
        response = RedirectResponse("/", 303, HEADERS) if is_form else Response(status_code=204, headers=HEADERS)
        _set_cookie(response, request, "", seconds=0)
        return response

    async def _told(self, session: Session) -> Response:
        roles = await self._callers.roles_of(session.address, anew=True)
        told = {
            "address": session.address,
            "roles": sorted(roles),
            "csrf": session.csrf,
            "expires_ms": session.expires_ms,
        }
        return Response(to_json(told), headers=HEADERS, media_type=JSON)

    def _place(self, request: Request) -> tuple[str, str]:
        """Return scheme and authority under which a browser speaks to us. Raises WrongAudience where it is not ours."""
        domain = request.headers.get("host", "").lower()
        try:
            parts = urlsplit(f"//{domain}")
            host, port = parts.hostname or "", parts.port
        except ValueError:
            raise InvalidField("not a host", field="host") from None
        scheme = request.url.scheme
        spelled = {gateway_name(host, port or 80, encrypted=False), gateway_name(host, 0, encrypted=True)}
        if not spelled.intersection(self._names):
            raise WrongAudience(
                f"this gateway is not {host!r}", field="host", hint="its certificate names it, or --names"
            )
        origin = request.headers.get("origin", "")
        if origin and urlsplit(origin).netloc.lower() != domain:
            raise NotAllowed("a page of another place asks", field="origin")
        return scheme, domain


def _texts(fields: Mapping[str, Json], names: set[str]) -> dict[str, str]:
    found = dict.fromkeys(names, "")
    for name, value in fields.items():
        if name not in names:
            raise InvalidField("there is no such field", field=name[:256], hint=f"fields: {', '.join(sorted(names))}")
        if not isinstance(value, str) or len(value) > _TEXTS_MAX:
            raise InvalidField(f"a text of at most {_TEXTS_MAX} characters", field=name)
        found[name] = value
    return found


def _set_cookie(response: Response, request: Request, value: str, *, seconds: int) -> None:
    is_encrypted = request.url.scheme == "https"
    response.set_cookie(COOKIE, value, max_age=seconds, path="/", httponly=True, samesite="strict", secure=is_encrypted)
