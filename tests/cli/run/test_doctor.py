"""`proofgrid doctor` as people and programs read it."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

import proofgrid.bootstrap.diagnosis.doctor as diagnosis
from proofgrid.cli.main import whole_command_line
from proofgrid.rules.diagnosis.finding import Finding, fault, good, note


def found(monkeypatch: pytest.MonkeyPatch, *findings: Finding) -> None:
    async def examine(*_: object) -> list[Finding]:
        return list(findings)

    monkeypatch.setattr(diagnosis, "examine", examine)


def test_a_fault_is_said_with_what_mends_it_and_ends_with_exit_code_1(monkeypatch: pytest.MonkeyPatch) -> None:
    found(monkeypatch, good("python", "Python 3.12"), fault("key", "me.key is not there", "proofgrid keys new"))
    shown = CliRunner().invoke(whole_command_line(), ["doctor", "client", "--key", "me.key"])
    assert shown.exit_code == 1
    assert "✓ python: Python 3.12\n✗ key: me.key is not there\n    proofgrid keys new\n" in shown.output
    assert "1 fault: this machine cannot be a client yet" in shown.output


def test_notes_do_not_make_it_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    found(monkeypatch, note("disk", "little", "--data-dir on a larger disk"))
    shown = CliRunner().invoke(whole_command_line(), ["doctor", "prover"])
    assert shown.exit_code == 0
    assert "this machine can be a prover" in shown.output


def test_programs_get_json(monkeypatch: pytest.MonkeyPatch) -> None:
    found(monkeypatch, fault("disk", "full", "make room"))
    shown = CliRunner().invoke(whole_command_line(), ["doctor", "gateway", "--json"])
    assert shown.exit_code == 1
    assert json.loads(shown.output) == {
        "role": "gateway",
        "ok": False,
        "findings": [{"what": "disk", "verdict": "fault", "said": "full", "mend": "make room"}],
    }
