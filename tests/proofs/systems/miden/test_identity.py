"""What a program of Miden's is, and what an engine that misbehaves comes to. Needs no engine: a script plays one."""

from __future__ import annotations

import json
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import BadProof, InvalidField, InvalidInput, InvalidProgram
from proofgrid.proofs.base import ProgramFiles
from proofgrid.proofs.kit.engine_programs import EngineProgram
from proofgrid.proofs.systems.miden import engine
from proofgrid.proofs.systems.miden.adapter import PROOF_BYTES_MAX, MidenSystem
from proofgrid.proofs.systems.miden.settings import CYCLES_MAX, Settings, memory_bytes, read_settings

ROOT = "0x" + "00" * 32
STACK: list[Json] = ["1", *["0"] * 15]


class Played:
    """An engine that answers what it is told to."""

    def __init__(self, folder: Path) -> None:
        self.program = folder / "engine"
        self.says(json.dumps({"root": ROOT, "procedures": 1}))

    def says(self, answer: str, *, status: int = 0) -> None:
        (self.program.parent / "answer").write_text(answer)
        writes = "import json, sys; where = json.load(sys.stdin).get('program'); where and open(where, 'a').close()"
        self.program.write_text(
            f'#!/bin/sh\npython3 -c "{writes}"\ncat {self.program.parent / "answer"}\nexit {status}\n'
        )
        self.program.chmod(self.program.stat().st_mode | stat.S_IXUSR)


@pytest.fixture
def played(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Played:
    played = Played(tmp_path)
    monkeypatch.setattr(EngineProgram, "path", lambda _self, *, system: played.program)
    return played


def built(folder: Path, **settings: Json) -> ProgramFiles:
    source = folder / "program.masm"
    source.write_text("begin end")
    return MidenSystem().build_program(
        {"masm": source}, settings, trust={}, workdir=folder / "build", report=lambda _stage, _permille: None
    )


def test_a_program_is_its_root_its_settings_and_the_engine(played: Played, tmp_path: Path) -> None:
    files = built(tmp_path, steps=3, cycles_max=1000)
    identity = files.program.identity
    assert identity["root"] == ROOT
    assert identity["engine"] == engine.VERSION
    assert identity["security_bits"] == 96
    assert identity["settings"] == {"steps": 3, "cycles_max": 1000, "hash": "blake3"}
    assert [spec.memory_bytes for spec in files.program.slices] == [memory_bytes(1024)] * 3
    digests = {built(tmp_path, **other).program.digest for other in ({}, {"steps": 2}, {"hash": "poseidon2"})}
    assert len(digests | {files.program.digest}) == 4
    MidenSystem().check_program(files)
    MidenSystem().check_program(ProgramFiles(files.program, {}))


def test_another_number_of_slices_is_another_program(played: Played, tmp_path: Path) -> None:
    # Slices stand beside the identity, not in it: with fewer of them a shorter chain would do.
    files = built(tmp_path, steps=3)
    fewer = replace(files.program, slices=files.program.slices[:2])
    assert fewer.digest == files.program.digest
    with pytest.raises(BadProof, match="number of slices"):
        MidenSystem().check_program(ProgramFiles(fewer, files.paths))


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"engine": "miden-vm 0.22.0"},
        {"root": ROOT.upper()},
        {"root": None},
        {"security_bits": 128},
        {"settings": {"steps": 1}},
        {"settings": {"steps": 1, "cycles_max": 64, "hash": "keccak"}},
        {"files": {}},
        {"files": {"program": "sha256:" + "00" * 32}},
    ],
)
def test_an_identity_that_is_malformed_is_refused(played: Played, tmp_path: Path, change: dict[str, Json]) -> None:
    files = built(tmp_path)
    changed = replace(files.program, identity={**files.program.identity, **change})
    with pytest.raises(BadProof):
        MidenSystem().check_program(ProgramFiles(changed, files.paths))


