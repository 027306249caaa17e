"""Sentences and tables on narrow terminals."""

from __future__ import annotations

import pytest

from proofgrid.cli.kit.console import print_table, say, wrapped

DIGEST = "ab" * 32


def test_sentences_are_broken_between_words_and_digests_are_not() -> None:
    assert wrapped(f"  program  {DIGEST} (pinned)", 40) == f"  program\n    {DIGEST}\n    (pinned)"
    assert wrapped("short\n\n  also short", 40) == "short\n\n  also short"


def test_without_a_terminal_lines_stay_whole_unless_a_width_is_said(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    say("word " * 60)
    assert len(capsys.readouterr().out.splitlines()) == 1
    monkeypatch.setenv("COLUMNS", "60")
    say("word " * 60)
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 60


def test_a_table_that_is_too_narrow_for_its_words_becomes_lines(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    print_table(("program", "slices>", "label"), [(DIGEST, 4, "digits"), (DIGEST, 1, "")], empty="none")
    lines = capsys.readouterr().out.splitlines()
    assert lines[3] == "  slices   4"
    assert lines[4] == "  label    digits"
    assert sum("label" in line for line in lines) == 1  # what is empty is left out
    monkeypatch.setenv("COLUMNS", "100")
    print_table(("program", "slices>", "label"), [(DIGEST, 4, "digits")], empty="none")
    assert any(line.split() == ["program", "slices", "label"] for line in capsys.readouterr().out.splitlines())
