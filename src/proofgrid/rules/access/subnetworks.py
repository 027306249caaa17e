"""Subnetworks: named parts of a network with lanes of their own, and who may use which.

`default` is open to all, serves every proof system and cannot be removed. What waits too long in another one flows over
to the lane of the same class, and with the same constraints, of `default`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

from proofgrid.primitives.errors import InvalidField, NotAMember, NotServed, UnknownSubnetwork
from proofgrid.primitives.ids import Lane
from proofgrid.primitives.money import AMOUNT_MAX
from proofgrid.rules.access.roles import Role

DEFAULT = "default"
NAME_CHARS_MAX = 32
SERVED_MAX = 16  #: subnetworks of one prover
PROOF_SYSTEMS_MAX = 64
OVERFLOW_MAX_MS = 30 * 24 * 3_600 * 1_000
MEMBER_ROLES = (Role.CLIENT, Role.OPERATOR)

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
_NAME_HINT = "small letters, digits and hyphens, like acme-zk"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subnetwork:
    """What an administrator decides about a subnetwork."""

    name: str
    is_open: bool = False  #: to everybody who may use the network; otherwise to its members
    proof_systems: frozenset[str] = frozenset()  #: that it serves; empty: all
    reference_price: int = 0  #: of its lanes without a round, base units per PU; 0: the gateways' setting
    overflow_after_ms: int = 0  #: a job that waited so long goes to `default`; 0: never


@dataclass(frozen=True, slots=True, kw_only=True)
class SubnetworkChange:
    """What an administrator wants different; None leaves it as it is."""

    is_open: bool | None = None
    proof_systems: frozenset[str] | None = None
    reference_price: int | None = None
    overflow_after_ms: int | None = None


def changed(subnetwork: Subnetwork, change: SubnetworkChange) -> Subnetwork:
    """Return the subnetwork with everything that the change names."""
    named = {one.name: getattr(change, one.name) for one in fields(change)}
    return replace(subnetwork, **{name: value for name, value in named.items() if value is not None})


def parse_subnetwork(text: str, *, field: str = "subnetwork") -> str:
    """Return the name of a subnetwork; raise InvalidField when it is none."""
    if len(text) > NAME_CHARS_MAX or not _NAME.fullmatch(text):
        raise InvalidField(f"{text[:64]!r} is no name of a subnetwork", field=field, hint=_NAME_HINT)
    return text


def parse_member_role(text: str) -> Role:
    """Return what a member may do in a subnetwork."""
    if text not in MEMBER_ROLES:
        raise InvalidField(f"no role {text!r} in a subnetwork", field="role", hint="roles are client, operator")
    return Role(text)


def check_subnetwork(subnetwork: Subnetwork) -> None:
    """Raise InvalidField for parameters outside their rules."""
    parse_subnetwork(subnetwork.name, field="name")
    if not 0 <= subnetwork.reference_price <= AMOUNT_MAX:
        raise InvalidField("a reference price is positive; 0 means the gateways' setting", field="reference_price")
    if not 0 <= subnetwork.overflow_after_ms <= OVERFLOW_MAX_MS:
        raise InvalidField("at most 30 days; 0 means never", field="overflow_after_ms")
    if len(subnetwork.proof_systems) > PROOF_SYSTEMS_MAX:
        raise InvalidField(f"at most {PROOF_SYSTEMS_MAX} proof systems", field="proof_systems")
    if subnetwork.name != DEFAULT:
        return
    if not subnetwork.is_open or subnetwork.proof_systems:
        raise InvalidField(f"{DEFAULT} is open to all and serves every proof system", field="name")
    if subnetwork.overflow_after_ms:
        raise InvalidField(f"{DEFAULT} is where others flow over to", field="overflow_after_ms")


def check_served(names: Sequence[str]) -> None:
    """Raise InvalidField for a list of subnetworks that no prover can serve."""
    if len(names) > SERVED_MAX:
        raise InvalidField(f"at most {SERVED_MAX} subnetworks", field="subnetworks")
    if len(set(names)) < len(names):
        raise InvalidField("a subnetwork is named twice", field="subnetworks")
    for name in names:
        parse_subnetwork(name, field="subnetworks")


def check_may_use(
    subnetwork: Subnetwork | None, name: str, *, role: Role, is_member: bool, field: str = "subnetwork"
) -> Subnetwork:
    """Return the subnetwork; raise UnknownSubnetwork or NotAMember for who may not submit to it or prove for it."""
    if subnetwork is None:
        raise UnknownSubnetwork(f"there is no subnetwork {name!r}", field=field, hint="proofgrid status lists yours")
    if not subnetwork.is_open and not is_member:
        raise NotAMember(
            f"this key is no {role} of the subnetwork {name!r}",
            field=field,
            hint=f"its administrator decides: proofgrid admin subnetwork allow {name} ADDRESS {role}",
        )
    return subnetwork


def check_serves(subnetwork: Subnetwork, proof_system: str) -> None:
    """Raise NotServed when programs of this proof system cannot be proven in the subnetwork."""
    if subnetwork.proof_systems and proof_system not in subnetwork.proof_systems:
        served = ", ".join(sorted(subnetwork.proof_systems))
        raise NotServed(
            f"the subnetwork {subnetwork.name!r} serves {served}, not {proof_system}",
            field="subnetwork",
            hint="leave the subnetwork out to use the common lanes",
        )


def overflow_lane(lane: str) -> Lane:
    """Return the common lane of the same proof system, class and constraints."""
    return Lane("/".join([DEFAULT, *lane.split("/")[1:]]))
