"""Who may use a program: its owners, everybody, a key by name, a subnetwork in its own lanes; nobody else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofgrid.primitives.errors import InvalidField, NotAllowed, UnknownProgram
from proofgrid.primitives.ids import Address
from proofgrid.rules.access.programs import (
    AUDIENCES_MAX,
    ProgramAccess,
    check_may_use,
    checked_audiences,
    may_use,
    parse_audience,
    visibility_of,
)

READERS = [Address(f"0x{number:040x}") for number in range(1, 4)]
LANES = ["default", "acme", "other"]
audiences = st.frozensets(st.sampled_from(["*", *READERS, *(f"subnetwork:{name}" for name in LANES)]))


@given(shared=audiences, reader=st.sampled_from(READERS), lane=st.sampled_from(LANES), is_owner=st.booleans())
def test_a_program_is_used_by_owners_and_by_whom_it_is_shared_with_and_nowhere_else(
    shared: frozenset[str], reader: Address, lane: str, is_owner: bool
) -> None:
    allowed = may_use(ProgramAccess(is_owner, shared), reader, subnetwork=lane)

    assert allowed == (is_owner or "*" in shared or reader in shared or f"subnetwork:{lane}" in shared)
    if allowed:
        check_may_use(ProgramAccess(is_owner, shared), reader, subnetwork=lane)
    else:
        with pytest.raises(NotAllowed) as refused:
            check_may_use(ProgramAccess(is_owner, shared), reader, subnetwork=lane)
        assert refused.value.field in ("program_digest", "subnetwork")


@given(shared=audiences, more=audiences)
def test_sharing_with_more_makes_nothing_less_visible(shared: frozenset[str], more: frozenset[str]) -> None:
    order = ["private", "shared", "public"]

    assert order.index(visibility_of(shared | more)) >= order.index(visibility_of(shared))
    assert (visibility_of(shared) == "private") == (not shared)


def test_a_program_that_nobody_owns_is_unknown() -> None:
    with pytest.raises(UnknownProgram):
        check_may_use(None, READERS[0], subnetwork="default")


@pytest.mark.parametrize(
    "text", ["", "everybody", "subnetwork:", "subnetwork:Acme", "0x12", "**", "\x1b]52;c;", "a" * 500]
)
def test_what_is_no_audience_is_refused_with_what_is_one(text: str) -> None:
    with pytest.raises(InvalidField) as refused:
        parse_audience(text)
    assert refused.value.field == "audience"
    assert len(str(refused.value)) < 200


def test_an_address_is_one_audience_however_it_is_typed() -> None:
    address = "0x71C7656EC7ab88b098defB751B7401B5f6d8976F"
    assert checked_audiences([address, address.lower()]) == {address}


def test_audiences_are_few_and_at_least_one() -> None:
    many = [f"0x{number:040x}" for number in range(AUDIENCES_MAX + 1)]
    with pytest.raises(InvalidField):
        checked_audiences([])
    with pytest.raises(InvalidField):
        checked_audiences(many)
    assert len(checked_audiences(many[:-1])) == AUDIENCES_MAX
    with pytest.raises(InvalidField):
        checked_audiences(many[-1:], beside=checked_audiences(many[:-1]))
