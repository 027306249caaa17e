"""What is stored under a store key opens whole, for what it was locked for, and in no other way."""

from __future__ import annotations

import pytest

from proofgrid.primitives.at_rest import (
    ARTIFACT,
    CHUNK_BYTES,
    HEADER_BYTES,
    JOB_INPUT,
    LOCKED_CHUNK_BYTES,
    StoreKey,
    key_id_of,
    open_size,
    stored_size,
)
from proofgrid.primitives.sealing_errors import SealBroken

KEY = StoreKey(b"k" * 32)
SIZES = [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 2 * CHUNK_BYTES]


@pytest.mark.parametrize("size_bytes", SIZES)
def test_what_is_locked_opens_and_its_size_is_known_without_opening(size_bytes: int) -> None:
    content = bytes(size_bytes)
    stored = KEY.lock(ARTIFACT, content)

    assert KEY.open(ARTIFACT, stored) == content
    assert len(stored) == stored_size(size_bytes)
    assert open_size(len(stored)) == size_bytes
    assert key_id_of(stored) == KEY.key_id


def test_the_same_content_is_never_stored_twice_alike_and_shows_nowhere() -> None:
    content = b"the patient's blood pressure" * 100
    first, second = KEY.lock(ARTIFACT, content), KEY.lock(ARTIFACT, content)

    assert first[HEADER_BYTES:] != second[HEADER_BYTES:]
    assert b"blood" not in first
    assert KEY.secret not in first


@pytest.mark.parametrize("place", [8, HEADER_BYTES - 1, HEADER_BYTES, -1])
def test_a_byte_that_was_changed_opens_nothing(place: int) -> None:
    stored = bytearray(KEY.lock(ARTIFACT, b"content"))
    stored[place] ^= 1

    with pytest.raises(SealBroken):
        KEY.open(ARTIFACT, bytes(stored))


def test_what_was_cut_off_turned_around_or_added_to_opens_nothing() -> None:
    stored = KEY.lock(ARTIFACT, bytes(2 * CHUNK_BYTES + 5))
    header, body = stored[:HEADER_BYTES], stored[HEADER_BYTES:]
    first, second = body[:LOCKED_CHUNK_BYTES], body[LOCKED_CHUNK_BYTES : 2 * LOCKED_CHUNK_BYTES]
    rest = body[2 * LOCKED_CHUNK_BYTES :]

    for wrong in (header, header + first, header + first + second, header + second + first + rest, stored + b"x"):
        with pytest.raises(SealBroken):
            KEY.open(ARTIFACT, wrong if wrong != header else header + bytes(16))


def test_it_opens_for_no_other_purpose_and_by_no_other_key() -> None:
    stored = KEY.lock(ARTIFACT, b"content")

    with pytest.raises(SealBroken):
        KEY.open(JOB_INPUT, stored)
    with pytest.raises(SealBroken):
        StoreKey(b"o" * 32).open(ARTIFACT, stored)


@pytest.mark.parametrize("content", [b"", b"{}", b"pg-lock\x01", bytes(100)])
def test_what_lies_open_says_so(content: bytes) -> None:
    assert key_id_of(content) is None


def test_a_key_does_not_show_itself() -> None:
    assert "kkkk" not in repr(KEY) + repr(KEY.fresh_lock(ARTIFACT))
