"""Every way to cheat that we could think of, with real proofs. `partial`: what the gateway checks before it pays;
`whole`: what anybody checks from public data, without the gateway's facts.
"""

from __future__ import annotations

import copy
import secrets
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proofgrid.primitives.errors import BadProof, BrokenLink
from proofgrid.proofs.base import JobOutput, PartialProof, ProgramFiles
from tests.proofs.conftest import DIGITS_MODEL, DIGITS_SETTINGS, SYSTEM, ProvenRequest, build, prove_all
from tests.proofs.systems.ezkl.models import an_mlp, renamed, save

LAST = 3
REPEATABLE = settings(
    max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def with_output(parts: list[PartialProof], position: int, output: JobOutput) -> list[PartialProof]:
    """Return the parts with one output exchanged."""
    changed = list(parts)
    changed[position] = replace(parts[position], output=output)
    return changed


def check_whole(
    files: ProgramFiles,
    proven: ProvenRequest,
    workdir: Path,
    *,
    parts: list[PartialProof] | None = None,
    result: Mapping[str, Any] | None = None,
    statement: Mapping[str, Any] | None = None,
) -> list[str]:
    return SYSTEM.verify_whole(
        files, statement or proven.request.statement, result or proven.result, parts or proven.parts, workdir=workdir
    )


def check_partial(
    files: ProgramFiles, proven: ProvenRequest, output: JobOutput, workdir: Path, *, position: int
) -> None:
    job = proven.request.jobs[position]
    SYSTEM.verify_partial(files, job.slice_index, job.facts, output, workdir=workdir)


# --- a changed output ---------------------------------------------------------------------------------


def test_a_changed_output_is_refused(
    digits_program: ProgramFiles, proven_digits: ProvenRequest, tmp_path: Path
) -> None:
    position = proven_digits.position(0, LAST)
    honest = proven_digits.part(0, LAST).output
    claimed: Any = honest.public["outputs"]
    outputs = list(claimed)
    outputs[3] += 1
    forged = replace(honest, public={"outputs": outputs})
    parts = with_output(proven_digits.parts, position, forged)

    with pytest.raises(BadProof, match="not what the program computes"):
        check_partial(digits_program, proven_digits, forged, tmp_path, position=position)
    # The cheat who forges the result as well is caught by the proof itself.
    result = SYSTEM.combine(digits_program, proven_digits.request.statement, parts, workdir=tmp_path)
    with pytest.raises(BadProof, match="slice 3 does not verify"):
        check_whole(digits_program, proven_digits, tmp_path, parts=parts, result=result)
    with pytest.raises(BadProof, match="not those of the result"):
        check_whole(digits_program, proven_digits, tmp_path, parts=parts)


@pytest.mark.parametrize("public", [{}, {"outputs": None}, {"outputs": [1]}, {"outputs": ["1"] * 10}, {"more": [1]}])
def test_outputs_that_are_missing_or_malformed_are_refused(
    digits_program: ProgramFiles, proven_digits: ProvenRequest, tmp_path: Path, public: Mapping[str, Any]
) -> None:
    forged = replace(proven_digits.part(0, LAST).output, public=public)
    position = proven_digits.position(0, LAST)

    with pytest.raises(BadProof):
        check_partial(digits_program, proven_digits, forged, tmp_path, position=position)
    with pytest.raises(BadProof):
        check_whole(digits_program, proven_digits, tmp_path, parts=with_output(proven_digits.parts, position, forged))


def test_a_claim_that_a_middle_slice_has_no_right_to_make_is_refused(
    digits_program: ProgramFiles, proven_digits: ProvenRequest, tmp_path: Path
) -> None:
    forged = replace(proven_digits.part(0, 1).output, public={"outputs": [1, 2]})
    position = proven_digits.position(0, 1)

    with pytest.raises(BadProof, match="not what the program computes"):
        check_partial(digits_program, proven_digits, forged, tmp_path, position=position)
    with pytest.raises(BadProof, match="not those of the result"):
        check_whole(digits_program, proven_digits, tmp_path, parts=with_output(proven_digits.parts, position, forged))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("outputs", 0, "scores", "values", 0), "99"),
        (("outputs", 0, "scores", "scale"), 6),
        (("outputs", 0, "scores", "shape"), [10]),
        (("links", 0, "commitment"), "00" * 64),
        (("links", 0, "to_slice"), True),
        (("format",), 1.0),
    ],
)
def test_an_edited_result_is_refused(
    digits_program: ProgramFiles,
    proven_digits: ProvenRequest,
    tmp_path: Path,
    path: tuple[str | int, ...],
    value: Any,
) -> None:
    with pytest.raises(BadProof, match="not those of the proofs"):
        check_whole(digits_program, proven_digits, tmp_path, result=edited(proven_digits.result, path, value))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("inputs", 0, "image", "values", 20), "0.1"),
        (("inputs", 0, "image", "integers", 20), 1),
        (("inputs", 0, "image", "values", 20), "1e999999999"),
        (("inputs", 0, "image", "values", 20), 0.5),
        (("inputs", 0, "image", "values"), []),
        (("inputs", 0, "image", "note"), "looks like a 7"),
        (("inputs",), []),
        (("format",), 1),
        (("inputs", 0, "image"), {"commitment": "00" * 64}),
        (("hint",), "trust me"),
    ],
)
def test_an_edited_statement_is_refused(
    digits_program: ProgramFiles,
    proven_digits: ProvenRequest,
    tmp_path: Path,
    path: tuple[str | int, ...],
    value: Any,
) -> None:
    with pytest.raises(BadProof):
        check_whole(
            digits_program, proven_digits, tmp_path, statement=edited(proven_digits.request.statement, path, value)
        )


