"""Subnetworks as they are written down, and the checks that the roles make against them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from proofgrid.rules.access.roles import Role
from proofgrid.rules.access.subnetworks import DEFAULT, Subnetwork, check_may_use, check_serves
from proofgrid.store.queries import QUERIES


def subnetwork_of(row: Any) -> Subnetwork:
    """Return what a row says."""
    return Subnetwork(
        name=row["name"],
        is_open=row["is_open"],
        proof_systems=frozenset(row["proof_systems"]),
        reference_price=row["reference_price"],
        overflow_after_ms=row["overflow_after_ms"],
    )


def check_client(row: Any, name: str, *, proof_system: str) -> None:
    """Raise UnknownSubnetwork, NotAMember or NotServed when a client's task cannot go there (`subnetwork_for`)."""
    known = None if row is None else subnetwork_of(row)
    is_member = row is not None and row["is_member"]
    check_serves(check_may_use(known, name, role=Role.CLIENT, is_member=is_member), proof_system)


async def check_operator(connection: Any, names: Sequence[str], *, operator: str) -> None:
    """Raise UnknownSubnetwork or NotAMember when an operator may not serve them all; that holds until the commit."""
    if all(name == DEFAULT for name in names):
        return
    rows = {row["name"]: row for row in await connection.fetch(QUERIES["join_subnetworks"], list(names), operator)}
    for name in names:
        row = rows.get(name)
        known = None if row is None else subnetwork_of(row)
        is_member = row is not None and row["is_member"]
        check_may_use(known, name, role=Role.OPERATOR, is_member=is_member, field="subnetworks")


async def serve_stacks(connection: Any, session_id: UUID, subnetworks: Sequence[str], *, proof_systems: int) -> None:
    """Note what a session serves beside the usual: one proof system, for `default`."""
    stacks = len(subnetworks) * proof_systems
    if stacks > 1 or list(subnetworks) != [DEFAULT]:
        await connection.execute(QUERIES["serve_stacks"], session_id, list(subnetworks), stacks)
