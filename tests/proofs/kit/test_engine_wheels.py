"""A wheel with an engine in it: installed into a bare environment by pip, found there, and run."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from proofgrid.primitives.errors import UnknownProofSystem
from proofgrid.proofs.kit.engine import ENGINES_FOLDER
from proofgrid.proofs.kit.engine_programs import GNARK, PACKAGED_SOURCES
from tests.proofs.systems.groth16.circom import engine_or_skip
from tools.engine_wheels import write_wheel


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    engine_or_skip()
    return write_wheel(GNARK, GNARK.path(system="groth16"), "any", tmp_path / "dist")


def test_a_wheel_brings_the_engine_to_a_machine_without_a_compiler(
    wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = tmp_path / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(bare)], check=True)
    command = [sys.executable, "-m", "pip", "--python", str(bare), "install", "--quiet", "--no-index", str(wheel)]
    subprocess.run(command, check=True)
    (packages,) = bare.glob("lib/python*/site-packages")
    monkeypatch.setenv(ENGINES_FOLDER, str(tmp_path / "nothing"))
    with pytest.raises(UnknownProofSystem):
        GNARK.path(system="groth16")
    monkeypatch.syspath_prepend(str(packages))
    program = GNARK.path(system="groth16")
    assert program.is_relative_to(bare)
    said = subprocess.run([program, "describe"], capture_output=True, check=True)
    assert json.loads(said.stdout)["protocol"] == 1

    # An engine of other sources is another engine, whoever installed it.
    (packages / GNARK.package / PACKAGED_SOURCES).write_text("0" * 64)
    with pytest.raises(UnknownProofSystem, match="not built") as refused:
        GNARK.path(system="groth16")
    assert "proofgrid-engine-gnark" in refused.value.hint


def test_two_wheels_of_one_program_are_one_file(wheel: Path, tmp_path: Path) -> None:
    again = write_wheel(GNARK, GNARK.path(system="groth16"), "any", tmp_path / "again")
    assert again.read_bytes() == wheel.read_bytes()
    with zipfile.ZipFile(wheel) as archive:
        assert archive.testzip() is None


def test_an_engine_that_knows_no_other_machines_promises_no_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENGINES_FOLDER, "/nonexistent")
    other = replace(GNARK, recipe=replace(GNARK.recipe, others={}))
    with pytest.raises(UnknownProofSystem) as refused:
        other.path(system="groth16")
    assert "proofgrid-engine" not in refused.value.hint
