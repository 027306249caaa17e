"""A program crosses JSON whole; anything else is refused naming the field."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from proofgrid.primitives.digests import digest_of
from proofgrid.primitives.errors import InvalidField
from proofgrid.proofs.base import Program, SliceSpec
from proofgrid.proofs.manifest import program_from_json, program_to_json


def a_program() -> Program:
    return Program(
        proof_system="toy",
        identity={"circuit": digest_of(b"circuit"), "rounds": 3},
        files={"circuit": digest_of(b"circuit"), "cache": digest_of(b"cache")},
        verifying_files=("circuit",),
        slices=(
            SliceSpec(index=0, units=10, memory_bytes=1 << 20, files=("circuit", "cache")),
            SliceSpec(index=1, units=20, memory_bytes=2 << 20, depends_on=(0,), files=("circuit",)),
        ),
        summary={"shape": [1, 8, 8]},
    )


def test_a_program_comes_back_equal_from_json() -> None:
    program = a_program()

    again = program_from_json(json.loads(json.dumps(program_to_json(program))))

    assert again == program
    assert again.digest == program.digest


BREAKS: dict[str, Callable[[dict[str, Any]], None]] = {
    "program": lambda data: data.pop("summary"),
    "program.proof_system": lambda data: data.update(proof_system=""),
    "program.identity": lambda data: data.update(identity=[]),
    "program.files": lambda data: data["files"].update(circuit="abc"),
    "program.verifying_files": lambda data: data.update(verifying_files=["nowhere"]),
    "program.slices": lambda data: data.update(slices=[]),
    "program.slices[1].index": lambda data: data["slices"][1].update(index=7),
    "program.slices[0].units": lambda data: data["slices"][0].update(units=0),
    "program.slices[0].memory_bytes": lambda data: data["slices"][0].update(memory_bytes=1.5),
    "program.slices[1].depends_on": lambda data: data["slices"][1].update(depends_on=[1]),
    "program.slices[0].depends_on": lambda data: data["slices"][0].update(depends_on=[True]),
    "program.slices[1].files": lambda data: data["slices"][1].update(files=[7]),
}


@pytest.mark.parametrize("field", BREAKS)
def test_a_broken_program_is_refused_naming_the_field(field: str) -> None:
    data = copy.deepcopy(program_to_json(a_program()))
    BREAKS[field](data)

    with pytest.raises(InvalidField) as caught:
        program_from_json(data)

    assert caught.value.field == field
