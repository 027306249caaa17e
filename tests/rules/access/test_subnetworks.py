"""Who may use which subnetwork, and what a subnetwork may be."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofgrid.primitives.errors import InvalidField, NotAMember, NotServed, UnknownSubnetwork
from proofgrid.rules.access.roles import Role
from proofgrid.rules.access.subnetworks import (
    DEFAULT,
    NAME_CHARS_MAX,
    OVERFLOW_MAX_MS,
    SERVED_MAX,
    Subnetwork,
    check_may_use,
    check_served,
    check_serves,
    check_subnetwork,
    overflow_lane,
    parse_member_role,
    parse_subnetwork,
)
from proofgrid.rules.jobs.classes import class_of_lane, is_wide, stack_of
from tests.makers import a_request

ACME = Subnetwork(name="acme")
COMMON = Subnetwork(name=DEFAULT, is_open=True)


@pytest.mark.parametrize("name", ["a", "acme", "acme-zk", "0x", "a" * NAME_CHARS_MAX])
def test_names_of_small_letters_digits_and_hyphens_are_names(name: str) -> None:
    assert parse_subnetwork(name) == name


@given(st.text())
def test_no_name_can_break_the_name_of_a_lane(text: str) -> None:
    try:
        name = parse_subnetwork(text)
    except InvalidField as error:
        assert error.field == "subnetwork"
    else:
        assert stack_of(f"{name}/toy/small") == f"{name}/toy"
        assert name == name.strip().lower()


@pytest.mark.parametrize("name", ["", "A", "a/b", "-a", "a-", "a_b", "a b", "a\n", "a" * (NAME_CHARS_MAX + 1)])
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(InvalidField):
        parse_subnetwork(name)


@pytest.mark.parametrize(
    ("subnetwork", "field"),
    [
        (replace(ACME, name="A"), "name"),
        (replace(ACME, reference_price=-1), "reference_price"),
        (replace(ACME, overflow_after_ms=-1), "overflow_after_ms"),
        (replace(ACME, overflow_after_ms=OVERFLOW_MAX_MS + 1), "overflow_after_ms"),
        (replace(ACME, proof_systems=frozenset(str(number) for number in range(65))), "proof_systems"),
        (replace(COMMON, is_open=False), "name"),
        (replace(COMMON, proof_systems=frozenset({"toy"})), "name"),
        (replace(COMMON, overflow_after_ms=1), "overflow_after_ms"),
    ],
)
def test_parameters_outside_their_rules_are_refused_by_name(subnetwork: Subnetwork, field: str) -> None:
    with pytest.raises(InvalidField) as caught:
        check_subnetwork(subnetwork)
    assert caught.value.field == field


def test_other_parameters_are_fine() -> None:
    check_subnetwork(ACME)
    check_subnetwork(replace(COMMON, reference_price=900))
    check_subnetwork(replace(ACME, overflow_after_ms=OVERFLOW_MAX_MS, proof_systems=frozenset({"toy"})))


@pytest.mark.parametrize("role", [Role.CLIENT, Role.OPERATOR])
def test_a_subnetwork_by_list_is_for_its_members_and_an_open_one_for_all(role: Role) -> None:
    is_open = replace(ACME, is_open=True)
    assert check_may_use(ACME, "acme", role=role, is_member=True) == ACME
    assert check_may_use(is_open, "acme", role=role, is_member=False) == is_open
    with pytest.raises(NotAMember, match=str(role)) as caught:
        check_may_use(ACME, "acme", role=role, is_member=False, field="subnetworks")
    assert caught.value.field == "subnetworks"
    assert f"allow acme ADDRESS {role}" in caught.value.hint


def test_an_unknown_subnetwork_is_refused() -> None:
    with pytest.raises(UnknownSubnetwork, match="acme"):
        check_may_use(None, "acme", role=Role.CLIENT, is_member=False)


def test_a_subnetwork_serves_every_proof_system_or_those_that_it_names() -> None:
    check_serves(ACME, "toy")
    check_serves(replace(ACME, proof_systems=frozenset({"toy"})), "toy")
    with pytest.raises(NotServed, match="toy"):
        check_serves(replace(ACME, proof_systems=frozenset({"ezkl"})), "toy")


@pytest.mark.parametrize("names", [["a", "a"], ["A"], [str(number) for number in range(SERVED_MAX + 1)]])
def test_a_prover_names_each_subnetwork_once_and_not_too_many(names: list[str]) -> None:
    with pytest.raises(InvalidField) as caught:
        check_served(names)
    assert caught.value.field == "subnetworks"


def test_members_are_clients_or_operators() -> None:
    assert [parse_member_role(text) for text in ("client", "operator")] == [Role.CLIENT, Role.OPERATOR]
    with pytest.raises(InvalidField):
        parse_member_role("admin")


@pytest.mark.parametrize("lane", ["acme/toy/large", "acme/toy/small/0123456789abcdef"])
def test_what_flows_over_keeps_proof_system_class_and_constraints(lane: str) -> None:
    common = overflow_lane(lane)
    assert stack_of(common) == "default/toy"
    assert (class_of_lane(common), is_wide(common)) == (class_of_lane(lane), is_wide(lane))
    assert common.split("/")[1:] == lane.split("/")[1:]


def test_a_request_for_the_common_lanes_is_the_same_whether_it_names_them_or_not() -> None:
    plain = a_request().content_digest
    assert a_request(subnetwork=DEFAULT).content_digest == plain
    assert a_request(subnetwork="acme").content_digest != plain
