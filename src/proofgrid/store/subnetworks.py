"""Subnetworks as they are written down, and the checks that the roles make against them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from proofgrid.primitives.ids import Address
from proofgrid.rules.access.roles import Role
from proofgrid.rules.access.subnetworks import (
    DEFAULT,
    Subnetwork,
    check_may_use,
    check_serves,
)
from proofgrid.store.connection import Connection
from proofgrid.store.queries import query


@dataclass(frozen=True, slots=True)
class SubnetworkStatus:
    """A subnetwork with what it has and does."""

    name: str
    is_open: bool
    proof_systems: tuple[str, ...]
    reference_price: int
    overflow_after_ms: int
    created_ms: int
    ready_units: int  #: of jobs that wait
    busy: int  #: leases in flight
    provers: int
    slots: int
    dedicated_slots: int  #: of provers that serve nothing else
    tasks_open: int


@dataclass(frozen=True, slots=True)
class Member:
    """A key on a subnetwork's list."""

    address: Address
    role: Role  #: client or operator
    since_ms: int


@dataclass(frozen=True, slots=True)
class LockedSubnetwork:
    """What an administrator has decided, under its row lock."""

    name: str
    is_open: bool
    proof_systems: tuple[str, ...]
    reference_price: int
    overflow_after_ms: int

    @property
    def subnetwork(self) -> Subnetwork:
        return Subnetwork(
            name=self.name,
            is_open=self.is_open,
            proof_systems=frozenset(self.proof_systems),
            reference_price=self.reference_price,
            overflow_after_ms=self.overflow_after_ms,
        )


@dataclass(frozen=True, slots=True)
class WantedSubnetwork:
    """A subnetwork that somebody wants to use."""

    name: str
    is_open: bool
    proof_systems: tuple[str, ...]
    is_member: bool  #: is the one who wants to use it

    @property
    def subnetwork(self) -> Subnetwork:
        return Subnetwork(name=self.name, is_open=self.is_open, proof_systems=frozenset(self.proof_systems))


CREATE_SUBNETWORK = query("create_subnetwork", str)
LOCK_SUBNETWORK = query("lock_subnetwork", LockedSubnetwork)
SET_SUBNETWORK = query("set_subnetwork", None)
REMOVE_SUBNETWORK = query("remove_subnetwork", str)
ALLOW_MEMBER = query("allow_member", None)
DENY_MEMBER = query("deny_member", None)
DISMISS_STRANGERS = query("dismiss_strangers", None)
MEMBERS_OF_SUBNETWORK = query("members_of_subnetwork", Member)
LIST_SUBNETWORKS = query("list_subnetworks", SubnetworkStatus)
SUBNETWORK_FOR = query("subnetwork_for", WantedSubnetwork)
JOIN_SUBNETWORKS = query("join_subnetworks", WantedSubnetwork)
SERVE_STACKS = query("serve_stacks", None)


def columns_of(subnetwork: Subnetwork) -> dict[str, Any]:
    """Return what `create_subnetwork` and `set_subnetwork` write down."""
    return {
        "name": subnetwork.name,
        "is_open": subnetwork.is_open,
        "proof_systems": sorted(subnetwork.proof_systems),
        "reference_price": subnetwork.reference_price,
        "overflow_after_ms": subnetwork.overflow_after_ms,
    }


async def check_client(connection: Connection, name: str, *, client: Address, proof_systems: Iterable[str]) -> None:
    """Raise UnknownSubnetwork, NotAMember or NotServed when a client's task cannot go there."""
    found = await connection.first(SUBNETWORK_FOR, name=name, address=client, role=Role.CLIENT.value)
    subnetwork = _checked(found, name, role=Role.CLIENT, field="subnetwork")
    for proof_system in sorted(proof_systems):
        check_serves(subnetwork, proof_system)


async def check_operator(connection: Connection, names: Sequence[str], *, operator: Address) -> None:
    """Raise UnknownSubnetwork or NotAMember when an operator may not serve them all; that holds until the commit."""
    if all(name == DEFAULT for name in names):
        return
    found = await connection.fetch(JOIN_SUBNETWORKS, names=list(names), operator=operator)
    by_name = {one.name: one for one in found}
    for name in names:
        _checked(by_name.get(name), name, role=Role.OPERATOR, field="subnetworks")


def _checked(found: WantedSubnetwork | None, name: str, *, role: Role, field: str) -> Subnetwork:
    known = None if found is None else found.subnetwork
    is_member = found is not None and found.is_member
    return check_may_use(known, name, role=role, is_member=is_member, field=field)


async def serve_stacks(connection: Connection, session_id: UUID, subnetworks: Sequence[str], *, engines: int) -> None:
    """Note what a session serves beside the usual: one engine, for `default`."""
    stacks = len(subnetworks) * engines
    if stacks > 1 or list(subnetworks) != [DEFAULT]:
        await connection.run(SERVE_STACKS, session_id=session_id, subnetworks=list(subnetworks), stacks=stacks)
