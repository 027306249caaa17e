"""Engines are built once, whole or not at all, by the digest of their sources; what is missing is said."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from proofgrid.primitives.errors import InvalidField, UnknownProofSystem
from proofgrid.proofs.kit.engine_programs import ENGINES, MIDEN, EngineProgram, build_missing, engines_of
from proofgrid.proofs.kit.engine_recipes import Recipe, run_tool

REFUSES = "import sys; sys.exit('line 3: no such word')"


def _python() -> Sequence[str]:
    return [sys.executable]


def _fill(tool: Sequence[str], sources: Path, folder: Path, made: str) -> None:
    (folder / "library").write_text("fetched")
    run_tool([*tool, str(sources / "build.py"), str(folder / made)], folder=folder)


RECIPE = Recipe(
    language="Python", needs="Python 3", patterns=("*.py", "lock/*"), made="run-{name}", tool=_python, fill=_fill
)


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> EngineProgram:
    monkeypatch.setenv("PROOFGRID_ENGINES", str(tmp_path / "cache"))
    sources = tmp_path / "home" / "toy"
    (sources / "lock").mkdir(parents=True)
    (sources / "lock" / "pinned").write_text("1")
    (sources / "build.py").write_text("import pathlib, sys; pathlib.Path(sys.argv[1]).write_text('engine')")
    return EngineProgram("toy", RECIPE, tmp_path / "home")


def test_an_engine_is_built_with_all_that_lies_beside_it(toy: EngineProgram) -> None:
    assert not toy.is_here()
    program = toy.build()
    assert program == toy.path(system="toys") and program.name == "run-toy"
    assert program.with_name("library").read_text() == "fetched"


def test_what_is_built_stays_until_its_sources_change(toy: EngineProgram) -> None:
    program = toy.build()
    program.write_text("kept")
    assert toy.build().read_text() == "kept"
    (toy.home / "toy" / "README").write_text("no source")
    assert toy.build() == program
    (toy.home / "toy" / "lock" / "pinned").write_text("2")
    assert not toy.is_here()
    assert toy.build() != program


def test_a_build_that_fails_leaves_nothing_and_says_why(toy: EngineProgram, tmp_path: Path) -> None:
    (toy.home / "toy" / "build.py").write_text(REFUSES)
    with pytest.raises(UnknownProofSystem, match="no such word"):
        toy.build()
    assert list((tmp_path / "cache").iterdir()) == []
    with pytest.raises(UnknownProofSystem, match="not built") as refused:
        toy.path(system="toys")
    assert "proofgrid systems --build" in refused.value.hint


def test_a_machine_without_the_tool_is_told_what_to_install(toy: EngineProgram) -> None:
    bare = replace(toy, recipe=replace(RECIPE, tool=lambda: None))
    with pytest.raises(UnknownProofSystem, match="no Python") as refused:
        bare.build()
    assert refused.value.hint == "install Python 3"


def test_one_engine_that_cannot_be_built_does_not_keep_the_others_from_it(toy: EngineProgram) -> None:
    bare = replace(toy, recipe=replace(RECIPE, tool=lambda: None, made="other"))
    outcomes = dict(build_missing([bare, toy]))
    assert outcomes["toy"] == toy.path(system="toys")
    assert isinstance(next(outcome for _, outcome in build_missing([bare])), UnknownProofSystem)


@pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: engine.name)
def test_every_engine_of_ours_ships_its_sources(engine: EngineProgram) -> None:
    sources = engine.recipe.sources_in(engine.home / engine.name)
    assert len(sources) >= len(engine.recipe.patterns)


def test_an_engine_that_takes_long_is_built_only_when_it_is_named(toy: EngineProgram) -> None:
    quick, named = engines_of([]), engines_of(["miden"])
    assert named == [MIDEN] and MIDEN not in quick and quick
    with pytest.raises(InvalidField, match="no engine 'mieden'"):
        engines_of(["gnark", "mieden"])
    slow = replace(RECIPE, takes="an hour", is_slow=True)
    with pytest.raises(UnknownProofSystem) as refused:
        replace(toy, recipe=slow).path(system="toys")
    assert refused.value.hint == "proofgrid systems --build toy, which takes an hour"
    with pytest.raises(UnknownProofSystem) as refused:
        replace(toy, recipe=replace(slow, tool=lambda: None)).path(system="toys")
    assert refused.value.hint == "proofgrid systems --build toy, which needs Python 3 and an hour"


@pytest.mark.parametrize(
    ("system", "machine", "is_told"),
    [
        ("Linux", "x86_64", True),
        ("Darwin", "arm64", True),
        ("Linux", "riscv64", False),
        ("Windows", "x86_64", False),
    ],
)
def test_a_machine_without_the_tool_is_told_of_a_wheel_where_there_is_one(
    toy: EngineProgram, system: str, machine: str, is_told: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.system", lambda: system)
    monkeypatch.setattr("platform.machine", lambda: machine)
    others: dict[str, dict[str, str]] = {"manylinux2014_x86_64.musllinux_1_1_x86_64": {}, "macosx_12_0_arm64": {}}
    bare = replace(toy, recipe=replace(RECIPE, tool=lambda: None, others=others))
    with pytest.raises(UnknownProofSystem) as refused:
        bare.path(system="toys")
    assert ("pip install proofgrid-engine-toy==" in refused.value.hint) == is_told
    assert "proofgrid systems --build" in refused.value.hint
