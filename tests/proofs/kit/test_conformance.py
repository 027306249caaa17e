"""The conformance suite passes honest systems, and finds each way to break a promise that we could think of."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from proofgrid.primitives.canonical import Json
from proofgrid.proofs.kit import conformance
from proofgrid.proofs.kit.conformance import (
    CHECKS,
    Check,
    NotConformant,
    Prepared,
    check_conformance,
    complaint,
    prepare,
)
from proofgrid.proofs.kit.samples import Samples, Source
from proofgrid.proofs.systems.ezkl.adapter import EzklProofSystem
from tests.proofs.kit import broken_systems as broken
from tests.proofs.kit.salted_system import SaltedSystem, a_circuit
from tests.proofs.systems.ezkl.models import an_mlp, save
from tests.toy_system import ToySystem

TOY_SAMPLES = Samples(
    source=Source(settings={"rounds": 3, "slices": 2}),
    other=Source(settings={"rounds": 4, "slices": 2}),
    inputs=("one", "two"),
    malformed=(Source(settings={"rounds": "three"}),),
    refused_inputs=(1, None, ["one"]),
)


@pytest.fixture(scope="module")
def prepared_ezkl(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """Two slices, linked, about inputs that are only committed to."""
    system, folder = EzklProofSystem(), tmp_path_factory.mktemp("ezkl")
    settings: dict[str, Json] = {"slices": 2, "decomposition": "128x4", "input_visibility": "committed"}
    models = [Source(files={"model": save(an_mlp(2, width, 1), folder / str(width))}) for width in (3, 4)]
    source, other = (replace(model, settings=settings) for model in models)
    samples = replace(system.samples(folder), source=source, other=other, malformed=())
    return prepare(system, samples, workdir=folder / "work")


@pytest.mark.thorough
@pytest.mark.parametrize("check", CHECKS, ids=conformance.name_of)
def test_ezkl_keeps_its_promises(prepared_ezkl: Prepared, check: Check) -> None:
    assert complaint(check, prepared_ezkl) == ""


def test_the_toy_keeps_its_promises(tmp_path: Path) -> None:
    check_conformance(ToySystem(), TOY_SAMPLES, workdir=tmp_path)


def test_a_system_built_of_the_kit_keeps_its_promises(tmp_path: Path) -> None:
    system = SaltedSystem()

    check_conformance(system, system.samples(tmp_path), workdir=tmp_path)


@pytest.mark.parametrize(
    ("system", "check", "found"),
    [
        (broken.TakesAnyOutput, conformance.wrong_proofs_are_refused, "changed public output, job 0, for the gateway"),
        (broken.TakesAnyInput, conformance.wrong_proofs_are_refused, "another input's proof, job 0, for the gateway"),
        (broken.TakesAnyProgram, conformance.wrong_proofs_are_refused, "another program's proof, job 0"),
        (broken.TakesCutProofs, conformance.wrong_proofs_are_refused, "truncated, job 0"),
        (broken.TakesMoreBytes, conformance.wrong_proofs_are_refused, "extended, job 0"),
        (broken.TakesFlippedBits, conformance.wrong_proofs_are_refused, "bit-flipped, job 0"),
        (broken.TakesNothing, conformance.wrong_proofs_are_refused, "garbage, job 0"),
        (broken.IsMalleable, conformance.proofs_have_one_spelling, "another spelling of the proof of job 0: accepted"),
        (broken.ChangesWithTime, conformance.two_builds_have_equal_digests, "the same source made"),
        (broken.ChangesWithPlace, conformance.two_builds_have_equal_digests, "the same source made"),
        (broken.ForgetsTheCircuit, conformance.two_builds_have_equal_digests, "another source made the same program"),
        (broken.StumblesOverSources, conformance.malformed_sources_are_refused, "the file 'circuit', empty: expected"),
        (broken.TakesAnyRequest, conformance.malformed_inputs_are_refused, "the inputs [1]: accepted"),
        (broken.ShowsFloats, conformance.values_can_be_sent, "TypeError: canonical JSON holds no floats"),
        (broken.BelievesItsFiles, conformance.files_are_checked, "another file 'circuit': accepted"),
        (broken.BelievesTheWhole, conformance.a_whole_is_checked, 'the result {"format": 1'),
        (broken.LeavesHalfKeys, conformance.a_killed_job_leaves_a_usable_cache, "the job after a job that was killed"),
        (broken.MinesAlone, conformance.two_jobs_can_fill_one_cache, "the job of two at once"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_what_is_broken_is_found(
    system: type[SaltedSystem], check: Check, found: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHONHASHSEED", raising=False)  # else other processes have our seed
    made = system()
    key_ms = 1_000 if system in (broken.LeavesHalfKeys, broken.MinesAlone) else 0
    samples = replace(made.samples(tmp_path), source=a_circuit(tmp_path / "circuit", rounds=5, key_ms=key_ms))
    prepared = prepare(made, samples, workdir=tmp_path / "work")

    assert found in complaint(check, prepared)


def test_everything_that_is_broken_is_said_at_once(tmp_path: Path) -> None:
    system = broken.TakesMoreBytes()

    with pytest.raises(NotConformant, match=r"^wrong proofs are refused: extended"):
        check_conformance(system, system.samples(tmp_path), workdir=tmp_path)


@pytest.mark.parametrize(
    ("name", "code", "line"),
    [
        ("SaltedSystem", 0, "ok     wrong proofs are refused"),
        ("TakesNothing", 1, "FAILED wrong proofs are refused: garb"),
    ],
)
def test_anybody_can_ask_at_a_shell(name: str, code: int, line: str) -> None:
    module = "tests.proofs.kit.salted_system" if name == "SaltedSystem" else "tests.proofs.kit.broken_systems"
    command = [sys.executable, "-m", "proofgrid.proofs.kit.conformance", f"{module}:{name}"]

    done = subprocess.run(command, cwd=Path(__file__).parents[3], capture_output=True, text=True, check=False)

    assert done.returncode == code, done.stderr
    assert line in done.stdout
    assert len(done.stdout.splitlines()) == len(CHECKS)
