"""Signed notes: what the specification says, and nothing else opens."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofgrid.primitives.notes import NoteKey, opened_note

KEY = NoteKey.derived(bytes(range(32)), "proofgrid.audit/0x1f", b"a test")
TEXT = "proofgrid.audit/0x1f\n42\nAAAA\n"


def test_a_note_opens_for_its_key_only() -> None:
    note = KEY.sign(TEXT)
    other = NoteKey.derived(bytes(range(32)), "proofgrid.audit/0x1f", b"another purpose")
    named = NoteKey(name="other", seed=KEY.seed)
    assert opened_note(note, KEY.verifier) == TEXT
    assert opened_note(note, other.verifier) is None
    assert opened_note(note, named.verifier) is None


def test_a_note_of_golang_opens() -> None:
    """The note and the key of the documentation of golang.org/x/mod/sumdb/note."""
    verifier = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    note = (
        "If you think cryptography is the answer to your problem,\n"
        "then you don't know what your problem is.\n"
        "\n"
        "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
    )
    opened = opened_note(note, verifier)
    assert opened is not None
    assert opened.startswith("If you think")


@given(place=st.integers(0, len(KEY.sign(TEXT)) - 1), letter=st.sampled_from("aZ0\n —+"))
def test_a_note_with_any_letter_changed_does_not_open(place: int, letter: str) -> None:
    note = KEY.sign(TEXT)
    changed = note[:place] + letter + note[place + 1 :]
    assert changed == note or opened_note(changed, KEY.verifier) is None


@pytest.mark.parametrize(
    "verifier",
    ["", "a+b", "a+b+c", KEY.verifier[:-4], KEY.verifier.replace("+", "-"), KEY.verifier.replace("proof", "goof")],
)
def test_what_is_no_verifier_opens_nothing(verifier: str) -> None:
    assert opened_note(KEY.sign(TEXT), verifier) is None


@given(note=st.text())
def test_what_is_no_note_does_not_open(note: str) -> None:
    assert opened_note(note, KEY.verifier) is None


def test_a_key_shows_its_name_only() -> None:
    assert repr(KEY) == "NoteKey(proofgrid.audit/0x1f)"
