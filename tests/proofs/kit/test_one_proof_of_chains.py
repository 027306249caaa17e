"""What the kit writes for systems whose wraps take all chains of a request: statement, result, claims, and lies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from proofgrid.primitives.canonical import Json, canonical_json
from proofgrid.primitives.errors import BadProof, InvalidInput, ProofgridError
from proofgrid.proofs.base import (
    JobOutput,
    NormalisedRequest,
    PartialProof,
    Program,
    ProgramFiles,
    Report,
    SliceSpec,
)
from proofgrid.proofs.kit.chains import TakenChain, TakenSlice
from proofgrid.proofs.kit.one_proof import check_one_proof
from proofgrid.proofs.kit.one_proof_of_chains import Claim, OneProofOfChains
from proofgrid.proofs.offers import PARTS
from tests.proofs.bundles.makers import taken_json

MOST = 3


class Doubling(OneProofOfChains):
    """Each slice doubles a number; a proof says so in words, and a wrap repeats what all of them say."""

    def check_program(self, files: ProgramFiles) -> None:
        pass

    def take_chain(self, files: ProgramFiles, value: Json, *, field: str, workdir: Path) -> TakenChain:
        assert isinstance(value, int)
        ends = [value * 2**place for place in range(1 + len(files.program.slices))]
        slices = tuple(
            TakenSlice(shown=begun, job_input=canonical_json(begun), output=left) for begun, left in pairwise(ends)
        )
        return TakenChain(shown=value, slices=slices)

    def shown_to(self, files: ProgramFiles, slice_index: int, shown: Json, before: Sequence[Json]) -> Json:
        return before[-1] if before else shown

    def check_slice(
        self, files: ProgramFiles, slice_index: int, shown: Json, claimed: Json, proof: bytes, *, workdir: Path
    ) -> None:
        if proof != proof_of(Claim(slice_index=slice_index, shown=shown, claimed=claimed)):
            raise BadProof("it says something else")

    def run_job(self, files: ProgramFiles, slice_index: int, job_input: bytes, **_: Any) -> JobOutput:
        begun = int(job_input)
        claim = Claim(slice_index=slice_index, shown=begun, claimed=2 * begun)
        return JobOutput(proof=proof_of(claim), public={"output": 2 * begun})

    def inputs_max(self, files: ProgramFiles) -> int:
        return MOST

    def check_claims(self, files: ProgramFiles, claims: Sequence[Claim], *, workdir: Path) -> None:
        if any(claim.claimed == 14 for claim in claims):
            raise InvalidInput("not that one", field="inputs")

    def prove_wrap(
        self, files: ProgramFiles, claims: Sequence[Claim], proofs: Sequence[bytes], *, workdir: Path, report: Report
    ) -> bytes:
        assert [proof_of(claim) for claim in claims] == list(proofs)
        return b"".join(proofs)

    def check_wrap(self, files: ProgramFiles, claims: Sequence[Claim], proof: bytes, *, workdir: Path) -> None:
        if proof != b"".join(map(proof_of, claims)):
            raise BadProof("it says something else")


def proof_of(claim: Claim) -> bytes:
    return f"slice {claim.slice_index} makes {claim.claimed} of {claim.shown};".encode()


SYSTEM = Doubling()


def a_program(slices: int) -> ProgramFiles:
    specs = tuple(SliceSpec(index=index, units=1, memory_bytes=1) for index in range(slices + 1))
    program = Program(
        proof_system="doubling", identity={}, files={}, verifying_files=(), slices=specs[:-1], wraps=specs[-1:]
    )
    return ProgramFiles(program, {})


def proven(files: ProgramFiles, inputs: list[Json], folder: Path) -> tuple[NormalisedRequest, list[PartialProof]]:
    request = SYSTEM.normalise_to_one(files, inputs, workdir=folder)
    check_one_proof(files.program, request)
    parts: list[PartialProof] = []
    for job in request.jobs:
        where: dict[str, Any] = {"cache": folder, "workdir": folder, "report": lambda stage, share: None}
        facts = dict(job.facts)
        if job.depends_on:
            facts[PARTS] = [taken_json(part) for part in parts]
            output = SYSTEM.wrap(files, job.slice_index, job.input, parts, **where)
        else:
            output = SYSTEM.run_job(files, job.slice_index, job.input, **where)
        SYSTEM.verify_partial(files, job.slice_index, facts, output, workdir=folder)
        parts.append(PartialProof(slice_index=job.slice_index, input_index=job.input_index, output=output))
    return request, parts


@pytest.mark.parametrize("slices", [1, 3])
def test_one_proof_of_all_chains_verifies(tmp_path: Path, slices: int) -> None:
    files = a_program(slices)
    request, parts = proven(files, [1, 5], tmp_path)
    result = SYSTEM.combine(files, request.statement, parts, workdir=tmp_path)

    assert request.statement == {"format": 1, "inputs": [1, 5], "one_proof": True}
    assert result["outputs"] == [2**slices, 5 * 2**slices]
    assert ("between" in result) == (slices > 1)
    said = SYSTEM.verify_whole(files, request.statement, result, parts[-1:], workdir=tmp_path)
    assert said == ["one proof verifies, for all inputs of the statement and all outputs of the result (2)"]


def test_a_request_of_many_proofs_is_as_ever(tmp_path: Path) -> None:
    files = a_program(2)
    request = SYSTEM.normalise(files, [1], workdir=tmp_path)
    parts = [
        PartialProof(slice_index=job.slice_index, input_index=0, output=SYSTEM.run_job(files, place, job.input))
        for place, job in enumerate(request.jobs)
    ]
    result = SYSTEM.combine(files, request.statement, parts, workdir=tmp_path)
    assert result == {"format": 1, "outputs": [4]}
    assert SYSTEM.verify_whole(files, request.statement, result, parts, workdir=tmp_path)


def test_lies_about_it_are_refused(tmp_path: Path) -> None:
    files = a_program(2)
    request, parts = proven(files, [1, 5], tmp_path)
    result = dict(SYSTEM.combine(files, request.statement, parts, workdir=tmp_path))
    statement, one = dict(request.statement), parts[-1]
    lies: list[tuple[Any, Any, Any]] = [
        ({**statement, "inputs": [1, 6]}, result, [one]),
        ({**statement, "inputs": [1]}, {**result, "outputs": [4], "between": [[2]]}, [one]),
        ({**statement, "inputs": []}, {**result, "outputs": [], "between": []}, [one]),
        ({**statement, "inputs": [1, 5, 5, 5]}, result, [one]),
        ({**statement, "one_proof": 1}, result, [one]),
        ({**statement, "more": 1}, result, [one]),
        (statement, {**result, "outputs": [4, 21]}, [one]),
        (statement, {**result, "outputs": [4, None]}, [one]),
        (statement, {**result, "between": [[2], [11]]}, [one]),
        (statement, {**result, "between": [[2]]}, [one]),
        (statement, {**result, "between": [[2], []]}, [one]),
        (statement, {"format": 1, "outputs": result["outputs"]}, [one]),
        (statement, {**result, "more": 1}, [one]),
        (statement, result, parts),
        (statement, result, []),
        (statement, result, [replace(one, slice_index=1)]),
        (statement, result, [replace(one, output=replace(one.output, public={"output": 1}))]),
        (statement, result, [replace(one, output=replace(one.output, proof=parts[0].output.proof))]),
    ]
    for lie in lies:
        with pytest.raises(BadProof):
            SYSTEM.verify_whole(files, *lie, workdir=tmp_path)


def test_a_wraps_output_is_judged_by_what_it_took(tmp_path: Path) -> None:
    files = a_program(1)
    request, parts = proven(files, [1, 5], tmp_path)
    wrap, one = request.jobs[-1], parts[-1].output
    facts = {**wrap.facts, PARTS: [taken_json(part) for part in parts[:-1]]}
    swapped = {**wrap.facts, PARTS: [taken_json(part) for part in parts[-2::-1]]}
    for given, output in ((swapped, one), (facts, replace(one, proof=b"")), (facts, replace(one, public={"x": 1}))):
        with pytest.raises(BadProof):
            SYSTEM.verify_partial(files, 1, given, output, workdir=tmp_path)


@pytest.mark.parametrize("inputs", [[1] * (MOST + 1), [7], []])
def test_what_cannot_be_wrapped_is_refused_before_anything_is_sold(tmp_path: Path, inputs: list[Json]) -> None:
    with pytest.raises(ProofgridError) as caught:
        SYSTEM.normalise_to_one(a_program(1), inputs, workdir=tmp_path)
    assert caught.value.field == "inputs"


def test_a_spoiled_job_input_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput):
        SYSTEM.wrap(a_program(1), 1, b"{}", [], cache=tmp_path, workdir=tmp_path, report=lambda stage, share: None)