def test_what_the_engine_refuses_is_the_clients_by_its_place(played: Played, tmp_path: Path) -> None:
    one, two = built(tmp_path), built(tmp_path, steps=2)
    for files, value, said, place in (
        (one, {"advice": [1]}, "steps[0]", "inputs[0]"),
        (one, {"advice": [1]}, "steps[0].advice", "inputs[0].advice"),
        (one, {"steps": [{}]}, "steps[0]", "inputs[0].steps[0]"),
        (two, {}, "steps[1]", "inputs[0].steps[1]"),
    ):
        played.says(json.dumps({"refused": {"field": said, "rule": "an assertion fails: too small"}}))
        with pytest.raises(InvalidInput, match="too small") as refused:
            MidenSystem().normalise(files, [value], workdir=tmp_path / "normalise")
        assert refused.value.field == place
    played.says(json.dumps({"refused": {"field": "source.masm", "rule": "line 2: no such word"}}))
    with pytest.raises(InvalidProgram, match="line 2") as wrong:
        built(tmp_path)
    assert wrong.value.field == "source.masm"


def test_jobs_cost_what_their_rows_do(played: Played, tmp_path: Path) -> None:
    files = built(tmp_path, steps=2)
    after: list[Json] = ["2", *["0"] * 15]
    played.says(json.dumps({"steps": [{"stack": STACK, "rows": 64}, {"stack": after, "rows": 1 << 16}]}))
    first, second = MidenSystem().normalise(files, [{"stack": [1]}], workdir=tmp_path / "normalise").jobs
    (spec, _) = files.program.slices
    assert (second.units, second.memory_bytes) == (spec.units, spec.memory_bytes)
    assert first.units < second.units
    assert first.memory_bytes < second.memory_bytes
    assert first.depends_on == second.depends_on == ()
    assert first.facts == {"shown": STACK, "output": STACK}
    assert second.facts == {"shown": STACK, "output": after}


def test_what_no_engine_says_is_the_engines_trouble(played: Played, tmp_path: Path) -> None:
    files = built(tmp_path)
    played.says("killed", status=3)
    with pytest.raises(InvalidProgram, match="the engine fails"):
        MidenSystem().normalise(files, [{}], workdir=tmp_path / "normalise")
    with pytest.raises(InvalidProgram, match="the engine fails"):
        MidenSystem().check_slice(files, 0, STACK, STACK, b"proof", workdir=tmp_path / "check")
    assert MidenSystem().can_be_proven(files, 0, b"{}", workdir=tmp_path / "try") is None


@pytest.mark.parametrize("wrong", [None, [], "1", [1] * 16, ["1"] * 15, ["1"] * 17, ["-1"] + ["0"] * 15])
def test_a_stack_of_a_stranger_never_reaches_the_engine(played: Played, tmp_path: Path, wrong: Any) -> None:
    files = built(tmp_path)
    played.says("killed", status=3)
    for shown, claimed in ((wrong, STACK), (STACK, wrong)):
        with pytest.raises(BadProof, match="16 field elements"):
            MidenSystem().check_slice(files, 0, shown, claimed, b"proof", workdir=tmp_path / "check")
    with pytest.raises(BadProof, match="at most"):
        MidenSystem().check_slice(files, 0, STACK, STACK, bytes(PROOF_BYTES_MAX + 1), workdir=tmp_path / "check")


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"stack": []}', b'{"stack": [], "step": {}}', b"\xff"])
def test_a_jobs_input_that_is_none_is_refused(played: Played, tmp_path: Path, content: bytes) -> None:
    files = built(tmp_path)
    with pytest.raises(InvalidInput):
        MidenSystem().run_job(
            files, 0, content, cache=tmp_path, workdir=tmp_path, report=lambda _stage, _permille: None
        )


def test_a_setting_is_named_when_it_is_wrong() -> None:
    assert read_settings({}) == Settings()
    assert Settings(cycles_max=CYCLES_MAX).rows_max == CYCLES_MAX
    assert Settings(cycles_max=65).rows_max == 128
    for name, value in (("steps", 0), ("steps", True), ("cycles_max", 63), ("hash", "rpo"), ("slices", 2)):
        with pytest.raises(InvalidField) as refused:
            read_settings({name: value})
        assert refused.value.field == f"settings.{name}"
