"""The sample of the settings file: all that is declared, as comments that say the defaults."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from proofgrid.settings.declared import CONFIG_VARIABLE, Settings, declared, load_settings
from proofgrid.settings.sample import KINDS, sample_file

SAMPLE = Path(__file__).parents[2] / "docs" / "proofgrid.toml"


def test_the_sample_in_the_documents_is_the_one_that_is_written() -> None:
    assert SAMPLE.read_text(encoding="utf-8") == sample_file(), (
        "proofgrid config init --force --out docs/proofgrid.toml"
    )


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_without_its_comment_signs_it_says_the_defaults(
    kind: type[Settings], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not any(tomllib.loads(sample_file()).values())  # as it is, it says nothing
    lines = [line.removeprefix("# ") for line in sample_file().splitlines()]
    kept = [line for line in lines if line.startswith("[") or (" = " in line and "…" not in line)]
    (tmp_path / "all.toml").write_text("\n".join(kept))
    monkeypatch.setenv(CONFIG_VARIABLE, str(tmp_path / "all.toml"))

    assert load_settings(kind) == kind()
    names = {line.partition(" = ")[0].removeprefix("# ") for line in sample_file().splitlines()}
    assert names >= {one.name for one in declared(kind) if not one.told.is_secret}


def test_no_secret_has_a_place_in_it() -> None:
    names = {line.removeprefix("# ").partition(" = ")[0] for line in sample_file().splitlines()}
    assert not names & {one.name for kind in KINDS.values() for one in declared(kind) if one.told.is_secret}
