"""What earlier versions made still holds: a bundle, an exported record, evidence of a lie, and the name of a program.

The files of `before_step_4` were made by the version of 28 November 2026: a cheating prover, its rescuer, real proofs.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from proofgrid.proofs.bundles.bundle import read_bundle
from tests.cli.commands import proofgrid

FOLDERS = sorted(Path(__file__).parent.glob("before_*"))


@pytest.fixture(params=FOLDERS, ids=lambda folder: folder.name)
def folder(request: pytest.FixtureRequest) -> Path:
    """A folder of files that one earlier version made."""
    return Path(request.param)


def facts_of(folder: Path) -> dict[str, str]:
    facts: dict[str, str] = json.loads((folder / "facts.json").read_text())
    return facts


def test_a_bundle_verifies_with_the_prices_of_its_rounds(folder: Path, tmp_path: Path) -> None:
    facts = facts_of(folder)
    pinned = ("--program", facts["program"], "--network", facts["network"])

    ended = proofgrid(
        "verify",
        str(folder / "answer.bundle"),
        *pinned,
        "--rounds",
        str(folder / "day.rounds"),
        "--json",
        home=tmp_path,
    )

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert any("run again" in check for check in json.loads(ended.stdout)["checks"])


def test_an_exported_record_replays(folder: Path, tmp_path: Path) -> None:
    network = facts_of(folder)["network"]

    ended = proofgrid("market", "replay", str(folder / "day.rounds"), "--network", network, "--json", home=tmp_path)

    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["rounds"] == 6


def test_evidence_of_a_lie_holds(folder: Path, tmp_path: Path) -> None:
    network = facts_of(folder)["network"]

    ended = proofgrid(
        "admin", "evidence", "verify", str(folder / "lie.evidence"), "--network", network, "--json", home=tmp_path
    )

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert json.loads(ended.stdout)["kind"] == "invalid_proof"


def test_the_same_source_makes_the_same_circuits_under_a_new_name(folder: Path, tmp_path: Path) -> None:
    """Identity format 2 says more, so it gives another digest; what is proven is bit for bit the same."""
    settings = ("--setting", "slices=3", "--setting", "decomposition=128x4", "--setting", "input_range=[0,1]")

    ended = proofgrid(
        "program", "build", str(folder / "model.onnx"), *settings, "--srs", str(folder / "srs"), "--json", home=tmp_path
    )

    assert ended.returncode == 0, ended.stderr
    built = json.loads(ended.stdout)
    before: Any = read_bundle(folder / "answer.bundle").manifest.program.identity
    assert (built["identity"]["format"], before["format"]) == (2, 1)
    for unchanged in ("engine", "model", "slices", "srs.verifier"):
        assert built["identity"][unchanged] == before[unchanged]
    for name, value in before["settings"].items():
        assert built["identity"]["settings"][name] == value
    assert built["digest"] != facts_of(folder)["program"]
