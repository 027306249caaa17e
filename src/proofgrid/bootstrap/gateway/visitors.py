"""Who looks at a page: the sessions that the HTTP door signs people in to, as pages want them."""

from __future__ import annotations

from hmac import compare_digest

from starlette.requests import Request

from proofgrid.doors.pages.visitors import Visitor
from proofgrid.primitives.errors import NotAllowed, Refused
from proofgrid.roles.intake.callers import Callers
from proofgrid.rules.access.roles import Caller
from proofgrid.rules.access.sign_in import COOKIE, CSRF_HEADER


class BrowserVisitors:
    """Fits doors.pages.visitors.Visitors."""

    def __init__(self, callers: Callers) -> None:
        self._callers = callers

    async def visitor(self, request: Request) -> Visitor | None:
        """Return who is signed in; None: nobody, or no more."""
        cookie = request.cookies.get(COOKIE, "")
        if not cookie:
            return None
        try:
            session = await self._callers.sessions.of(cookie)
        except Refused:
            return None
        roles = await self._callers.roles_of(session.address, anew=False)
        return Visitor(caller=Caller(session.address, roles, session=session.signed_in), csrf=session.csrf)

    def check_csrf(self, visitor: Visitor, token: str) -> None:
        """Raise NotAllowed unless the token is that of the visitor's session."""
        if not compare_digest(visitor.csrf.encode(), token.encode()):
            raise NotAllowed("the form does not come from a page of this session", field=CSRF_HEADER)
