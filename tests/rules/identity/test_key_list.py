"""The list of a network's keys: who may sign what, what follows what, and what no stranger can make of it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofgrid.primitives.canonical import canonical_json
from proofgrid.primitives.errors import InvalidField
from proofgrid.rules.identity.key_list import (
    BYTES_MAX,
    KEYS_MAX,
    KeyList,
    KeyState,
    NamedKey,
    Purpose,
    check_follows,
    first_list,
    newer,
    read_signed_list,
    sign_list,
    with_end,
    with_key,
)
from proofgrid.rules.identity.network_keys import NetworkKeys, NoSigningKey
from tests.makers import a_key

ROOT, FIRST, SECOND, THIEF = (a_key(number) for number in (1, 2, 3, 4))
ROUNDS, BUNDLES = Purpose.ROUNDS, Purpose.BUNDLES


def _list() -> KeyList:
    return with_key(first_list(ROOT.address), FIRST.address, [ROUNDS, BUNDLES], now_ms=1_000)


def test_without_a_list_the_root_key_signs_everything_and_nobody_else_does() -> None:
    alone = first_list(ROOT.address)
    assert all(alone.may_sign(ROOT.address, one) and alone.stands_for(ROOT.address, one) for one in Purpose)
    assert not any(alone.knows(FIRST.address, one) for one in Purpose)


def test_a_key_signs_for_its_purposes_only_and_what_a_retired_one_signed_stands() -> None:
    named = _list()
    assert named.may_sign(FIRST.address, ROUNDS)
    assert not named.knows(FIRST.address, Purpose.CERTIFICATES)
    retired = with_end(named, FIRST.address, KeyState.RETIRED, now_ms=2_000)
    assert not retired.may_sign(FIRST.address, ROUNDS)
    assert retired.stands_for(FIRST.address, ROUNDS)
    revoked = with_end(retired, FIRST.address, KeyState.REVOKED, now_ms=3_000)
    assert not revoked.stands_for(FIRST.address, ROUNDS)
    assert revoked.knows(FIRST.address, ROUNDS)
    assert revoked.keys[0].ended_ms == 2_000
    assert not revoked.knows(None, ROUNDS)


def test_nothing_leads_back_and_no_key_is_named_twice() -> None:
    revoked = with_end(_list(), FIRST.address, KeyState.REVOKED, now_ms=2_000)
    for state in KeyState:
        with pytest.raises(InvalidField, match="revoked already"):
            with_end(revoked, FIRST.address, state, now_ms=3_000)
    with pytest.raises(InvalidField, match="named before"):
        with_key(revoked, FIRST.address, [ROUNDS], now_ms=3_000)
    with pytest.raises(InvalidField, match="named before"):
        with_key(revoked, ROOT.address, [ROUNDS], now_ms=3_000)
    with pytest.raises(InvalidField, match="at least one purpose"):
        with_key(revoked, SECOND.address, [], now_ms=3_000)


def test_a_network_has_so_many_keys_and_a_list_of_all_of_them_fits() -> None:
    named = first_list(ROOT.address)
    for number in range(KEYS_MAX):
        named = with_key(named, a_key(100 + number).address, Purpose, now_ms=2**52)
        named = with_end(named, a_key(100 + number).address, KeyState.RETIRED, now_ms=2**52)
    with pytest.raises(InvalidField, match="at most 64 keys"):
        with_key(named, SECOND.address, Purpose, now_ms=0)
    assert len(sign_list(named, ROOT).text) <= BYTES_MAX


def test_what_was_signed_is_read_back() -> None:
    signed = sign_list(_list(), ROOT)
    assert read_signed_list(signed.text) == signed
    assert read_signed_list(signed.text.encode() + b"\n") == signed


def test_only_the_root_key_signs_a_list() -> None:
    with pytest.raises(InvalidField, match="only the root key"):
        sign_list(_list(), FIRST)
    forged = json.loads(sign_list(replace(_list(), network=THIEF.address), THIEF).text)
    forged["list"]["network"] = ROOT.address
    with pytest.raises(InvalidField, match="not signed by the root key"):
        read_signed_list(canonical_json(forged))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"null",
        b"[" * 100_000,
        b'{"list":{},"signature":"0x"}',
        b"\xff\xfe",
        b"x" * (BYTES_MAX + 1),
        b'{"list":{"format":"proofgrid keys 1","issued_ms":1e400,"keys":[],"network":"","number":1},"signature":""}',
    ],
)
def test_what_is_no_list_is_refused_by_field(content: bytes) -> None:
    with pytest.raises(InvalidField) as refusal:
        read_signed_list(content)
    assert refusal.value.field.startswith("keys")


@given(st.integers(0, 10_000), st.integers(0, 255))
def test_no_byte_of_a_list_can_be_another(place: int, value: int) -> None:
    content = bytearray(sign_list(_list(), ROOT).text.encode())
    place %= len(content)
    if content[place] == value:
        return
    content[place] = value
    with pytest.raises(InvalidField):
        read_signed_list(bytes(content))


def test_another_spelling_of_a_list_is_no_list() -> None:
    value = json.loads(sign_list(_list(), ROOT).text)
    with pytest.raises(InvalidField, match="one canonical way"):
        read_signed_list(json.dumps(value, indent=1))
    value["signature"] = value["signature"].upper().replace("0X", "0x")
    with pytest.raises(InvalidField, match="not signed"):
        read_signed_list(canonical_json(value))


def test_lists_follow_each_other_without_a_gap_and_forget_nothing() -> None:
    one = _list()
    two = with_key(one, SECOND.address, [ROUNDS], now_ms=2_000)
    check_follows(one, two)
    check_follows(one, with_end(one, FIRST.address, KeyState.REVOKED, now_ms=2_000))
    ended = with_end(two, FIRST.address, KeyState.RETIRED, now_ms=3_000)
    back = replace(ended, number=4, keys=(replace(ended.keys[0], state=KeyState.ACTIVE, ended_ms=0), ended.keys[1]))
    for before, after in (
        (one, one),
        (one, replace(two, number=3)),
        (one, replace(two, network=THIEF.address)),
        (one, replace(two, issued_ms=0)),
        (two, replace(two, number=3, keys=two.keys[1:])),
        (two, replace(two, number=3, keys=(replace(two.keys[0], purposes=tuple(Purpose)), two.keys[1]))),
        (ended, back),
    ):
        with pytest.raises(InvalidField):
            check_follows(before, after)


def test_the_newer_of_two_lists_is_the_one_with_the_higher_number() -> None:
    one = sign_list(_list(), ROOT)
    two = sign_list(with_key(_list(), SECOND.address, [ROUNDS], now_ms=2_000), ROOT)
    assert newer(one, two) == newer(two, one) == newer(None, two) == newer(two, None) == two
    assert newer(None, None) is None


def test_a_gateway_signs_with_the_newest_key_that_it_has() -> None:
    keys = NetworkKeys.of(ROOT)
    assert keys.voice(ROUNDS).signer is ROOT
    assert keys.voice(ROUNDS).beside is None
    assert keys.hear(sign_list(_list(), ROOT))
    assert keys.voice(ROUNDS).signer is ROOT
    keys.hold([FIRST])
    assert keys.voice(ROUNDS).signer is FIRST
    assert keys.voice(ROUNDS).beside == keys.keys
    assert keys.voice(Purpose.CHECKPOINTS).signer is ROOT
    assert keys.hear(sign_list(with_key(_list(), SECOND.address, [ROUNDS], now_ms=2_000), ROOT))
    assert keys.voice(ROUNDS).signer is FIRST  # the newer one is not here
    keys.hold([SECOND])
    assert keys.voice(ROUNDS).signer is SECOND
    assert keys.all_for(ROUNDS) == [SECOND, FIRST, ROOT]


def test_a_gateway_hears_no_list_of_another_network_and_none_that_is_older() -> None:
    keys = NetworkKeys.of(ROOT)
    new = sign_list(with_key(_list(), SECOND.address, [ROUNDS], now_ms=2_000), ROOT)
    assert keys.hear(new)
    assert not keys.hear(sign_list(_list(), ROOT))
    assert not keys.hear(sign_list(replace(new.list, network=THIEF.address, number=9), THIEF))
    assert not keys.hear(None)
    assert keys.keys is new


def test_without_the_root_key_a_purpose_that_no_key_here_is_for_is_the_weather() -> None:
    keys = NetworkKeys(ROOT.address, [FIRST], sign_list(_list(), ROOT))
    assert keys.voice(BUNDLES).signer is FIRST
    with pytest.raises(NoSigningKey, match="no key for checkpoints of list 1"):
        keys.voice(Purpose.CHECKPOINTS)
    assert keys.lacks(keys.named) == [Purpose.CERTIFICATES, Purpose.CHECKPOINTS]
    retired = with_end(_list(), FIRST.address, KeyState.RETIRED, now_ms=2_000)
    assert keys.lacks(retired) == list(Purpose)


def test_a_key_that_is_named_wrongly_is_refused_by_its_place() -> None:
    named = NamedKey(address=FIRST.address, purposes=(ROUNDS,), since_ms=1, state=KeyState.RETIRED)
    with pytest.raises(InvalidField, match="a time since when") as refusal:
        read_signed_list(sign_list(replace(_list(), keys=(named,)), ROOT).text)
    assert refusal.value.field == "keys.list.keys[0].ended_ms"
