"""A short reference string commits as the whole one does, and a forward pass commits to every tensor once."""

from __future__ import annotations

import random
import struct
from pathlib import Path
from typing import Any

import ezkl
import pytest

from proofgrid.proofs.base import ProgramFiles
from proofgrid.proofs.systems.ezkl.circuits.srs import committing_srs
from proofgrid.proofs.systems.ezkl.felts import to_felt
from proofgrid.proofs.systems.ezkl.proving.forward import forward, try_forward
from tests.proofs.conftest import ProvenRequest


def commitment(files: ProgramFiles, integers: list[int], srs: Path) -> list[tuple[str, str]]:
    """Commit to a tensor, by the engine's own command for it."""
    felts = [to_felt(integer) for integer in integers]
    kzg_commit: Any = ezkl.kzg_commit
    vk, settings = (str(files.path(f"slice/1/{name}")) for name in ("vk", "settings"))
    return [(point.x, point.y) for point in kzg_commit(felts, vk, settings, str(srs))]


def circuit_logrows(files: ProgramFiles) -> int:
    with files.path("srs").open("rb") as file:
        return int(struct.unpack("<I", file.read(4))[0])


@pytest.mark.parametrize("elements", [1, 48, 63, 64, 65, 127, 128, 500])
def test_a_short_reference_string_commits_as_the_whole_one_does(
    digits_program: ProgramFiles, tmp_path: Path, elements: int
) -> None:
    chance = random.Random(elements)
    tensor = [chance.randrange(-(1 << 20), 1 << 20) for _ in range(elements)]
    whole = digits_program.path("srs")

    short = committing_srs(whole, logrows=circuit_logrows(digits_program), elements=elements, workdir=tmp_path)

    assert short.stat().st_size < whole.stat().st_size
    assert commitment(digits_program, tensor, short) == commitment(digits_program, tensor, whole)
    assert commitment(digits_program, [*tensor[:-1], tensor[-1] + 1], short) != commitment(
        digits_program, tensor, whole
    )


def test_a_reference_string_of_another_size_than_the_circuit_is_taken_whole(srs: Path, tmp_path: Path) -> None:
    larger = srs / "kzg13.srs"

    assert committing_srs(larger, logrows=12, elements=48, workdir=tmp_path) == larger
    assert committing_srs(larger, logrows=13, elements=48, workdir=tmp_path) != larger


def test_a_tensor_that_needs_most_rows_is_committed_to_with_the_whole_string(srs: Path, tmp_path: Path) -> None:
    whole = srs / "kzg12.srs"

    assert committing_srs(whole, logrows=12, elements=2_047, workdir=tmp_path) == whole
    assert committing_srs(whole, logrows=12, elements=1_000, workdir=tmp_path) != whole


def test_a_forward_pass_finds_what_every_slice_alone_commits_to(
    digits_program: ProgramFiles, proven_digits: ProvenRequest, tmp_path: Path
) -> None:
    statement: Any = proven_digits.request.statement
    inputs = [statement["inputs"][1]["image"]["integers"]]

    passes = try_forward(digits_program, inputs, workdir=tmp_path)  # raises unless both ways agree

    assert passes == forward(digits_program, inputs, workdir=tmp_path)
    ends = [(one.witness.input_commitment, one.witness.output_commitment) for one in passes]
    assert [end is None for pair in ends for end in pair] == [True, False, False, False, False, False, False, True]
    assert [left[1] for left in ends[:-1]] == [right[0] for right in ends[1:]]
    assert len({left[1] for left in ends[:-1]}) == 3
