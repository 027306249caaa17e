from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofgrid.primitives.errors import (
    BadToken,
    InvalidField,
    NotAllowed,
    TokenExpired,
    UnknownKey,
    WrongAudience,
)
from proofgrid.primitives.refusals import WrongPurpose
from proofgrid.primitives.signatures import parse_address, signer_of
from proofgrid.rules.access.roles import Role, check_role, parse_role
from proofgrid.rules.access.tokens import (
    CLOCK_SKEW_MS,
    LIFETIME_MAX_MS,
    check_body,
    check_call,
    check_claims,
    read_token,
    spell_claims,
)
from proofgrid.sdk.tokens import make_token, purpose_of
from tests.makers import NOW_MS, a_key

CLIENT, NETWORK = a_key(1), a_key(2)
GATEWAY = "gateway.example"
SUBMIT = purpose_of("/proofgrid.v1.ClientService/Submit", b"what is asked", gateway=GATEWAY)


def a_token(*, now_ms: int = NOW_MS, lifetime_ms: int = 60_000) -> str:
    return make_token(CLIENT, network=NETWORK.address, purpose=SUBMIT, now_ms=now_ms, lifetime_ms=lifetime_ms)


def test_a_token_says_who_signed_it() -> None:
    claims, signed, signature = read_token(a_token())
    assert claims.subject == CLIENT.address
    assert signer_of(signed.encode(), signature) == CLIENT.address


def test_no_two_tokens_are_equal() -> None:
    assert read_token(a_token())[0].token_id != read_token(a_token())[0].token_id


@given(position=st.integers(0, 10_000), change=st.integers(1, 127))
def test_a_token_with_any_character_changed_is_not_signed_by_its_key(position: int, change: int) -> None:
    token = a_token()
    position %= len(token)
    changed = chr((ord(token[position]) + change) % 128)
    tampered = token[:position] + changed + token[position + 1 :]
    try:
        claims, signed, signature = read_token(tampered)
    except BadToken:
        return
    forged = signer_of(signed.encode(), signature) == claims.subject
    # Hex digits may change their case without changing the signature.
    assert not forged or tampered.lower() == token.lower()


@pytest.mark.parametrize(
    "text", ["", "pg2", "pg2..", "pg3.e30.00", "pg2.e30.00", "pg2.###.00", "x" * 5_000, "pg2.bnVsbA.00"]
)
def test_what_is_no_token_is_refused(text: str) -> None:
    with pytest.raises(BadToken):
        read_token(text)


def test_a_token_that_is_bound_to_nothing_is_refused_with_what_to_do() -> None:
    with pytest.raises(BadToken, match="bound to no call") as caught:
        read_token("pg1.e30.00")
    assert "update proofgrid" in caught.value.hint


def test_a_token_is_for_one_call_of_one_message_at_one_gateway() -> None:
    purpose = read_token(a_token())[0].purpose
    assert purpose == SUBMIT
    check_call(purpose, method=SUBMIT.method, names={"other.example", GATEWAY})
    check_body(purpose, body=SUBMIT.body)


@pytest.mark.parametrize(
    ("method", "names", "field"),
    [
        ("/proofgrid.v1.AdminService/Grant", {GATEWAY}, "method"),
        (SUBMIT.method, {"rogue.example"}, "gateway"),
        (SUBMIT.method, {"127.0.0.1:7400"}, "gateway"),
        (SUBMIT.method, set(), "gateway"),
    ],
)
def test_a_token_for_another_call_or_gateway_is_refused_and_says_which(
    method: str, names: set[str], field: str
) -> None:
    with pytest.raises(WrongPurpose) as caught:
        check_call(SUBMIT, method=method, names=names)
    assert caught.value.field == field


def test_a_token_for_another_message_is_refused() -> None:
    other = purpose_of(SUBMIT.method, b"what is asked.", gateway=GATEWAY)
    with pytest.raises(WrongPurpose) as caught:
        check_body(SUBMIT, body=other.body)
    assert caught.value.field == "body"


@pytest.mark.parametrize(
    "wrong",
    [
        {"method": ""},
        {"method": "/a\nb"},
        {"method": "x" * 513},
        {"body": "00"},
        {"body": "Z" * 64},
        {"gateway": "a b"},
    ],
    ids=str,
)
def test_a_purpose_that_has_no_form_cannot_be_read(wrong: dict[str, str]) -> None:
    claims = read_token(a_token())[0]
    spelled = spell_claims(replace(claims, purpose=replace(SUBMIT, **wrong)))
    with pytest.raises(BadToken):
        read_token(f"{spelled}.{CLIENT.sign(spelled.encode())}")


def test_a_token_for_another_network_is_refused() -> None:
    claims, _, _ = read_token(a_token())
    with pytest.raises(WrongAudience):
        check_claims(claims, audience=CLIENT.address, now_ms=NOW_MS)


@pytest.mark.parametrize("now_ms", [NOW_MS + 60_000, NOW_MS - CLOCK_SKEW_MS - 1])
def test_a_token_outside_its_time_is_refused(now_ms: int) -> None:
    claims, _, _ = read_token(a_token())
    with pytest.raises(TokenExpired):
        check_claims(claims, audience=NETWORK.address, now_ms=now_ms)


def test_a_token_that_lives_too_long_is_refused() -> None:
    claims, _, _ = read_token(a_token(lifetime_ms=LIFETIME_MAX_MS + 1))
    with pytest.raises(TokenExpired):
        check_claims(claims, audience=NETWORK.address, now_ms=NOW_MS)


def test_a_key_without_roles_is_unknown_and_one_with_others_is_not_allowed() -> None:
    with pytest.raises(UnknownKey):
        check_role(frozenset(), needed=frozenset({Role.CLIENT}))
    with pytest.raises(NotAllowed):
        check_role(frozenset({Role.OPERATOR}), needed=frozenset({Role.CLIENT}))
    check_role(frozenset({Role.OPERATOR, Role.CLIENT}), needed=frozenset({Role.CLIENT, Role.ADMIN}))


def test_an_unknown_role_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InvalidField) as caught:
        parse_role("king")
    assert "client, operator, admin" in caught.value.hint


def test_an_address_with_a_typing_error_is_refused() -> None:
    address = str(CLIENT.address)
    assert parse_address(address.lower()) == address
    swapped = address[:-1] + ("1" if address[-1] != "1" else "2")
    with pytest.raises(InvalidField):
        parse_address(swapped)
    with pytest.raises(InvalidField):
        parse_address("0x123")
