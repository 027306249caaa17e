"""Who may do what: said at the use case, and what is somebody's own is that address's or an administrator's."""

from __future__ import annotations

import pytest

from proofgrid.primitives.errors import NotAllowed
from proofgrid.primitives.ids import Address
from proofgrid.rules.access.rights import ANYBODY, needs, own_or_admin, roles_needed
from proofgrid.rules.access.roles import Caller, Role

ALICE, BOB = Address("0xalice"), Address("0xbob")


class Things:
    @needs(Role.CLIENT, Role.ADMIN)
    async def count(self) -> int:
        return 0

    async def nobody_may(self) -> None: ...


def test_a_use_case_says_which_roles_it_needs() -> None:
    assert roles_needed(Things().count) == {Role.CLIENT, Role.ADMIN}


def test_what_says_nothing_is_for_nobody() -> None:
    with pytest.raises(AttributeError):
        roles_needed(Things().nobody_may)


def test_anybody_is_who_has_any_role() -> None:
    assert set(ANYBODY) == set(Role)


@pytest.mark.parametrize("roles", [{Role.CLIENT}, {Role.OPERATOR}, {Role.CLIENT, Role.OPERATOR}])
def test_callers_get_their_own_and_nobody_elses(roles: set[Role]) -> None:
    caller = Caller(ALICE, frozenset(roles))

    assert own_or_admin(caller, None, refusal="no", field="address") == ALICE
    assert own_or_admin(caller, ALICE, refusal="no", field="address") == ALICE
    with pytest.raises(NotAllowed) as refused:
        own_or_admin(caller, BOB, refusal="others' are for administrators", field="address")
    assert (refused.value.detail, refused.value.field) == ("others' are for administrators", "address")


def test_an_administrator_gets_everybodys() -> None:
    assert own_or_admin(Caller(ALICE, frozenset({Role.ADMIN})), BOB, refusal="no", field="address") == BOB
