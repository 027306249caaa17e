"""How jobs that take proofs are arranged, and what a gateway demands of a system that arranges them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofgrid.primitives.errors import BadProof, InvalidField, InvalidProgram
from proofgrid.proofs.base import JobDraft, JobOutput, NormalisedRequest, PartialProof, Program, SliceSpec
from proofgrid.proofs.kit.one_proof import check_one_proof, folded, parts_of, the_one

SLICE = SliceSpec(index=0, units=1, memory_bytes=1)
PROGRAM = Program(
    proof_system="toy", identity={}, files={}, verifying_files=(), slices=(SLICE,), wraps=(replace(SLICE, index=1),)
)


def a_request(*takes: tuple[int, ...], leaves: int) -> NormalisedRequest:
    jobs = [a_job(0, number, ()) for number in range(leaves)]
    jobs += [a_job(1, number, taken) for number, taken in enumerate(takes)]
    return NormalisedRequest(statement={}, jobs=tuple(jobs))


def a_job(slice_index: int, input_index: int, taken: tuple[int, ...]) -> JobDraft:
    return JobDraft(
        slice_index=slice_index,
        input_index=input_index,
        units=1,
        memory_bytes=1,
        depends_on=taken,
        input=b"",
        facts={},
    )


@given(leaves=st.integers(1, 200), arity=st.integers(2, 70))
def test_every_tree_is_one_that_gateways_take(leaves: int, arity: int) -> None:
    wraps = folded(leaves, arity)

    check_one_proof(PROGRAM, a_request(*wraps, leaves=leaves))
    assert all(1 <= len(taken) <= arity for taken in wraps)
    assert len(wraps) <= max(1, leaves - 1)


def test_neighbours_are_folded_and_a_single_one_is_wrapped_too() -> None:
    assert folded(1, 2) == [(0,)]
    assert folded(5, 2) == [(0, 1), (2, 3), (5, 6), (4, 7)]
    assert folded(5, 8) == [(0, 1, 2, 3, 4)]
    for leaves, arity in ((0, 2), (3, 1)):
        with pytest.raises(ValueError, match="a tree has"):
            folded(leaves, arity)


@pytest.mark.parametrize(
    ("takes", "leaves"),
    [
        ((), 2),  # nothing is wrapped
        (((0,),), 2),  # one is left over
        (((0, 1), (1, 2)), 3),  # one is taken twice
        (((0, 1), ()), 2),  # a wrap that takes nothing
        (((1, 0),), 2),  # not in their order
        (((0, 0, 1),), 2),
        (((0, 2),), 2),  # itself
        (((0, 3), (1,)), 2),  # one behind it
        (((0, -1),), 2),
        (((0,), (1,)), 2),  # two roots
    ],
)
def test_an_arrangement_that_is_no_tree_is_refused(takes: tuple[tuple[int, ...], ...], leaves: int) -> None:
    with pytest.raises(InvalidProgram) as caught:
        check_one_proof(PROGRAM, a_request(*takes, leaves=leaves))
    assert caught.value.field == "aggregate"


def test_a_place_that_is_taken_or_not_there_is_refused() -> None:
    fine = a_request((0, 1), leaves=2)
    for wrong in (
        replace(fine, jobs=(fine.jobs[0], fine.jobs[0], fine.jobs[2])),
        replace(fine, jobs=(fine.jobs[0], replace(fine.jobs[1], slice_index=2), fine.jobs[2])),
        replace(fine, jobs=(fine.jobs[0], replace(fine.jobs[1], slice_index=-1), fine.jobs[2])),
        replace(fine, jobs=(fine.jobs[0], replace(fine.jobs[1], slice_index=1), fine.jobs[2])),
        replace(fine, jobs=(*fine.jobs[:2], replace(fine.jobs[2], slice_index=0))),
        replace(fine, jobs=()),
    ):
        with pytest.raises(InvalidProgram):
            check_one_proof(PROGRAM, wrong)
    with pytest.raises(InvalidProgram):
        check_one_proof(replace(PROGRAM, wraps=()), fine)


def test_a_verifier_takes_one_proof_of_the_right_wrap_only() -> None:
    part = PartialProof(slice_index=1, input_index=0, output=JobOutput(proof=b"p", public={}))
    assert the_one([part], index=1) == part
    for parts in ([], [part, part], [replace(part, slice_index=0)]):
        with pytest.raises(BadProof):
            the_one(parts, index=1)


def test_what_a_wrap_took_is_read_strictly() -> None:
    fine: dict[str, Any] = {"slice": 0, "input": 3, "proof": "a" * 64, "public": {"end": 1}}
    [part] = parts_of({"parts": [fine]})
    assert (part.slice_index, part.input_index, part.proof, part.public) == (0, 3, "a" * 64, {"end": 1})
    wrong: Any
    for wrong in (7, [7], [{**fine, "proof": "x"}], [{**fine, "slice": -1}], [{**fine, "more": 1}]):
        with pytest.raises(InvalidField):
            parts_of({"parts": wrong})
