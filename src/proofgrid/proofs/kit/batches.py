"""A request is a batch of inputs: how many there may be, and whether each of them is proven exactly once."""

from __future__ import annotations

from collections.abc import Sequence

from proofgrid.primitives.canonical import Json, canonical_json
from proofgrid.primitives.errors import BadProof, InvalidInput
from proofgrid.proofs.base import JobOutput, PartialProof

INPUTS_MAX = 1024


def check_count(inputs: Json) -> list[Json]:
    """Return a request's inputs; raise InvalidInput unless they are a list of 1 to 1024."""
    if not isinstance(inputs, list) or not 1 <= len(inputs) <= INPUTS_MAX:
        raise InvalidInput(f"1 to {INPUTS_MAX} inputs per request", field="inputs")
    return inputs


def arranged(parts: Sequence[PartialProof], *, inputs: int, slices: int) -> list[list[JobOutput]]:
    """Return the outputs by input and slice; raise BadProof unless each pair is there exactly once."""
    places = {(part.input_index, part.slice_index): part.output for part in parts}
    if len(places) != len(parts):
        raise BadProof("a slice of an input is proven twice")
    expected = {(index, position) for index in range(inputs) for position in range(slices)}
    if set(places) != expected:
        index, position = min(set(places) ^ expected)
        word = "missing" if (index, position) in expected else "not part of this request"
        raise BadProof(f"the proof of slice {position} of input {index} is {word}")
    return [[places[index, position] for position in range(slices)] for index in range(inputs)]


def same_json(given: object, expected: Json) -> bool:
    """Return whether two values have the same canonical JSON; what is no JSON equals nothing."""
    # Python finds True == 1 == 1.0; whoever reads the JSON elsewhere may not.
    try:
        return canonical_json(given) == canonical_json(expected)
    except (TypeError, ValueError, RecursionError):
        return False
