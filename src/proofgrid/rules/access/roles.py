"""Who may do what: three roles, and what each call needs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from proofgrid.primitives.errors import InvalidField, NotAllowed, UnknownKey
from proofgrid.primitives.ids import Address
from proofgrid.rules.access.api_keys import ApiKey


class Role(StrEnum):
    CLIENT = "client"
    OPERATOR = "operator"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A browser's session by which somebody calls."""

    session_id: str
    expires_ms: int  #: milliseconds since the epoch


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is calling, after all checks, and what its key may do."""

    address: Address
    roles: frozenset[Role]
    api_key: ApiKey | None = None  #: that it calls with, for its owner
    session: SignedIn | None = None  #: in which it calls; neither of both: it signed the call itself

    @property
    def api_key_id(self) -> str:
        """The name of the API key that it calls with; empty: none."""
        return "" if self.api_key is None else self.api_key.key_id

    @property
    def is_admin(self) -> bool:
        return Role.ADMIN in self.roles


def parse_role(text: str) -> Role:
    """Return the role named `text`; raise InvalidField when there is none."""
    try:
        return Role(text)
    except ValueError:
        raise InvalidField(f"no role {text!r}", field="role", hint="roles are client, operator, admin") from None


def check_role(held: frozenset[Role], *, needed: frozenset[Role]) -> None:
    """Raise UnknownKey for a key without roles, NotAllowed when none of `needed` is among `held`."""
    if not held:
        raise UnknownKey(hint="ask the network's administrator: proofgrid admin grant ADDRESS ROLE")
    if not held & needed:
        names = " or ".join(sorted(needed))
        raise NotAllowed(f"this call needs the role {names}")
