"""Who may do what: each use case of the intake says which access roles it needs, and every door asks for them there."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from proofgrid.primitives.errors import NotAllowed
from proofgrid.primitives.ids import Address
from proofgrid.rules.access.api_keys import Scope
from proofgrid.rules.access.roles import Caller, Role

UseCase = TypeVar("UseCase", bound=Callable[..., Any])

ANYBODY = (Role.CLIENT, Role.OPERATOR, Role.ADMIN)  #: who has any access role at all


def needs(*roles: Role, once: bool = False, scopes: Iterable[Scope] = ()) -> Callable[[UseCase], UseCase]:
    """Note that a use case is for callers with one of these access roles: a door admits nobody else to it.

    `once`: an act of money, rights or administration, whose token is used up. What is named by the bytes it says (an
    idempotency key, a digest) is once anyway, and needs no other mark.
    `scopes`: an API key needs one of these, and is not let in where there are none.
    """

    def note(use_case: UseCase) -> UseCase:
        use_case.needed = frozenset(roles)  # type: ignore[attr-defined]
        use_case.scopes = frozenset(scopes)  # type: ignore[attr-defined]
        use_case.once = once  # type: ignore[attr-defined]
        return use_case

    return note


def roles_needed(use_case: Callable[..., Any]) -> frozenset[Role]:
    """Return the access roles of which a caller needs one; raise AttributeError for what is no use case."""
    needed: frozenset[Role] = use_case.needed  # type: ignore[attr-defined]
    return needed


def scopes_taken(use_case: Callable[..., object]) -> frozenset[Scope]:
    """Return the scopes of which an API key needs one; none: it lets no API key in."""
    taken: frozenset[Scope] = use_case.scopes  # type: ignore[attr-defined]
    return taken


def is_once(use_case: Callable[..., Any]) -> bool:
    """Is a token used up by it? Raises AttributeError for what is no use case."""
    once: bool = use_case.once  # type: ignore[attr-defined]
    return once


def own_or_admin(caller: Caller, asked: Address | None, *, refusal: str, field: str) -> Address:
    """Return whose things are meant, the caller's own when nobody is named.

    Raises NotAllowed with `refusal` for somebody else's, unless an administrator asks.
    """
    if asked is None or asked == caller.address or caller.is_admin:
        return asked or caller.address
    raise NotAllowed(refusal, field=field)
