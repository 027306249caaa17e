"""Errors as people see them: two lines on standard error and an exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from proofgrid.cli.kit.failures import error_text, exit_with
from proofgrid.primitives.errors import BudgetTooSmall, InvalidField, Unavailable
from tests.cli.commands import proofgrid


def test_an_error_shows_code_field_reason_and_hint() -> None:
    error = BudgetTooSmall("it costs 12", field="budget", hint="give 12")
    assert error_text(error) == "PG-140 [budget] it costs 12\nHint: give 12"
    assert error_text(Unavailable("gone")) == "PG-301 gone"


def test_an_error_inside_a_group_is_shown_as_itself(capsys: pytest.CaptureFixture[str]) -> None:
    group = BaseExceptionGroup("tasks", [BaseExceptionGroup("inner", [InvalidField("bad", field="port")])])
    with pytest.raises(SystemExit) as ended:
        exit_with(group)
    assert ended.value.code == 1
    assert capsys.readouterr().err == "PG-101 [port] bad\n"


def test_an_error_of_ours_is_no_traceback_unless_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("PROOFGRID_DEBUG", raising=False)
    with pytest.raises(SystemExit):
        exit_with(ZeroDivisionError("oops"))
    assert "internal error: ZeroDivisionError: oops" in capsys.readouterr().err
    monkeypatch.setenv("PROOFGRID_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        exit_with(ZeroDivisionError("oops"))


def test_a_refused_command_exits_1_and_a_mistyped_one_2(tmp_path: Path) -> None:
    refused = proofgrid("status", home=tmp_path)
    assert refused.returncode == 1
    assert refused.stdout == ""
    assert refused.stderr.splitlines() == [
        "PG-101 [key] this command needs your key",
        "Hint: --key FILE, or make one: proofgrid keys new",
    ]
    mistyped = proofgrid("status", "--no-such-flag", home=tmp_path)
    assert mistyped.returncode == 2
    assert "Traceback" not in mistyped.stderr


def test_an_error_is_json_for_who_asked_for_json(tmp_path: Path) -> None:
    ended = proofgrid("program", "list", "--key", str(tmp_path / "none.key"), "--json", home=tmp_path)
    assert ended.returncode == 1
    error = json.loads(ended.stderr)["error"]
    assert (error["code"], error["field"]) == ("PG-101", "key")
    assert "none.key" in error["detail"]


def test_a_gateway_that_is_not_there_is_named_as_the_reason(tmp_path: Path) -> None:
    key = tmp_path / "me.key"
    assert proofgrid("keys", "new", "--out", str(key), home=tmp_path).returncode == 0
    # Nothing listens on port 1; and a plain connection to another machine is refused before it is tried.
    ended = proofgrid("status", "--key", str(key), "--gateway", "grpc://gateway.example:1", home=tmp_path)
    assert ended.returncode == 1
    assert ended.stderr.startswith("PG-101 [gateway] ")


def test_an_error_without_words_is_called_by_its_name() -> None:
    assert error_text(TimeoutError()) == "PG-000 TimeoutError"
