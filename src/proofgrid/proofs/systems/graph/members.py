"""A graph's program is the programs of its nodes under one identity: here it is put together and taken apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import BadProof, InvalidField, InvalidRequest
from proofgrid.proofs.base import Program, ProgramFiles, SliceSpec
from proofgrid.proofs.systems.graph.plan import Graph, Link, Node, read_links

T = TypeVar("T")

SYSTEM = "graph"
FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """The program of one node, and where its slices stand among the graph's."""

    name: str
    program: Program
    first: int  #: the index of its first slice

    @property
    def slices(self) -> range:
        """The graph's indices of its slices."""
        return range(self.first, self.first + len(self.program.slices))

    def files(self, files: ProgramFiles) -> ProgramFiles:
        """Return its own files out of the graph's, those that are at hand."""
        return ProgramFiles(self.program, _own(self.name, files.paths))


def put_together(graph: Graph, built: Sequence[ProgramFiles]) -> ProgramFiles:
    """Return the program of a graph, out of the built programs of its nodes, in the graph's order."""
    first = 0
    slices: list[SliceSpec] = []
    described: dict[str, Json] = {}
    for node, made in zip(graph.nodes, built, strict=True):
        described[node.name] = {
            "proof_system": made.program.proof_system,
            "identity": dict(made.program.identity),
            "slices": len(made.program.slices),
        }
        slices += [_moved(spec, node.name, first) for spec in made.program.slices]
        first += len(made.program.slices)
    pairs = list(zip(graph.nodes, built, strict=True))
    program = Program(
        proof_system=SYSTEM,
        identity={
            "format": FORMAT,
            "order": [node.name for node in graph.nodes],
            "nodes": described,
            "links": [link.to_json() for link in graph.links],
        },
        files={_inside(node.name, name): one for node, made in pairs for name, one in made.program.files.items()},
        verifying_files=tuple(
            _inside(node.name, name) for node, made in pairs for name in made.program.verifying_files
        ),
        slices=tuple(slices),
        summary={
            "nodes": {node.name: {"system": node.system, **made.program.summary} for node, made in pairs},
            "links": [f"{link.source} = {link.target}" for link in graph.links],
        },
    )
    paths = {_inside(node.name, name): path for node, made in pairs for name, path in made.paths.items()}
    return ProgramFiles(program, paths)


def members_of(program: Program) -> list[Member]:
    """Return the programs that a graph's program is made of, in its order; raise BadProof when it is malformed."""
    identity = program.identity
    order, nodes = identity.get("order"), identity.get("nodes")
    if identity.get("format") != FORMAT or not isinstance(order, list) or not isinstance(nodes, Mapping):
        raise _malformed()
    if sorted(map(str, order)) != sorted(nodes):
        raise _malformed()
    members: list[Member] = []
    first = 0
    for name in order:
        member = _member(program, str(name), nodes[str(name)], first)
        members.append(member)
        first += len(member.program.slices)
    if first != len(program.slices):
        raise _malformed()
    return members


def member_at(program: Program, slice_index: int) -> Member:
    """Return the member that a slice belongs to; raise BadProof when there is none."""
    for member in members_of(program):
        if slice_index in member.slices:
            return member
    raise BadProof("the graph has no such slice")


def links_of(program: Program) -> tuple[Link, ...]:
    """Return a graph's links; raise BadProof when they are malformed."""
    try:
        return read_links(program.identity.get("links"), field="program.identity.links")
    except InvalidRequest:
        raise _malformed() from None


def graph_of(program: Program, members: Sequence[Member]) -> Graph:
    """Return the graph that a program was made of, without its nodes' settings."""
    nodes = tuple(Node(name=member.name, system=member.program.proof_system) for member in members)
    return Graph(nodes=nodes, links=links_of(program))


def _member(program: Program, name: str, described: object, first: int) -> Member:
    if not isinstance(described, Mapping):
        raise _malformed()
    system, identity, count = (described.get(key) for key in ("proof_system", "identity", "slices"))
    if not isinstance(system, str) or not isinstance(identity, Mapping) or type(count) is not int or count < 1:
        raise _malformed()
    own = [_moved_back(spec, name, first) for spec in program.slices[first : first + count]]
    if len(own) != count:
        raise _malformed()
    prefix = _inside(name, "")
    try:
        made = Program(
            proof_system=system,
            identity=identity,
            files=_own(name, program.files),
            verifying_files=tuple(
                one.removeprefix(prefix) for one in program.verifying_files if one.startswith(prefix)
            ),
            slices=tuple(own),
        )
    except InvalidField:
        raise _malformed() from None
    return Member(name=name, program=made, first=first)


def _moved(spec: SliceSpec, node: str, first: int) -> SliceSpec:
    return replace(
        spec,
        index=spec.index + first,
        depends_on=tuple(index + first for index in spec.depends_on),
        files=tuple(_inside(node, name) for name in spec.files),
    )


def _moved_back(spec: SliceSpec, node: str, first: int) -> SliceSpec:
    return replace(
        spec,
        index=spec.index - first,
        depends_on=tuple(index - first for index in spec.depends_on),
        files=tuple(name.removeprefix(_inside(node, "")) for name in spec.files),
    )


def _inside(node: str, name: str) -> str:
    return f"{node}/{name}"


def _own(node: str, named: Mapping[str, T]) -> dict[str, T]:
    prefix = _inside(node, "")
    return {name.removeprefix(prefix): one for name, one in named.items() if name.startswith(prefix)}


def _malformed() -> BadProof:
    return BadProof("the program's identity is malformed", field="program.identity")
