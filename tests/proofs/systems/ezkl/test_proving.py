"""A proof says what the model says, however the model was sliced."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from proofgrid.primitives.canonical import canonical_json
from proofgrid.primitives.errors import BadProof, InvalidInput, InvalidProgram
from proofgrid.proofs.base import ProgramFiles, ProofSystem
from proofgrid.proofs.registry import proof_system
from tests.proofs.conftest import (
    DIGITS_MODEL,
    DIGITS_PROVEN,
    DIGITS_SETTINGS,
    SYSTEM,
    ProvenRequest,
    build,
    ignore_progress,
    prove_all,
)
from tests.proofs.systems.ezkl.models import an_mlp, save

#: Scores lie between about -20 and 20. With 7 bits after the point, each of the four layers rounds its sums and its
#: weights by up to 1/256, which adds up to less than this.
TOLERANCE = 0.5


def scores_of(model: Path, image: list[float]) -> Any:
    session = onnxruntime.InferenceSession(str(model))
    return session.run(None, {session.get_inputs()[0].name: np.array([image], np.float32)})[0][0]


def values_of(result: Any, index: int) -> list[float]:
    (output,) = result["outputs"][index].values()
    return [float(value) for value in output["values"]]


def test_the_adapter_is_found_by_its_entry_point_and_fits_the_protocol() -> None:
    assert isinstance(proof_system("ezkl"), ProofSystem)
    assert SYSTEM.describe().engine == "ezkl 23.0.5"


@pytest.mark.parametrize("digit", range(DIGITS_PROVEN))
def test_the_proof_says_what_the_model_says(
    proven_digits: ProvenRequest, digit_images: list[list[float]], digit: int
) -> None:
    expected = scores_of(DIGITS_MODEL, digit_images[digit])
    proven = values_of(proven_digits.result, digit)

    np.testing.assert_allclose(proven, expected, atol=TOLERANCE)
    assert int(np.argmax(proven)) == int(np.argmax(expected)) == digit


def test_every_proof_passes_its_own_job_check(
    digits_program: ProgramFiles, proven_digits: ProvenRequest, tmp_path: Path
) -> None:
    for part, job in zip(proven_digits.parts, proven_digits.request.jobs, strict=True):
        SYSTEM.verify_partial(digits_program, part.slice_index, job.facts, part.output, workdir=tmp_path)


def test_the_whole_verifies_with_nothing_but_the_verifying_files(
    digits_program: ProgramFiles, proven_digits: ProvenRequest, tmp_path: Path
) -> None:
    names = digits_program.program.verifying_files
    files = ProgramFiles(digits_program.program, {name: digits_program.path(name) for name in names})
    statement, result = (json.loads(json.dumps(x)) for x in (proven_digits.request.statement, proven_digits.result))

    said = SYSTEM.verify_whole(files, statement, result, proven_digits.parts, workdir=tmp_path)

    assert "every proof verifies (8)" in said
    assert "neighbouring proofs commit to the same tensor (6)" in said
    assert sum(files.path(name).stat().st_size for name in names) < 100_000


def test_statement_result_and_facts_are_canonical_json(proven_digits: ProvenRequest) -> None:
    canonical_json(dict(proven_digits.request.statement))
    canonical_json(dict(proven_digits.result))
    for job in proven_digits.request.jobs:
        canonical_json(dict(job.facts))


def test_all_slices_can_be_proven_at_once(proven_digits: ProvenRequest) -> None:
    assert len(proven_digits.request.jobs) == 4 * DIGITS_PROVEN
    assert all(job.depends_on == () for job in proven_digits.request.jobs)


def test_slices_compute_exactly_what_the_unsliced_model_computes(
    proven_digits: ProvenRequest, digit_images: list[list[float]], srs: Path, tmp_path: Path
) -> None:
    whole = build(DIGITS_MODEL, {**DIGITS_SETTINGS, "slices": 1}, srs=srs, workdir=tmp_path / "program")

    proven = prove_all(whole, digit_images[:1], cache=tmp_path / "cache", workdir=tmp_path)

    assert proven.result["outputs"][0] == proven_digits.result["outputs"][0]
    assert proven.result["links"] == []
    said = SYSTEM.verify_whole(whole, proven.request.statement, proven.result, proven.parts, workdir=tmp_path)
    assert "every proof verifies (1)" in said


@pytest.fixture(scope="session")
def committed_program(srs: Path, tmp_path_factory: pytest.TempPathFactory) -> ProgramFiles:
    """A small model in two slices whose input is only committed to."""
    folder = tmp_path_factory.mktemp("committed")
    settings = {"slices": 2, "input_visibility": "committed"}
    return build(save(an_mlp(6, 6, 3), folder / "model"), settings, srs=srs, workdir=folder)


def test_a_committed_input_is_proven_without_being_shown(
    committed_program: ProgramFiles, key_cache: Path, tmp_path: Path
) -> None:
    secret = [0.123, -0.5, 0.75, 0.25, -0.875, 0.0625]
    proven = prove_all(committed_program, [secret], cache=key_cache, workdir=tmp_path)
    statement, facts = proven.request.statement, proven.facts(0, 0)

    said = SYSTEM.verify_whole(committed_program, statement, proven.result, proven.parts, workdir=tmp_path)

    assert "the proofs are about the committed inputs of the statement (1)" in said
    assert statement["inputs"] == [{"x": {"commitment": facts["input_commitment"]}}]
    assert facts["public_input"] == []
    np.testing.assert_allclose(
        values_of(proven.result, 0), scores_of(committed_program.path("model"), secret), atol=0.1
    )

    other = SYSTEM.normalise(committed_program, [[0.5] * 6], workdir=tmp_path).statement
    with pytest.raises(BadProof, match="another input"):
        SYSTEM.verify_whole(committed_program, other, proven.result, proven.parts, workdir=tmp_path)


def test_a_proving_key_is_derived_once_whoever_else_is_at_it_or_died_at_it(
    committed_program: ProgramFiles, tmp_path: Path
) -> None:
    job = SYSTEM.normalise(committed_program, [[0.5] * 6], workdir=tmp_path).jobs[0]
    cache = tmp_path / "cache"
    cache.mkdir()
    key = committed_program.program.files["slice/0/vk"]
    (cache / f"{key}.part").write_bytes(b"left by a process that was killed")

    def prove(number: int) -> None:
        output = SYSTEM.run_job(
            committed_program, 0, job.input, cache=cache, workdir=tmp_path / str(number), report=ignore_progress
        )
        SYSTEM.verify_partial(committed_program, 0, job.facts, output, workdir=tmp_path / str(number))

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(prove, range(2)))

    assert [path.name for path in cache.glob("*.pk")] == [f"{key}.pk"]
    assert not list(cache.glob("*.part"))


def test_a_circuit_that_has_not_the_programs_key_is_not_proven(committed_program: ProgramFiles, tmp_path: Path) -> None:
    job = SYSTEM.normalise(committed_program, [[0.5] * 6], workdir=tmp_path).jobs[0]
    paths = {**committed_program.paths, "slice/0/compiled": committed_program.path("slice/1/compiled")}
    files = ProgramFiles(committed_program.program, paths)

    with pytest.raises(InvalidProgram, match="verifying key"):
        SYSTEM.run_job(files, 0, job.input, cache=tmp_path / "c", workdir=tmp_path, report=ignore_progress)

    assert not list((tmp_path / "c").glob("*.pk"))


def test_what_was_accepted_can_be_proven_and_what_leaves_the_range_cannot(
    committed_program: ProgramFiles, tmp_path: Path
) -> None:
    """With the files of a slice alone, as the gateway asks when a prover says that there is no proof."""
    program = committed_program.program
    for job in SYSTEM.normalise(committed_program, [[0.5] * 6], workdir=tmp_path).jobs:
        files = ProgramFiles(program, {n: committed_program.path(n) for n in program.slices[job.slice_index].files})
        assert SYSTEM.can_be_proven(files, job.slice_index, job.input, workdir=tmp_path / "w") is True
        beyond = json.dumps({"integers": [10**12 for _ in json.loads(job.input)["integers"]]}).encode()
        assert SYSTEM.can_be_proven(files, job.slice_index, beyond, workdir=tmp_path / "w") is not True
        assert SYSTEM.can_be_proven(files, job.slice_index, b"[]", workdir=tmp_path / "w") is None


@pytest.mark.parametrize("job_input", [b"", b"[]", b'{"integers": [true]}', b'{"integers": "12"}'])
def test_a_malformed_job_input_is_refused(committed_program: ProgramFiles, tmp_path: Path, job_input: bytes) -> None:
    with pytest.raises(InvalidInput):
        SYSTEM.run_job(committed_program, 0, job_input, cache=tmp_path, workdir=tmp_path, report=ignore_progress)


@pytest.mark.parametrize(
    ("inputs", "field"),
    [
        ([], "inputs"),
        ([[0.5] * 6] * 1025, "inputs"),
        ([[0.5] * 6, [0.5] * 5], "inputs[1]"),
        ([[0.5] * 6, [[0.5, 0.5, float("nan"), 0.5, 0.5, 0.5]]], "inputs[1][0][2]"),
        ([[0.5] * 6, [1e12] * 6], "inputs[1]"),
    ],
)
def test_inputs_that_do_not_fit_the_program_are_refused_by_name(
    committed_program: ProgramFiles, tmp_path: Path, inputs: list[Any], field: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        SYSTEM.normalise(committed_program, inputs, workdir=tmp_path)

    assert caught.value.field == field


def test_nothing_is_left_behind_by_a_refused_request(committed_program: ProgramFiles, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput):
        SYSTEM.normalise(committed_program, [[1e12] * 6], workdir=tmp_path / "work")

    assert not list((tmp_path / "work").iterdir())
    shutil.rmtree(tmp_path / "work")


@pytest.mark.thorough
def test_a_node_that_needs_more_rows_than_allowed_is_proven_in_more_columns(srs: Path, tmp_path: Path) -> None:
    model = save(an_mlp(80, 80, 4), tmp_path / "model")
    image = [((7 * place) % 13 - 6) / 6 for place in range(80)]

    files = build(model, {"slices": 2, "logrows_max": 11}, srs=srs, workdir=tmp_path / "build")
    proven = prove_all(files, [image], cache=tmp_path / "keys", workdir=tmp_path / "work")

    summary: Any = files.program.summary
    assert summary["logrows"] == 11
    assert max(part["rows"] for part in summary["slices"]) > 2**12
    np.testing.assert_allclose(values_of(proven.result, 0), scores_of(model, image), atol=TOLERANCE)
    said = SYSTEM.verify_whole(
        files, proven.request.statement, proven.result, proven.parts, workdir=tmp_path / "verify"
    )
    assert "every proof verifies (2)" in said
