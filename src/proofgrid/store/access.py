"""Who may use the network, and tokens that were spent."""

from __future__ import annotations

from dataclasses import dataclass

from proofgrid.primitives.ids import Address
from proofgrid.rules.access.roles import Role
from proofgrid.store.queries import query


@dataclass(frozen=True, slots=True)
class Identity:
    """A key that the network knows, and what it may do."""

    address: Address
    roles: tuple[Role, ...]  #: in the order of their names
    label: str


ROLES_OF = query("roles_of", Role)
GRANT_ROLE = query("grant_role", None)
REVOKE_ROLE = query("revoke_role", None)
LIST_IDENTITIES = query("list_identities", Identity)
SPEND_TOKEN = query("spend_token", str)
END_SESSION = query("end_session", str)
FORGET_SPENT_TOKENS = query("forget_spent_tokens", None)
IS_SPENT = query("is_spent", bool)
SECRET_OF = query("secret_of", str)  #: a value: what all gateways of the network know, and nobody else
