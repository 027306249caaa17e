"""What other systems call their public values, without their engines: types and stacks to integers, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import BadProof, InvalidInput
from proofgrid.proofs.base import JobDraft, NormalisedRequest, Program, SliceSpec
from proofgrid.proofs.systems.miden.naming import NamesStacks
from proofgrid.proofs.systems.noir.naming import NamesParameters

U8 = {"kind": "integer", "sign": "unsigned", "width": 8}


def a_program(**identity: Json) -> Program:
    spec = SliceSpec(index=0, units=1, memory_bytes=1)
    return Program(proof_system="any", identity=identity, files={}, verifying_files=(), slices=(spec,))


def noir(returns: str | None, **parameters: Any) -> Program:
    entries: list[Json] = [{"name": name, "type": kind, "visibility": "public"} for name, kind in parameters.items()]
    hidden: Json = {"name": "secret", "type": {"kind": "field"}, "visibility": "private"}
    returned: Json = None if returns is None else {"abi_type": {"kind": returns}, "visibility": "public"}
    return a_program(parameters=[hidden, *entries], returns=returned)


PROGRAM = noir("field", root={"kind": "field"}, pair={"kind": "array", "length": 2, "type": U8})


def test_public_parameters_and_what_is_returned_have_names_and_sizes() -> None:
    assert NamesParameters().input_names(PROGRAM) == {"root": 1, "pair": 2}
    assert NamesParameters().public_names(PROGRAM) == {"root": 1, "pair": 2, "returned": 1}
    assert NamesParameters().output_names(noir(None, root=U8)) == {}
    assert NamesParameters().output_names(noir("field", returned=U8)) == {"_returned": 1}


def test_values_are_their_field_elements() -> None:
    values = NamesParameters().integers_of(PROGRAM, {"root": "7", "pair": [1, 255]}, "9")

    assert values == {"root": (7,), "pair": (1, 255), "returned": (9,)}
    wrongs: list[Json] = [{"root": "07", "pair": [1, 2]}, {"root": "7"}, None]
    for wrong in wrongs:
        with pytest.raises(BadProof):
            NamesParameters().integers_of(PROGRAM, wrong, "9")


def test_a_link_fills_a_parameter_in_its_one_spelling_or_says_why_not() -> None:
    names = NamesParameters()

    assert names.with_values(PROGRAM, {"secret": 1}, "root", [7]) == {"secret": 1, "root": "7"}
    assert names.with_values(PROGRAM, {}, "pair", [1, 2]) == {"pair": [1, 2]}
    for value, name, integers in (({"root": 1}, "root", [7]), ({}, "pair", [1, 256]), (7, "root", [7])):
        with pytest.raises(InvalidInput):
            names.with_values(PROGRAM, value, name, integers)


def test_places_of_a_stack_are_filled_where_nothing_stands() -> None:
    names, program = NamesStacks(), a_program()

    assert names.with_values(program, {"advice": [1]}, "stack_2", [7]) == {"advice": [1], "stack": [0, 0, "7"]}
    assert names.with_values(program, {"stack": ["5", "0"]}, "stack_1", [7]) == {"stack": ["5", "7"]}
    for value in ({"stack": [1]}, {"stack": 1}, 1):
        with pytest.raises(InvalidInput):
            names.with_values(program, value, "stack_0", [7])


def test_both_stacks_are_named_place_by_place() -> None:
    before, after = ([str(number) for number in range(start, start + 16)] for start in (0, 100))
    values = NamesStacks().integers_of(a_program(), before, after)

    assert (values["stack_15"], values["left_0"]) == ((15,), (100,))
    assert set(values) == set(NamesStacks().public_names(a_program()))
    for wrong in ([*before[:-1], "015"], before[:-1], None):
        with pytest.raises(BadProof):
            NamesStacks().integers_of(a_program(), wrong, after)


@pytest.mark.parametrize(("output", "known"), [("7", True), (None, False)])
def test_outputs_are_foreseen_where_execution_tells_them(output: Json, known: bool) -> None:
    facts: Mapping[str, Json] = {"shown": [], "output": output}
    job = JobDraft(slice_index=0, input_index=0, units=1, memory_bytes=1, depends_on=(), input=b"", facts=facts)
    request = NormalisedRequest(statement={}, jobs=(job,))

    assert NamesStacks().foreseen(a_program(), request) == ({"outputs": [output]} if known else None)
