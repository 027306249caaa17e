"""A chain of slices: each begins where the one before it ended, and nobody else says where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from proofgrid.primitives.canonical import Json, canonical_json
from proofgrid.primitives.digests import digest_of_json
from proofgrid.primitives.errors import BadProof, InvalidInput
from proofgrid.proofs.base import JobOutput, PartialProof, Program, ProgramFiles, SliceSpec
from proofgrid.proofs.kit.chains import ChainPerInput, TakenChain, TakenSlice

SLICES = 3


class Doubling(ChainPerInput):
    """Each slice doubles a number and adds its own index; the proof names both ends, and anybody can make one."""

    def check_program(self, files: ProgramFiles) -> None:
        """There is nothing to check."""

    def take_chain(self, files: ProgramFiles, value: Json, *, field: str, workdir: Path) -> TakenChain:
        """Take a number."""
        if type(value) is not int:
            raise InvalidInput("a number", field=field)
        ends = [value]
        for place in range(SLICES):
            ends.append(ends[-1] * 2 + place)
        slices = tuple(
            TakenSlice(shown=ends[at], job_input=canonical_json(ends[at]), output=ends[at + 1], units=(7 if at else 0))
            for at in range(SLICES)
        )
        return TakenChain(shown=value, slices=slices)

    def shown_to(self, files: ProgramFiles, slice_index: int, shown: Json, before: Sequence[Json]) -> Json:
        """Return where the slice before ended."""
        return before[-1] if before else shown

    def check_slice(
        self, files: ProgramFiles, slice_index: int, shown: Json, claimed: Json, proof: bytes, *, workdir: Path
    ) -> None:
        """Compare the proof."""
        if type(shown) is not int or claimed != shown * 2 + slice_index or proof != proof_of(slice_index, shown):
            raise BadProof("the proof does not verify")


def proof_of(slice_index: int, begun: int) -> bytes:
    return digest_of_json([slice_index, begun]).encode()


@pytest.fixture
def files() -> ProgramFiles:
    slices = tuple(SliceSpec(index=place, units=5, memory_bytes=1) for place in range(SLICES))
    program = Program(proof_system="doubling", identity={}, files={}, verifying_files=(), slices=slices)
    return ProgramFiles(program, {})


def proven(files: ProgramFiles, inputs: list[Json], folder: Path) -> tuple[dict[str, Json], list[PartialProof]]:
    request = Doubling().normalise(files, inputs, workdir=folder)
    parts = []
    for job in request.jobs:
        begun = job.facts["shown"]
        assert type(begun) is int
        output = JobOutput(proof=proof_of(job.slice_index, begun), public={"output": job.facts["output"]})
        Doubling().verify_partial(files, job.slice_index, job.facts, output, workdir=folder)
        parts.append(PartialProof(slice_index=job.slice_index, input_index=job.input_index, output=output))
    return dict(request.statement), parts


def whole(files: ProgramFiles, statement: dict[str, Json], parts: list[PartialProof], folder: Path) -> list[str]:
    result = Doubling().combine(files, statement, parts, workdir=folder)
    return Doubling().verify_whole(files, statement, result, parts, workdir=folder)


def test_slices_wait_for_nobody_and_end_in_the_output_of_the_last(files: ProgramFiles, tmp_path: Path) -> None:
    jobs = Doubling().normalise(files, [1, 10], workdir=tmp_path).jobs
    assert [(job.input_index, job.slice_index, job.units, job.depends_on) for job in jobs] == [
        (index, place, 7 if place else 5, ()) for index in range(2) for place in range(SLICES)
    ]
    statement, parts = proven(files, [1, 10], tmp_path)
    assert Doubling().combine(files, statement, parts, workdir=tmp_path)["outputs"] == [12, 84]
    assert "every slice begins where the one before it ended (4)" in whole(files, statement, parts, tmp_path)


def test_a_slice_that_begins_elsewhere_breaks_the_whole(files: ProgramFiles, tmp_path: Path) -> None:
    statement, parts = proven(files, [1], tmp_path)
    elsewhere = JobOutput(proof=proof_of(1, 5), public={"output": 11})
    Doubling().check_slice(files, 1, 5, 11, elsewhere.proof, workdir=tmp_path)  # a right proof, of another link
    parts[1] = replace(parts[1], output=elsewhere)
    with pytest.raises(BadProof, match="input 0, slice 1") as broken:
        whole(files, statement, parts, tmp_path)
    assert broken.value.field == "proofs[1]"


def test_slices_and_inputs_cannot_change_places(files: ProgramFiles, tmp_path: Path) -> None:
    statement, parts = proven(files, [1, 10], tmp_path)
    for first, second in ((0, 1), (1, 2), (0, SLICES), (1, SLICES + 1)):
        changed = list(parts)
        changed[first] = replace(parts[first], output=parts[second].output)
        changed[second] = replace(parts[second], output=parts[first].output)
        with pytest.raises(BadProof):
            whole(files, statement, changed, tmp_path)


def test_a_gateway_refuses_the_proof_of_another_slice(files: ProgramFiles, tmp_path: Path) -> None:
    jobs = Doubling().normalise(files, [1], workdir=tmp_path).jobs
    _, parts = proven(files, [1], tmp_path)
    for job in jobs:
        for part in parts:
            if part.slice_index != job.slice_index:
                with pytest.raises(BadProof):
                    Doubling().verify_partial(files, job.slice_index, job.facts, part.output, workdir=tmp_path)
    with pytest.raises(BadProof, match="no such slice"):
        Doubling().verify_partial(files, SLICES, jobs[0].facts, parts[0].output, workdir=tmp_path)
