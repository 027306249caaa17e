"""What API keys look like, what they may do, and what keys that keys make may do."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofgrid.primitives.account_errors import OutOfScope
from proofgrid.primitives.errors import BadToken, InvalidField, NotAllowed, TokenExpired, UnknownKey
from proofgrid.primitives.ids import Address
from proofgrid.rules.access.api_keys import (
    MEANINGS,
    USUAL,
    ApiKey,
    Scope,
    WantedKey,
    check_from,
    check_live,
    check_scope,
    check_secret,
    check_wanted,
    check_within,
    hash_of,
    id_of,
    is_api_key,
    parse_addresses,
    parse_key_id,
    parse_scopes,
    spell_key,
    subnetwork_for,
)

KEY_ID, TEXT = spell_key(bytes(8), bytes(range(32)))
KEY = ApiKey(key_id=KEY_ID, owner=Address("0xo"), scopes=frozenset(Scope), spend_per_day=10, expires_ms=1_000)
WANTED = WantedKey(label="l", scopes=frozenset({Scope.TASKS_READ}), spend_per_day=10, expires_ms=1_000)


def test_a_key_names_itself_and_proves_itself_by_its_secret() -> None:
    assert is_api_key(TEXT)
    assert (id_of(TEXT), len(TEXT)) == (KEY_ID, 85)
    check_secret(TEXT, hash_of(TEXT))
    with pytest.raises(BadToken):
        check_secret(TEXT[:-1] + "0", hash_of(TEXT))
    with pytest.raises(BadToken):
        check_secret(TEXT, None)


def test_no_key_hashes_to_what_stands_for_none() -> None:
    with pytest.raises(BadToken):
        check_secret(TEXT, bytes(32))


@given(st.text(max_size=120))
def test_what_is_no_key_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(BadToken) as refusal:
        id_of(f"pgk_{text}\n")
    assert len(text) < 20 or text not in str(refusal.value)


def test_a_name_is_read_as_it_is_listed_and_a_secret_is_no_name() -> None:
    assert parse_key_id(KEY_ID) == parse_key_id(f"pgk_{KEY_ID}") == KEY_ID
    with pytest.raises(InvalidField, match="16 hex digits"):
        parse_key_id(TEXT)


def test_every_scope_says_what_it_lets_do_and_the_usual_ones_administer_nothing() -> None:
    assert set(MEANINGS) == set(Scope)
    assert parse_scopes([]) == frozenset(USUAL)
    assert not {one for one in USUAL if one.startswith(("keys", "account"))}
    with pytest.raises(InvalidField, match="no scope 'admin'"):
        parse_scopes(["tasks:read", "admin"])


def test_a_use_case_without_scopes_lets_no_key_in_whatever_it_has() -> None:
    with pytest.raises(OutOfScope, match="not let in"):
        check_scope(KEY, frozenset())
    with pytest.raises(OutOfScope, match="tasks:write"):
        check_scope(replace(KEY, scopes=frozenset(set(Scope) - {Scope.TASKS_WRITE})), frozenset({Scope.TASKS_WRITE}))
    check_scope(KEY, frozenset({Scope.TASKS_READ}))


def test_a_key_is_good_until_it_expires_or_is_revoked() -> None:
    check_live(KEY, is_revoked=False, now_ms=999)
    check_live(replace(KEY, expires_ms=0), is_revoked=False, now_ms=2**60)
    with pytest.raises(TokenExpired):
        check_live(KEY, is_revoked=False, now_ms=1_000)
    with pytest.raises(UnknownKey, match="revoked"):
        check_live(KEY, is_revoked=True, now_ms=0)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"label": ""}, "label"),
        ({"label": "x" * 129}, "label"),
        ({"expires_ms": 500}, "expires_ms"),
        ({"spend_per_day": -1}, "spend_per_day"),
        ({"spend_per_day": 2**62 + 1}, "spend_per_day"),
        ({"scopes": frozenset({Scope.TASKS_WRITE}), "spend_per_day": 0}, "spend_per_day"),
    ],
)
def test_what_cannot_be_made_is_told_by_field(change: dict[str, object], field: str) -> None:
    check_wanted(WANTED, now_ms=500)
    with pytest.raises(InvalidField) as refusal:
        check_wanted(replace(WANTED, **change), now_ms=500)  # type: ignore[arg-type]
    assert refusal.value.field == field


@pytest.mark.parametrize(
    ("maker", "wanted"),
    [
        ({}, {"scopes": frozenset({Scope.KEYS_WRITE})}),
        ({"scopes": frozenset({Scope.KEYS_WRITE})}, {}),
        ({"subnetwork": "acme"}, {}),
        ({"subnetwork": "acme"}, {"subnetwork": "other"}),
        ({}, {"spend_per_day": 11}),
        ({}, {"expires_ms": 1_001}),
        ({}, {"expires_ms": 0}),
    ],
)
def test_a_key_makes_none_that_may_do_more_than_itself(maker: dict[str, object], wanted: dict[str, object]) -> None:
    check_within(KEY, WANTED)
    with pytest.raises(NotAllowed):
        check_within(replace(KEY, **maker), replace(WANTED, **wanted))  # type: ignore[arg-type]


def test_a_key_of_a_subnetwork_is_for_that_one() -> None:
    bound = replace(KEY, subnetwork="acme")
    assert [subnetwork_for(bound, ""), subnetwork_for(bound, "acme"), subnetwork_for(KEY, "x")] == ["acme", "acme", "x"]
    assert subnetwork_for(None, "x") == "x"
    with pytest.raises(NotAllowed, match="subnetwork acme only"):
        subnetwork_for(bound, "default")


# --- from where a key is good ---

AT_HOME = replace(KEY, addresses=("2001:db8::/64", "203.0.113.0/24"))


@pytest.mark.parametrize("host", ["203.0.113.7", "203.0.113.255", "2001:db8::/64"])
def test_a_key_is_good_from_its_servers(host: str) -> None:
    check_from(AT_HOME, host)
    check_from(KEY, host)


@pytest.mark.parametrize(
    "host", ["203.0.114.7", "127.0.0.1", "2001:db8:0:1::/64", "::/64", "", "unix:", "203.0.113.0/23"]
)
def test_it_is_good_from_nowhere_else(host: str) -> None:
    with pytest.raises(NotAllowed, match="is not good from") as refusal:
        check_from(AT_HOME, host)
    assert refusal.value.field == "address"
    check_from(KEY, host)


def test_addresses_have_one_spelling_and_of_ipv6_networks_count() -> None:
    given = ["203.0.113.7", "2001:DB8::1", "2001:db8::2", "10.0.0.0/8", "2001:db8::/32"]
    assert parse_addresses(given) == ("10.0.0.0/8", "2001:db8::/32", "2001:db8::/64", "203.0.113.7/32")
    for wrong in ("10.0.0.1/8", "example.com", "", "1.2.3", "10.0.0.0/33", "x" * 100_000):
        with pytest.raises(InvalidField, match="is no address"):
            parse_addresses([wrong])
    with pytest.raises(InvalidField, match="at most 16"):
        parse_addresses(f"10.0.0.{place}" for place in range(17))


@pytest.mark.parametrize("addresses", [(), ("203.0.0.0/16",), ("203.0.113.7/32", "10.0.0.0/8"), ("2001:db8::/32",)])
def test_what_a_key_makes_is_good_from_nowhere_that_it_is_not_itself(addresses: tuple[str, ...]) -> None:
    check_within(AT_HOME, replace(WANTED, addresses=("203.0.113.7/32", "2001:db8::/64")))
    check_within(KEY, replace(WANTED, addresses=addresses))
    with pytest.raises(NotAllowed, match="good from where"):
        check_within(AT_HOME, replace(WANTED, addresses=addresses))