def test_an_input_that_was_exchanged_consistently_is_refused_by_the_proof(
    digits_program: ProgramFiles, proven_digits: ProvenRequest, tmp_path: Path
) -> None:
    statement: Any = copy.deepcopy(dict(proven_digits.request.statement))
    statement["inputs"][0] = statement["inputs"][1]

    with pytest.raises(BadProof, match="slice 0 does not verify"):
        check_whole(digits_program, proven_digits, tmp_path, statement=statement)


def edited(value: Mapping[str, Any], path: tuple[str | int, ...], new: Any) -> dict[str, Any]:
    changed: Any = copy.deepcopy(dict(value))
    place = changed
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = new
    return dict(changed)


# --- a proof of something else ------------------------------------------------------------------------


@pytest.mark.parametrize("slice_index", range(4))
def test_a_proof_of_another_input_is_refused(
    digits_program: ProgramFiles, proven_digits: ProvenRequest, tmp_path: Path, slice_index: int
) -> None:
    other = proven_digits.part(1, slice_index).output

    with pytest.raises(BadProof):
        check_partial(digits_program, proven_digits, other, tmp_path, position=proven_digits.position(0, slice_index))


@pytest.mark.parametrize("slice_index", [1, 2])
def test_a_slice_swapped_with_that_of_another_input_breaks_the_link(
    digits_program: ProgramFiles, proven_digits: ProvenRequest, tmp_path: Path, slice_index: int
) -> None:
    one, other = proven_digits.position(0, slice_index), proven_digits.position(1, slice_index)
    parts = with_output(proven_digits.parts, one, proven_digits.parts[other].output)
    swapped = with_output(parts, other, proven_digits.parts[one].output)
    result = SYSTEM.combine(digits_program, proven_digits.request.statement, swapped, workdir=tmp_path)

    with pytest.raises(BrokenLink, match="another tensor") as caught:
        check_whole(digits_program, proven_digits, tmp_path, parts=swapped, result=result)

    assert caught.value.field == f"links[0][{slice_index - 1}]"


def test_a_last_slice_of_another_input_with_its_outputs_breaks_the_link(
    digits_program: ProgramFiles, proven_digits: ProvenRequest, tmp_path: Path
) -> None:
    position = proven_digits.position(0, LAST)
    parts = with_output(proven_digits.parts, position, proven_digits.part(1, LAST).output)
    result = SYSTEM.combine(digits_program, proven_digits.request.statement, parts, workdir=tmp_path)

    with pytest.raises(BrokenLink):
        check_whole(digits_program, proven_digits, tmp_path, parts=parts, result=result)


