"""What public values are called where they are linked to other programs: public parameters by name, and `returned`.

Each is the list of field elements that it is made of.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import BadProof, InvalidInput, InvalidProgram
from proofgrid.proofs.base import Program
from proofgrid.proofs.kit.naming import NamesInputsAndOutputs, split_by_name
from proofgrid.proofs.systems.noir import abi

RETURNED = "returned"


class NamesParameters(NamesInputsAndOutputs):
    """The part of NamesValues that is about Noir's types."""

    def input_names(self, program: Program) -> Mapping[str, int]:
        """Return the public parameters, each with the number of its field elements."""
        return {name: kind.count for name, kind in signature_of(program).public.types.items()}

    def output_names(self, program: Program) -> Mapping[str, int]:
        """Return `returned`, or `_returned` where a parameter is called so, or nothing where nothing is returned."""
        signature = signature_of(program)
        name = RETURNED if RETURNED not in signature.public.types else f"_{RETURNED}"
        return {name: signature.returned_count} if signature.returned_count else {}

    def integers_of(self, program: Program, shown: Json, output: Json) -> Mapping[str, Sequence[int]]:
        """Return the field elements by name."""
        return split_by_name(self.public_names(program), public_elements(program, shown, output))

    def with_values(self, program: Program, value: Json, name: str, values: Sequence[int]) -> Json:
        """Return an input in which a public parameter is made of these field elements."""
        if not isinstance(value, Mapping):
            raise InvalidInput("an input is an object: parameter -> value")
        if name in value:
            raise InvalidInput("a link gives this parameter its value: leave it out", field=name)
        try:
            return {**value, name: abi.told(signature_of(program).public.types[name], values)}
        except InvalidInput as reason:
            raise InvalidInput(f"what a link gives it does not fit: {reason.detail}", field=name) from None


def signature_of(program: Program) -> abi.Signature:
    """Return what a program takes and returns, as its identity says; raise InvalidProgram when that is malformed."""
    identity = program.identity
    return abi.signature_of({"parameters": identity.get("parameters"), "return_type": identity.get("returns")})


def public_elements(program: Program, shown: Json, claimed: Json) -> list[int]:
    """Return what is public as a verifier takes it; raise BadProof unless it is in its one spelling."""
    try:
        signature = signature_of(program)
        return abi.exactly(signature.public, shown, "shown") + signature.output_elements(claimed)
    except (InvalidInput, InvalidProgram) as reason:
        raise BadProof(f"the public values are not those of the program: {reason.field}: {reason.detail}") from None
