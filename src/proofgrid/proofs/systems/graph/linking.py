"""Public values of one node that are inputs of another: looked at when a graph is built, filled in, and compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import BadProof, BrokenLink, InvalidInput, InvalidProgram, InvalidRequest
from proofgrid.proofs.base import NormalisedRequest, Program
from proofgrid.proofs.offers import NamesValues
from proofgrid.proofs.registry import proof_system
from proofgrid.proofs.systems.graph.members import Member, links_of, members_of
from proofgrid.proofs.systems.graph.plan import Link

#: Of each input of a batch what is public, by name.
Values = Sequence[Mapping[str, Sequence[int]]]


def check_link(link: Link, members: Sequence[Member], *, field: str) -> None:
    """Raise InvalidProgram unless a link is of two public values of one size."""
    by_name = {member.name: member.program for member in members}
    source, target = by_name[link.node], by_name[link.to_node]
    shown = _public_names(source, link.node, field=f"{field}.from")
    fillable = _naming(target, link.to_node, field=f"{field}.to").input_names(target)
    if link.value not in shown:
        known = ", ".join(sorted(shown)) or "nothing"
        raise InvalidProgram(f"{link.node} shows no {link.value!r}", field=f"{field}.from", hint=f"it shows {known}")
    if link.to_value not in fillable:
        known = ", ".join(sorted(fillable)) or "none"
        raise InvalidProgram(
            f"{link.to_node} has no public input {link.to_value!r}", field=f"{field}.to", hint=f"its are {known}"
        )
    size = shown[link.value]
    if link.place is not None and link.place >= size:
        raise InvalidProgram(f"{link.node}.{link.value} has {size} integers", field=f"{field}.from")
    taken = size if link.place is None else 1
    if taken != fillable[link.to_value]:
        raise InvalidProgram(
            f"{link.source} has {taken} integers, {link.target} has {fillable[link.to_value]}", field=field
        )


def _public_names(program: Program, node: str, *, field: str) -> Mapping[str, int]:
    return _naming(program, node, field=field).public_names(program)


def _naming(program: Program, node: str, *, field: str) -> NamesValues:
    system = proof_system(program.proof_system)
    if not isinstance(system, NamesValues):
        raise InvalidProgram(f"values of {program.proof_system}, which proves {node}, cannot be linked", field=field)
    return system


def filled(member: Member, values: list[Json], links: Sequence[Link], shown: Mapping[str, Values | None]) -> list[Json]:
    """Return a node's inputs with what the links from earlier nodes say."""
    inputs = list(values)
    for link in links:
        known = shown[link.node]
        if known is None:
            raise InvalidInput(
                f"what {link.source} will be is known only when it is proven, and {link.target} needs it before",
                field=f"inputs[0].{link.node}",
            )
        naming = _naming(member.program, member.name, field="program_digest")
        for index, value in enumerate(inputs):
            taken = link.taken(known[index][link.value])
            try:
                inputs[index] = naming.with_values(member.program, value, link.to_value, taken)
            except InvalidRequest as reason:
                where = f"inputs[{index}].{member.name}"
                field = f"{where}.{reason.field}" if reason.field else where
                raise InvalidInput(reason.detail, field=field, hint=reason.hint) from None
    return inputs


def foreseen(program: Program, request: NormalisedRequest) -> Values | None:
    """Return the public values of a node before it is proven; None where only its proofs will tell."""
    system = proof_system(program.proof_system)
    if not isinstance(system, NamesValues):
        return None
    result = system.foreseen(program, request)
    return None if result is None else system.public_values(program, request.statement, result)


def check_links(
    program: Program, statement: Mapping[str, Mapping[str, Json]], results: Mapping[str, Mapping[str, Json]]
) -> int:
    """Raise BrokenLink unless all that is linked is equal; return how many equal pairs there are."""
    members = {member.name: member.program for member in members_of(program)}
    values: dict[str, Values] = {}
    count = 0
    for link in links_of(program):
        for name in (link.node, link.to_node):
            if name not in members:
                raise BadProof("a link is of no node", field="program.identity.links")
            if name not in values:
                naming = _naming_of_proven(members[name])
                values[name] = naming.public_values(members[name], statement[name], results[name])
        if len(values[link.node]) != len(values[link.to_node]):
            raise BrokenLink(f"{link.node} and {link.to_node} are of different batches", field="statement")
        for index, (one, other) in enumerate(zip(values[link.node], values[link.to_node], strict=True)):
            if link.value not in one or link.to_value not in other:
                raise BrokenLink(f"{link.source} = {link.target}: one of them is not public", field="statement")
            if link.taken(one[link.value]) != tuple(other[link.to_value]):
                raise BrokenLink(f"{link.source} is not {link.target} in input {index}", field=f"result[{index}]")
            count += 1
    return count


def _naming_of_proven(program: Program) -> NamesValues:
    system = proof_system(program.proof_system)
    if not isinstance(system, NamesValues):
        raise BadProof("a link is of a system that names no values", field="program.identity.links")
    return system
