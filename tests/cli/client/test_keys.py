"""`proofgrid keys`: what is written, for whom, and that nothing is lost."""

from __future__ import annotations

import json
import stat
from pathlib import Path

from tests.cli.commands import proofgrid


def test_a_new_key_is_readable_by_its_owner_only_and_shown_by_address_only(tmp_path: Path) -> None:
    file = tmp_path / "me.key"
    made = proofgrid("keys", "new", "--out", str(file), "--json", home=tmp_path)
    assert made.returncode == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    address = json.loads(made.stdout)["address"]
    shown = proofgrid("keys", "show", str(file), home=tmp_path)
    assert shown.stdout.strip() == address
    assert json.loads(file.read_text())["private_key"] not in made.stdout + made.stderr + shown.stdout


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "me.key"
    proofgrid("keys", "new", "--out", str(file), home=tmp_path)
    before = file.read_bytes()
    again = proofgrid("keys", "new", "--out", str(file), home=tmp_path)
    assert again.returncode == 1
    assert again.stderr.startswith("PG-101 [key] ")
    assert file.read_bytes() == before


def test_two_keys_are_different_and_the_default_one_is_found_again(tmp_path: Path) -> None:
    first = proofgrid("keys", "new", "--json", home=tmp_path)
    second = proofgrid("keys", "new", "--out", str(tmp_path / "other.key"), "--json", home=tmp_path)
    address = json.loads(first.stdout)["address"]
    assert address != json.loads(second.stdout)["address"]
    assert proofgrid("keys", "show", home=tmp_path).stdout.strip() == address


def test_an_encrypted_key_opens_with_its_password_only(tmp_path: Path) -> None:
    file = tmp_path / "me.key"
    password = "correct horse"
    made = proofgrid(
        "keys", "new", "--out", str(file), "--encrypt", "--json", home=tmp_path, PROOFGRID_KEY_PASSWORD=password
    )
    assert "private_key" not in json.loads(file.read_text())
    shown = proofgrid("keys", "show", str(file), home=tmp_path, PROOFGRID_KEY_PASSWORD=password)
    assert shown.stdout.strip() == json.loads(made.stdout)["address"]
    for wrong in ({}, {"PROOFGRID_KEY_PASSWORD": "wrong"}):
        refused = proofgrid("keys", "show", str(file), home=tmp_path, **wrong)
        assert refused.returncode == 1
        assert "PG-101 [key]" in refused.stderr
