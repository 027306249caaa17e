"""What a client tells of inputs that it seals, and what a prover says of a sealed job that cannot be proven."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from proofgrid.primitives.errors import BadProof, InvalidField, InvalidInput, Unprovable
from proofgrid.primitives.sealing_errors import CannotSeal
from proofgrid.proofs import workers as in_worker
from proofgrid.proofs.base import JobOutput, NormalisedRequest, ProgramFiles
from proofgrid.proofs.kit.sealed import prove_sealed
from tests.hiding_system import HidingSystem
from tests.packages import hiding_system_installed

SYSTEM = HidingSystem()
INPUTS: list[Any] = [[4711, 1], [2]]


@pytest.fixture
def files(tmp_path: Path) -> ProgramFiles:
    return SYSTEM.build_program({}, {}, trust={}, workdir=tmp_path, report=lambda *_: None)


@pytest.fixture
def told(files: ProgramFiles, tmp_path: Path) -> NormalisedRequest:
    return SYSTEM.normalise(files, INPUTS, workdir=tmp_path)


def test_what_was_normalised_is_taken(files: ProgramFiles, told: NormalisedRequest, tmp_path: Path) -> None:
    SYSTEM.check_told(files, told, workdir=tmp_path)


def with_facts(told: NormalisedRequest, **changes: Any) -> NormalisedRequest:
    first = replace(told.jobs[0], facts={**told.jobs[0].facts, **changes})
    return replace(told, jobs=(first, *told.jobs[1:]))


WRONG: dict[str, Callable[[NormalisedRequest], NormalisedRequest]] = {
    "no statement": lambda told: replace(told, statement={}),
    "more in the statement": lambda told: replace(told, statement={**told.statement, "more": 1}),
    "another number of inputs": lambda told: replace(told, jobs=told.jobs[:1]),
    "another input's facts": lambda told: replace(told, jobs=tuple(reversed(told.jobs))),
    "more facts": lambda told: with_facts(told, more=1),
    "no output": lambda told: with_facts(told, output=None),
    "an output of another form": lambda told: with_facts(told, output="5"),
    "something else is shown": lambda told: with_facts(told, shown="0" * 64),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_does_not_fit_is_refused(wrong: str, files: ProgramFiles, told: NormalisedRequest, tmp_path: Path) -> None:
    with pytest.raises(BadProof):
        SYSTEM.check_told(files, WRONG[wrong](told), workdir=tmp_path)


def test_a_gateway_names_the_field_whatever_was_told(
    files: ProgramFiles, told: NormalisedRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with hiding_system_installed(tmp_path / "site", monkeypatch):
        in_worker.check_told("hiding", files, told, tmp_path)
        for wrong in (WRONG["something else is shown"](told), replace(told, statement=[])):  # type: ignore[arg-type]
            with pytest.raises(InvalidField) as refused:
                in_worker.check_told("hiding", files, wrong, tmp_path)
            assert refused.value.field.startswith("sealed")
        shows = replace(files.program, identity={**files.program.identity, "shows": True})
        with pytest.raises(CannotSeal, match="shows its inputs"):
            in_worker.check_told("hiding", ProgramFiles(shows, files.paths), told, tmp_path)


def proved(files: ProgramFiles, told: NormalisedRequest, job_input: bytes, facts: Any, folder: Path) -> JobOutput:
    def prove() -> JobOutput:
        return SYSTEM.run_job(files, 0, job_input, cache=folder, workdir=folder, report=lambda *_: None)

    return prove_sealed(prove, SYSTEM, files, 0, facts, workdir=folder)


def test_a_prover_hands_in_what_fits_the_facts_and_says_nothing_of_an_input_that_does_not(
    files: ProgramFiles, told: NormalisedRequest, tmp_path: Path
) -> None:
    first, second = told.jobs
    assert proved(files, told, first.input, first.facts, tmp_path).public == {"output": 4712}
    for job_input, facts in (
        (first.input, second.facts),  # its client says what is not so
        (b"4711 is none", first.facts),  # it sealed what is no input
    ):
        with pytest.raises(Unprovable) as said:
            proved(files, told, job_input, facts, tmp_path)
        assert "4711" not in str(said.value)


def test_an_input_that_is_none_names_itself_where_it_is_not_sealed(files: ProgramFiles, tmp_path: Path) -> None:
    """What the test above leaves out is there to be left out."""
    with pytest.raises(InvalidInput, match="4711"):
        SYSTEM.run_job(files, 0, b"4711 is none", cache=tmp_path, workdir=tmp_path, report=lambda *_: None)
