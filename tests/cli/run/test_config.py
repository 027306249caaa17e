"""`proofgrid config`: which settings count, where they come from, and the sample of their file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.commands import proofgrid


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "proofgrid.toml"
    path.write_text('[gateway]\nworkers = 3\ndsn = "postgresql://me:hush@db/net"\n[client]\nnetwork = "0xabc"\n')
    return path


def test_every_value_says_where_it_comes_from(tmp_path: Path, file: Path) -> None:
    ended = proofgrid(
        "--config", str(file), "config", "show", "gateway", "--listen", "0.0.0.0:1", "--json",
        home=tmp_path, PROOFGRID_SLOTS="9", PROOFGRID_SRS_LOGROWS="17",
    )  # fmt: skip
    found = json.loads(ended.stdout)
    assert found["workers"] == {"value": 3, "source": "file"}
    assert found["srs_logrows"] == {"value": 17, "source": "environment"}
    assert found["listen"] == {"value": "0.0.0.0:1", "source": "flag"}
    assert found["database_connections"] == {"value": 10, "source": "default"}


@pytest.mark.parametrize("json_flag", [[], ["--json"]], ids=["people", "programs"])
def test_secrets_are_never_shown(tmp_path: Path, file: Path, json_flag: list[str]) -> None:
    for process in ("client", "prover", "gateway"):
        ended = proofgrid(
            "--config", str(file), "config", "show", process, *json_flag, home=tmp_path, PROOFGRID_KEY_PASSWORD="hush"
        )
        assert (ended.returncode, ended.stderr) == (0, "")
        assert "hush" not in ended.stdout
        assert "set; not shown" in ended.stdout
        assert ("postgresql://me:…@db/net" in ended.stdout or "postgresql://me:\\u2026" in ended.stdout) == (
            process == "gateway"
        )


def test_a_setting_that_does_not_exist_is_answered_with_the_one_that_was_meant(tmp_path: Path, file: Path) -> None:
    file.write_text("[gateway]\nwrokers = 2\n")
    ended = proofgrid("--config", str(file), "config", "show", "gateway", home=tmp_path)
    assert ended.returncode == 1
    assert ended.stderr == "PG-101 [wrokers] there is no such setting\nHint: did you mean workers?\n"


def test_the_sample_is_written_where_settings_are_looked_for_and_over_nothing(tmp_path: Path) -> None:
    written = proofgrid("config", "init", "--json", home=tmp_path)
    path = Path(json.loads(written.stdout)["file"])
    assert path.read_text(encoding="utf-8").startswith("# Settings of proofgrid.")
    assert path.is_relative_to(tmp_path)
    path.write_text("[prover]\nask = 900\n")

    again = proofgrid("config", "init", home=tmp_path)
    assert again.returncode == 1
    assert "is there already" in again.stderr
    assert json.loads(proofgrid("config", "show", "prover", "--json", home=tmp_path).stdout)["ask"] == {
        "value": 900,
        "source": "file",
    }
