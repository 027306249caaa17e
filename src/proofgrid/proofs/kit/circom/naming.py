"""What a circuit's public signals are called, where they are linked to other programs' values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import BadProof, InvalidInput
from proofgrid.proofs.base import Program
from proofgrid.proofs.kit.circom.curves import Curve
from proofgrid.proofs.kit.circom.signals import is_element
from proofgrid.proofs.kit.naming import split_by_name

#: What all outputs, or all public inputs, of a circuit without a table of symbols are called together.
ALL_OUTPUTS, ALL_INPUTS = "outputs", "public_inputs"


def names_of(program: Program, kind: str) -> dict[str, int]:
    """Return the public signals of a `kind`, "outputs" or "public_inputs": name -> how many values it has."""
    identity = program.identity
    names = identity.get("names")
    if not isinstance(names, Mapping):
        count = identity.get(kind)
        return {kind: count} if type(count) is int and count > 0 else {}
    said = names.get(kind)
    named: dict[str, int] = {}
    for one in said if isinstance(said, list) else ():
        if not isinstance(one, Mapping) or not isinstance(one.get("name"), str) or type(one.get("size")) is not int:
            raise BadProof("the program's identity is malformed", field="program.identity.names")
        named[str(one["name"])] = int(str(one["size"]))
    return named


def integers_in(program: Program, curve: Curve, shown: Json, output: Json) -> dict[str, tuple[int, ...]]:
    """Return the public signals' values by name; raise BadProof when they are not those of the circuit."""
    found: dict[str, tuple[int, ...]] = {}
    for kind, values in ((ALL_INPUTS, shown), (ALL_OUTPUTS, output)):
        if not isinstance(values, list) or not all(is_element(value, curve) for value in values):
            raise BadProof("the public values are not those of the circuit, in decimal")
        found |= split_by_name(names_of(program, kind), [int(str(value)) for value in values])
    return found


def with_signal(value: Json, name: str, values: Sequence[int]) -> Json:
    """Return an input in which a signal has these values; raise InvalidInput when it has some already."""
    if not isinstance(value, Mapping):
        raise InvalidInput("an input is an object: signal name -> value or list of values")
    if name in value:
        raise InvalidInput("a link gives this signal its value: leave it out", field=name)
    texts: list[Json] = [str(one) for one in values]
    return {**value, name: texts[0] if len(texts) == 1 else texts}