def test_a_head_that_was_copied_over_from_the_neighbour_is_refused(
    digits_program: ProgramFiles, proven_digits: ProvenRequest, tmp_path: Path
) -> None:
    """Making the link fit by pasting the commitment breaks the proof under it."""
    wanted, other = proven_digits.part(0, 1).output.proof, proven_digits.part(1, 1).output
    pasted = replace(other, proof=wanted[:128] + other.proof[128:])
    position = proven_digits.position(0, 1)
    parts = with_output(proven_digits.parts, position, pasted)

    with pytest.raises(BadProof, match="does not verify"):
        check_partial(digits_program, proven_digits, pasted, tmp_path, position=position)
    with pytest.raises(BadProof, match="does not verify"):
        check_whole(digits_program, proven_digits, tmp_path, parts=parts)


def test_a_proof_of_another_model_is_refused(
    digits_program: ProgramFiles, srs: Path, key_cache: Path, tmp_path: Path
) -> None:
    """Same names and shapes, other weights: all the facts are those of the impostor, only the verifying key is ours."""
    model = save(renamed(an_mlp(64, 48, 32, 24, 10), x="image", y="scores"), tmp_path / "model")
    impostor = build(model, DIGITS_SETTINGS, srs=srs, workdir=tmp_path / "program")
    proven = prove_all(impostor, [[0.25] * 64], cache=key_cache, workdir=tmp_path)
    check_whole(impostor, proven, tmp_path)

    identities: Any = [files.program.identity for files in (digits_program, impostor)]
    ours, theirs = (identity["slices"] for identity in identities)
    weighty = [index for index in range(4) if ours[index]["vk"] != theirs[index]["vk"]]
    assert len(weighty) >= 3  # a slice of nothing but a Relu is the same circuit in every model
    for position in weighty:
        with pytest.raises(BadProof, match="does not verify"):
            check_partial(digits_program, proven, proven.parts[position].output, tmp_path, position=position)
    with pytest.raises(BadProof, match="does not verify"):
        check_whole(digits_program, proven, tmp_path)


def test_a_proof_of_another_slice_is_refused(
    digits_program: ProgramFiles, proven_digits: ProvenRequest, tmp_path: Path
) -> None:
    other = proven_digits.part(0, 2).output

    with pytest.raises(BadProof):
        check_partial(digits_program, proven_digits, other, tmp_path, position=proven_digits.position(0, 1))


@pytest.mark.parametrize("change", ["missing", "twice", "foreign"])
def test_every_slice_of_every_input_is_there_exactly_once(
    digits_program: ProgramFiles, proven_digits: ProvenRequest, tmp_path: Path, change: str
) -> None:
    parts = list(proven_digits.parts)
    if change == "missing":
        parts.pop()
    elif change == "twice":
        parts.append(parts[0])
    else:
        parts.append(replace(parts[0], input_index=5))

    with pytest.raises(BadProof, match=r"missing|twice|not part of this request"):
        check_whole(digits_program, proven_digits, tmp_path, parts=parts)
    with pytest.raises(BadProof, match=r"missing|twice|not part of this request"):
        SYSTEM.combine(digits_program, proven_digits.request.statement, parts, workdir=tmp_path)


# --- damaged bytes ------------------------------------------------------------------------------------


