"""What is sealed opens with its own key and for its own purpose, and nothing else opens it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.hpke import (
    PRIVATE_BYTES,
    PUBLIC_BYTES,
    SEALED_BYTES,
    SealingKey,
    check_public,
    derived,
    lock_once,
    seal,
    unlock_once,
)
from proofgrid.primitives.sealing_errors import SealBroken

KEY, OTHER = SealingKey(bytes(range(PRIVATE_BYTES))), SealingKey(bytes(PRIVATE_BYTES))
SECRET = bytes(range(32))


def test_a_seal_opens_with_its_key_and_its_purpose_only() -> None:
    sealed = seal(SECRET, KEY.public, info=b"this")
    assert KEY.open(sealed, info=b"this") == SECRET
    assert len(sealed) == SEALED_BYTES
    assert SECRET not in sealed
    assert sealed != seal(SECRET, KEY.public, info=b"this")
    for key, info in ((KEY, b"that"), (OTHER, b"this")):
        with pytest.raises(SealBroken):
            key.open(sealed, info=info)


@settings(max_examples=25)
@given(place=st.integers(0, SEALED_BYTES - 1), bit=st.integers(0, 7))
def test_a_seal_that_was_changed_anywhere_does_not_open(place: int, bit: int) -> None:
    sealed = bytearray(seal(SECRET, KEY.public, info=b""))
    sealed[place] ^= 1 << bit
    with pytest.raises(SealBroken):
        KEY.open(bytes(sealed), info=b"")


@settings(max_examples=25)
@given(content=st.binary(max_size=2 * SEALED_BYTES))
def test_whatever_is_handed_in_is_refused_and_nothing_else_happens(content: bytes) -> None:
    with pytest.raises(SealBroken):
        KEY.open(content, info=b"")
    with pytest.raises(SealBroken):
        unlock_once(SECRET, content)


@pytest.mark.parametrize("public", [b"", b"x", bytes(PUBLIC_BYTES), b"\xff" * PUBLIC_BYTES, KEY.public + b"x"])
def test_what_is_no_key_is_refused(public: bytes) -> None:
    with pytest.raises(InvalidField):
        check_public(public)


def test_the_same_seed_is_the_same_key_and_its_repr_tells_nothing() -> None:
    assert SealingKey(KEY.secret).public == KEY.public != OTHER.public
    assert len(KEY.public) == PUBLIC_BYTES
    assert repr(KEY) == "SealingKey()"
    check_public(KEY.public)
    with pytest.raises(InvalidField):
        SealingKey(b"short")


def test_what_is_locked_opens_with_the_same_derived_key_only() -> None:
    locked = lock_once(derived(SECRET, b"job 1"), b"content")
    assert unlock_once(derived(SECRET, b"job 1"), locked) == b"content"
    with pytest.raises(SealBroken):
        unlock_once(derived(SECRET, b"job 2"), locked)
    with pytest.raises(SealBroken):
        unlock_once(derived(SECRET, b"job 1"), locked[:-1] + bytes([locked[-1] ^ 1]))
