"""What the places of a stack are called where they are linked to other programs; 0 is the top.

`stack_0` and on stand before the first step, `left_0` and on after the last.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import BadProof, InvalidInput
from proofgrid.proofs.base import Program
from proofgrid.proofs.kit.naming import NamesInputsAndOutputs, split_by_name
from proofgrid.proofs.systems.miden.elements import STACK_SIZE, is_stack

_BEFORE = {f"stack_{place}": 1 for place in range(STACK_SIZE)}
_AFTER = {f"left_{place}": 1 for place in range(STACK_SIZE)}


class NamesStacks(NamesInputsAndOutputs):
    """The part of NamesValues that is about stacks."""

    def input_names(self, program: Program) -> Mapping[str, int]:
        """Return the places of the stack that the first step begins with."""
        return _BEFORE

    def output_names(self, program: Program) -> Mapping[str, int]:
        """Return the places of the stack that the last step leaves."""
        return _AFTER

    def integers_of(self, program: Program, shown: Json, output: Json) -> Mapping[str, Sequence[int]]:
        """Return the elements of both stacks."""
        if not is_stack(shown) or not is_stack(output):
            raise BadProof("a stack is 16 elements in decimal, as texts")
        assert isinstance(shown, list)  # noqa: S101 - looked at above
        assert isinstance(output, list)  # noqa: S101
        return split_by_name({**_BEFORE, **_AFTER}, [int(str(one)) for one in (*shown, *output)])

    def with_values(self, program: Program, value: Json, name: str, values: Sequence[int]) -> Json:
        """Return an input in which a place of the stack holds this element; before there was 0, or nothing."""
        given = value.get("stack", []) if isinstance(value, Mapping) else None
        if not isinstance(value, Mapping) or not isinstance(given, list):
            raise InvalidInput('an input is an object: {"stack": [...], "advice": [...]}')
        place = list(_BEFORE).index(name)
        stack: list[Json] = [*given, *[0] * (place + 1 - len(given))]
        if stack[place] not in (0, "0"):
            raise InvalidInput("a link gives this place its element: write 0", field=f"stack[{place}]")
        stack[place] = str(values[0])
        return {**value, "stack": stack}
