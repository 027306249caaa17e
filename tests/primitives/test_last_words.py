"""Last words stand behind our sentence, for who looks closer."""

from __future__ import annotations

from proofgrid.primitives.last_words import with_last_words, without_last_words


def test_what_was_put_behind_a_sentence_is_taken_off_again() -> None:
    whole = with_last_words("exit status 134", "panicked: index 2 of 1\n")
    assert whole == "exit status 134; its last words: panicked: index 2 of 1"
    assert without_last_words(f"PG-320 {whole}") == "PG-320 exit status 134"


def test_a_sentence_without_last_words_stays_as_it_is() -> None:
    assert with_last_words("exit status 1", " \n") == "exit status 1"
    assert without_last_words("exit status 1; killed") == "exit status 1; killed"
