"""Who looks at a page: bootstrap brings the sessions of whichever door signs people in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from starlette.requests import Request

from proofgrid.primitives.errors import NotAllowed
from proofgrid.rules.access.roles import Caller


class SignInFirst(Exception):
    """Nobody is signed in, and the page is somebody's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Who is signed in, and what its forms must bring along."""

    caller: Caller
    csrf: str


class Visitors(Protocol):
    """Sessions of browsers."""

    async def visitor(self, request: Request) -> Visitor | None:
        """Return who is signed in; None: nobody, or no more."""
        ...

    def check_csrf(self, visitor: Visitor, token: str) -> None:
        """Raise NotAllowed unless the token is that of the visitor's session."""
        ...


class Nobody:
    """Visitors of a gateway where nobody can sign in."""

    async def visitor(self, request: Request) -> Visitor | None:
        return None

    def check_csrf(self, visitor: Visitor, token: str) -> None:
        raise NotAllowed("nobody is signed in here")
