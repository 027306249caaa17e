"""`proofgrid program settings`: what -s takes."""

from __future__ import annotations

import json
from pathlib import Path

from proofgrid.proofs.registry import proof_system
from proofgrid.proofs.systems.ezkl.settings import EzklSettings, parse_settings
from tests.cli.commands import proofgrid


def test_every_setting_is_listed_with_its_default_and_its_rule(tmp_path: Path) -> None:
    [told] = json.loads(proofgrid("program", "settings", "ezkl", "--json", home=tmp_path).stdout)
    defaults = {one["name"]: one["default"] for one in told["settings"]}
    assert told["system"] == "ezkl"
    assert set(defaults) == set(proof_system("ezkl").describe().settings_help) == set(EzklSettings().canonical())
    assert parse_settings(defaults) == EzklSettings()
    assert all(one["rule"] for one in told["settings"])

    shown = proofgrid("program", "settings", home=tmp_path, COLUMNS="60").stdout
    assert all(name in shown for name in defaults)
    assert max(map(len, shown.splitlines())) <= 60


def test_an_unknown_system_is_named(tmp_path: Path) -> None:
    ended = proofgrid("program", "settings", "nothing", home=tmp_path)
    assert ended.returncode == 1
    assert ended.stderr.startswith("PG-131")
