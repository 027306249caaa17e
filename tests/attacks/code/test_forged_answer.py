"""A worker that was taken over answers with a pickle that runs code in the gateway: nothing of it is run."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest

from proofgrid.primitives.errors import BadProof, JobCrashed
from proofgrid.proofs.base import JobOutput
from proofgrid.proofs.pool.answers import read_answer


class Runs:
    """Calls something when it is read."""

    def __init__(self, function: object, *args: object) -> None:
        self._call = (function, args)

    def __reduce__(self) -> tuple[object, ...]:
        return self._call


@pytest.mark.parametrize("function", [os.system, eval, exec, getattr, print, pickle.loads])
def test_no_call_comes_out_of_it(function: object, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    forged = pickle.dumps(Runs(function, f"touch {trace}"))

    with pytest.raises(JobCrashed):
        read_answer(forged)

    assert not trace.exists()


def test_functions_and_attributes_of_ours_are_no_values_either() -> None:
    from proofgrid.proofs.workers import check_program

    for forged in (pickle.dumps(check_program), b"cproofgrid.primitives.errors\nProofgridError.__init__\n."):
        with pytest.raises(JobCrashed):
            read_answer(forged)


@pytest.mark.parametrize("forged", [b"", b"\x80\x05", b"garbage", b"\x80\x05]\x94" + b"]" * 10])
def test_what_is_no_pickle_is_a_crash_of_the_worker(forged: bytes) -> None:
    with pytest.raises(JobCrashed):
        read_answer(forged)


def test_what_honest_workers_answer_is_read() -> None:
    output = JobOutput(proof=b"proof", public={"a": [1, None, True, "x"]})
    for value in (output, [(1, 2.5), {"x": frozenset({1})}], Path("/somewhere")):
        assert read_answer(pickle.dumps(value)) == value
    error = read_answer(pickle.dumps(BadProof("no", field="proof")))
    assert isinstance(error, BadProof)
    assert (error.detail, error.field) == ("no", "proof")
