"""One HTTP request as the services see a call: who calls, with which token, and how it is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from hmac import compare_digest
from typing import NoReturn

from starlette.requests import Request

from proofgrid.doors.services.front_door import TOKEN_METADATA
from proofgrid.primitives.errors import NotAllowed, ProofgridError
from proofgrid.roles.intake.callers import CallsLeft
from proofgrid.rules.access.sign_in import COOKIE, CSRF_HEADER, SESSION_PREFIX, csrf_of
from proofgrid.wire.errors import said_error


class CallRefused(Exception):
    """A service refused a call. `error`: None when it is our mistake."""

    def __init__(self, error: ProofgridError | None) -> None:
        self.error = error


SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
COOKIE_CHARS_MAX = 512


def cookie_of(request: Request) -> str:
    """Return what a browser keeps of its session; empty: nothing."""
    return request.cookies.get(COOKIE, "")[:COOKIE_CHARS_MAX]


def _forged(name: str, text: str) -> bool:
    """Is it a session in place of a token? Only cookies hold them: no script can read those."""
    return name == TOKEN_METADATA and SESSION_PREFIX in text


class HttpCall:
    """Fits what `doors.services.front_door` asks of a call."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._callbacks: list[Callable[[object], None]] = []
        self._left: CallsLeft | None = None

    def peer(self) -> str:
        """Return where the call comes from, spelled as gRPC does."""
        client = self._request.client
        if client is None:
            return "unknown"
        return f"ipv6:[{client.host}]:{client.port}" if ":" in client.host else f"ipv4:{client.host}:{client.port}"

    def auth_context(self) -> dict[str, list[bytes]]:
        """Return how the connection is encrypted, spelled as gRPC does."""
        return {"transport_security_type": [b"ssl"]} if self._request.scope["scheme"] == "https" else {}

    def invocation_metadata(self) -> tuple[tuple[str, str], ...]:
        """Return the headers, their names in lower case; who signed in is who its session says.

        Raises NotAllowed for a request of a session that changes something and does not come from one of its pages.
        """
        headers = tuple((name, text) for name, text in self._request.headers.items() if not _forged(name, text))
        cookie = cookie_of(self._request)
        if not cookie or any(name == TOKEN_METADATA for name, _ in headers):
            return headers
        if self._request.method not in SAFE:
            told = self._request.headers.get(CSRF_HEADER, "")
            if not compare_digest(told.encode(), csrf_of(cookie).encode()):
                raise NotAllowed("the request does not come from a page of this session", field=CSRF_HEADER)
        return (*headers, (TOKEN_METADATA, f"Bearer {SESSION_PREFIX}{cookie}"))

    def add_done_callback(self, callback: Callable[[object], None]) -> None:
        """Call this when the call is over."""
        self._callbacks.append(callback)

    def admitted(self, left: CallsLeft) -> None:
        """Its caller may call, and so often."""
        self._left = left

    def limits(self) -> Mapping[str, str]:
        """Return the headers that say how often its caller may still call."""
        left = self._left
        if left is None:
            return {}
        full_seconds = -(-(left.at_once - left.now) // left.per_second)
        return {
            "RateLimit-Policy": f'"calls";q={left.at_once};w={-(-left.at_once // left.per_second)}',
            "RateLimit": f'"calls";r={left.now};t={full_seconds}',
        }

    def over(self) -> None:
        """The answer was sent, or nobody waits for it any more. Said twice it is no mistake."""
        callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback(self)

    async def send_initial_metadata(self, _: object) -> None:
        """Whoever calls is heard at once anyway."""

    async def abort(self, _status: object, _detail: str = "", trailing: Sequence[tuple[str, bytes]] = ()) -> NoReturn:
        """Refuse the call with the error that gRPC would carry."""
        raise CallRefused(said_error(trailing))
