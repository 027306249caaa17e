"""A setting is declared once; flags win over variables, variables over the file, the file over what was declared."""

from __future__ import annotations

from pathlib import Path

import pytest

from proofgrid.primitives.errors import InvalidField
from proofgrid.settings.client import ClientSettings
from proofgrid.settings.declared import CONFIG_VARIABLE, declared, load_settings
from proofgrid.settings.gateway import GatewaySettings
from proofgrid.settings.prover import ProverSettings


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A settings file that this process reads."""
    path = tmp_path / "proofgrid.toml"
    path.write_text("")
    monkeypatch.setenv(CONFIG_VARIABLE, str(path))
    return path


def test_flags_win_over_variables_over_the_file_over_defaults(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [load_settings(GatewaySettings).workers]
    file.write_text("[gateway]\nworkers = 3\n[prover]\nslots = 9\n")
    found.append(load_settings(GatewaySettings).workers)
    monkeypatch.setenv("proofgrid_WORKERS", "4")
    found.append(load_settings(GatewaySettings).workers)
    found.append(load_settings(GatewaySettings, workers=5).workers)
    found.append(load_settings(GatewaySettings, workers=None).workers)

    assert found == [2, 3, 4, 5, 4]


def test_texts_become_what_was_declared(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROOFGRID_KEY", "some.key")
    monkeypatch.setenv("PROOFGRID_CHECK_AT_START", "no")
    settings = load_settings(ProverSettings, slots="2")

    assert (settings.key, settings.check_at_start, settings.slots) == (Path("some.key"), False, 2)


@pytest.mark.parametrize(
    ("line", "field", "words"),
    [
        ("workers = 0", "workers", "greater than or equal to 1"),
        ("workers = 'two'", "workers", "valid integer"),
        ("surplus = 'mine'", "surplus", "'treasury' or 'burn'"),
        ("wrokers = 2", "wrokers", "no such setting"),
    ],
)
def test_a_wrong_setting_is_refused_by_its_name(file: Path, line: str, field: str, words: str) -> None:
    file.write_text(f"[gateway]\n{line}\n")
    with pytest.raises(InvalidField, match=words) as refused:
        load_settings(GatewaySettings)
    assert refused.value.field == field


def test_a_file_that_was_named_is_there(file: Path) -> None:
    file.unlink()
    with pytest.raises(InvalidField, match="there is no file"):
        load_settings(ClientSettings)


@pytest.mark.parametrize("kind", [GatewaySettings, ProverSettings, ClientSettings])
def test_defaults_keep_to_their_own_bounds(kind: type[GatewaySettings]) -> None:
    for one in declared(kind):
        if isinstance(one.default, int):
            assert one.told.least is None or one.default >= one.told.least, one.name
            assert one.told.most is None or one.default <= one.told.most, one.name
    settings = kind()
    assert load_settings(kind, **{one.name: getattr(settings, one.name) for one in declared(kind)}) == settings


def test_the_policies_of_a_gateway_are_made_of_its_settings() -> None:
    settings = GatewaySettings(lease_ttl_ms=700, firm_hold_ms_max=5_000, stake_overcommit=3, canary_new_prover=True)

    assert settings.market().phases.silent_ms == settings.dispatcher().lease_ttl_ms == 700
    assert settings.firm_quote_terms().hold_ms_max == 5_000
    assert settings.reserving().bonds.overcommit == 3
    assert settings.market().bonds.overcommit == 3
    assert settings.canaries().are_wanted