@REPEATABLE
@given(data=st.data())
def test_a_proof_with_one_flipped_bit_is_refused(
    digits_program: ProgramFiles, proven_digits: ProvenRequest, tmp_path: Path, data: st.DataObject
) -> None:
    position = data.draw(st.integers(0, 3))
    honest = proven_digits.parts[position].output
    bit = data.draw(st.integers(0, 8 * len(honest.proof) - 1))
    damaged = bytearray(honest.proof)
    damaged[bit // 8] ^= 1 << bit % 8

    with pytest.raises(BadProof):
        check_partial(digits_program, proven_digits, replace(honest, proof=bytes(damaged)), tmp_path, position=position)


@REPEATABLE
@given(data=st.data())
def test_a_truncated_proof_is_refused(
    digits_program: ProgramFiles, proven_digits: ProvenRequest, tmp_path: Path, data: st.DataObject
) -> None:
    position = data.draw(st.integers(0, 3))
    honest = proven_digits.parts[position].output
    length = data.draw(st.integers(0, len(honest.proof) - 1))
    cut = replace(honest, proof=honest.proof[:length])

    with pytest.raises(BadProof):
        check_partial(digits_program, proven_digits, cut, tmp_path, position=position)


@pytest.mark.parametrize("tail", [b"\x00", b"junk", bytes(64)])
@pytest.mark.parametrize("length_is_known", [False, True])
def test_bytes_after_a_proof_are_refused_although_the_engine_would_not_mind(
    digits_program: ProgramFiles,
    proven_digits: ProvenRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    tail: bytes,
    length_is_known: bool,
) -> None:
    monkeypatch.setattr("proofgrid.proofs.systems.ezkl.proving.verify._proof_lengths", {})
    honest = proven_digits.parts[0].output
    if length_is_known:
        check_partial(digits_program, proven_digits, honest, tmp_path, position=0)

    with pytest.raises(BadProof, match="bytes"):
        check_partial(digits_program, proven_digits, replace(honest, proof=honest.proof + tail), tmp_path, position=0)

    check_partial(digits_program, proven_digits, honest, tmp_path, position=0)


@pytest.mark.parametrize("slice_index", range(4))
def test_garbage_instead_of_a_proof_is_refused(
    digits_program: ProgramFiles, proven_digits: ProvenRequest, tmp_path: Path, slice_index: int
) -> None:
    honest = proven_digits.part(0, slice_index).output
    head = honest.proof[:128]  # the right commitments: the cheat may know them
    position = proven_digits.position(0, slice_index)

    for garbage in (b"", b"done", head, head + bytes(len(honest.proof)), head + secrets.token_bytes(len(honest.proof))):
        with pytest.raises(BadProof):
            check_partial(digits_program, proven_digits, replace(honest, proof=garbage), tmp_path, position=position)


# --- forged trust -------------------------------------------------------------------------------------


def test_a_forged_reference_string_is_refused(
    digits_program: ProgramFiles, proven_digits: ProvenRequest, srs: Path, tmp_path: Path
) -> None:
    """Who chooses tau can forge every proof: the verifier's part of the reference string is pinned by the digest."""
    forged = tmp_path / "srs.verifier"
    content = bytearray(digits_program.path("srs.verifier").read_bytes())
    content[-128:] = (srs / "kzg13.srs").read_bytes()[-128:]  # another ceremony's g2 * tau
    forged.write_bytes(content)
    files = ProgramFiles(digits_program.program, {**digits_program.paths, "srs.verifier": forged})

    with pytest.raises(BadProof, match=r"srs\.verifier") as caught:
        check_whole(files, proven_digits, tmp_path)
    assert caught.value.field == "program.files.srs.verifier"
    with pytest.raises(BadProof, match="does not verify"):  # and the honest proofs are not of that ceremony
        check_partial(files, proven_digits, proven_digits.parts[0].output, tmp_path, position=0)


def test_a_wrong_verifying_key_is_refused(
    digits_program: ProgramFiles, proven_digits: ProvenRequest, tmp_path: Path
) -> None:
    paths = {**digits_program.paths, "slice/1/vk": digits_program.path("slice/2/vk")}
    files = ProgramFiles(digits_program.program, paths)

    with pytest.raises(BadProof, match="slice/1/vk"):
        check_whole(files, proven_digits, tmp_path)
    with pytest.raises(BadProof, match="does not verify"):
        check_partial(files, proven_digits, proven_digits.parts[1].output, tmp_path, position=1)


def test_a_missing_verifying_file_is_noticed(
    digits_program: ProgramFiles, proven_digits: ProvenRequest, tmp_path: Path
) -> None:
    paths = {name: path for name, path in digits_program.paths.items() if name != "slice/3/settings"}

    with pytest.raises(BadProof, match="slice/3/settings"):
        check_whole(ProgramFiles(digits_program.program, paths), proven_digits, tmp_path)


def test_the_honest_whole_is_accepted(
    digits_program: ProgramFiles, proven_digits: ProvenRequest, tmp_path: Path
) -> None:
    assert DIGITS_MODEL.exists()
    assert check_whole(digits_program, proven_digits, tmp_path)
