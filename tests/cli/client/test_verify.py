"""`proofgrid verify`, as strangers run it: a process without network, database or key."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from proofgrid.proofs.bundles.manifest import manifest_to_json
from tests.cli.commands import proofgrid
from tests.proofs.bundles.makers import NETWORK, OPERATOR, STRANGER, Made, a_bundle, forge


@pytest.fixture
def made(tmp_path: Path, toy_system_on_path: Path) -> Made:
    folder = tmp_path / "bundle"
    folder.mkdir()
    return a_bundle(folder, "seven", "eight")


def test_an_honest_bundle_exits_0_and_shows_what_was_proven_and_by_whom(made: Made, tmp_path: Path) -> None:
    program = made.manifest.program.digest
    ended = proofgrid("verify", str(made.path), "--program", program, "--network", NETWORK.address, home=tmp_path)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith("VALID")
    for shown in (
        program,
        NETWORK.address,
        "pinned: it is the expected one",
        "2 chains are linked",
        "main/toy/small #1",
    ):
        assert shown in ended.stdout
    assert f"{OPERATOR.address[:6]}…{OPERATOR.address[-4:]}/alpha" in ended.stdout
    result: Any = made.manifest.result
    assert result["outputs"][1] in ended.stdout


def test_what_was_not_insisted_on_is_said_to_be_open(made: Made, tmp_path: Path) -> None:
    ended = proofgrid("verify", str(made.path), home=tmp_path)
    assert ended.returncode == 0
    assert ended.stdout.count("NOT pinned") == 2


def test_json_holds_the_whole_report(made: Made, tmp_path: Path) -> None:
    ended = proofgrid("verify", str(made.path), "--network", NETWORK.address, "--json", home=tmp_path)
    report = json.loads(ended.stdout)
    assert report["valid"] is True
    assert (report["network_pinned"], report["program_pinned"]) == (True, False)
    assert report["manifest"] == manifest_to_json(made.manifest)
    assert len(report["checks"]) >= 6


@pytest.mark.parametrize(("option", "value"), [("--program", "ab" * 32), ("--network", STRANGER.address)])
def test_a_bundle_of_another_program_or_network_exits_1_and_names_the_check(
    made: Made, tmp_path: Path, option: str, value: str
) -> None:
    ended = proofgrid("verify", str(made.path), option, value, home=tmp_path)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "NOT VALID" in ended.stderr
    assert f"PG-410 [{option.removeprefix('--')}]" in ended.stderr


def test_an_output_that_was_changed_by_the_network_itself_is_refused(made: Made, tmp_path: Path) -> None:
    manifest: Any = manifest_to_json(made.manifest)
    manifest["result"]["outputs"].reverse()
    ended = proofgrid("verify", str(forge(made, manifest)), "--json", home=tmp_path)
    assert ended.returncode == 1
    refusal = json.loads(ended.stdout)
    assert refusal["valid"] is False
    assert (refusal["error"]["code"], refusal["error"]["field"]) == ("PG-400", "result")


def test_a_flipped_bit_a_stray_file_and_no_file_are_no_bundles(made: Made, tmp_path: Path) -> None:
    content = bytearray(made.path.read_bytes())
    content[len(content) // 2] ^= 1
    flipped, stray = tmp_path / "flipped.bundle", tmp_path / "stray.bundle"
    flipped.write_bytes(content)
    stray.write_text("not a bundle")
    for file in (flipped, stray, tmp_path / "missing.bundle"):
        ended = proofgrid("verify", str(file), home=tmp_path)
        assert ended.returncode == 1
        assert "NOT VALID" in ended.stderr
        assert "Traceback" not in ended.stderr


def test_a_beginning_of_a_digest_pins_nothing(made: Made, tmp_path: Path) -> None:
    ended = proofgrid("verify", str(made.path), "--program", made.manifest.program.digest[:12], home=tmp_path)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "the whole digest is needed here" in ended.stderr
