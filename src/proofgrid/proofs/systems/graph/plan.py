"""What a client writes down of a graph: its nodes, each a program of some system, and which public values are equal.

    {"nodes": {"member": {"system": "groth16"}, "age": {"system": "noir", "settings": {}}},
     "links": [{"from": "member.root", "to": "age.root"}]}

`from` may name one integer of a value, "member.roots[2]"; `to` names a whole one. Nodes are linked without cycles.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import InvalidField, InvalidProgram
from proofgrid.primitives.reading import read_list, read_mapping, read_object, read_text

NODES_MAX = 16
LINKS_MAX = 256

_NODE = re.compile(r"[a-z][a-z0-9_-]{0,31}")
_FROM = re.compile(r"([a-z][a-z0-9_-]{0,31})\.([^\[\]]{1,128})(?:\[(0|[1-9][0-9]{0,8})\])?")
_TO = re.compile(r"([a-z][a-z0-9_-]{0,31})\.([^\[\]]{1,128})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A program of a graph."""

    name: str
    system: str  #: of its programs, e.g. "groth16"
    settings: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Two public values that are equal: what one node shows, and an input of a later one."""

    node: str
    value: str
    place: int | None  #: which integer of the value, from 0; None: all of them
    to_node: str
    to_value: str

    @property
    def source(self) -> str:
        """The one spelling of where it comes from."""
        return f"{self.node}.{self.value}" + ("" if self.place is None else f"[{self.place}]")

    @property
    def target(self) -> str:
        """The one spelling of where it goes."""
        return f"{self.to_node}.{self.to_value}"

    def taken(self, values: Iterable[int]) -> tuple[int, ...]:
        """Return the integers that are linked, out of those of the value that it comes from."""
        every = tuple(values)
        return every if self.place is None else every[self.place : self.place + 1]

    def to_json(self) -> dict[str, Json]:
        """Return it as a client writes it."""
        return {"from": self.source, "to": self.target}


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """Nodes in an order in which each comes after those that it is linked from, and their links."""

    nodes: tuple[Node, ...]
    links: tuple[Link, ...]

    def links_to(self, node: str) -> list[Link]:
        """Return the links that fill inputs of a node."""
        return [link for link in self.links if link.to_node == node]


def read_graph(value: Json, *, field: str) -> Graph:
    """Return the graph that `value` describes; raise InvalidField or InvalidProgram naming the member and the rule."""
    data = read_object(value, ("nodes", "links"), field)
    described = read_mapping(data["nodes"], f"{field}.nodes")
    if not 1 <= len(described) <= NODES_MAX:
        raise InvalidProgram(f"a graph has 1 to {NODES_MAX} nodes", field=f"{field}.nodes")
    nodes = {name: _read_node(name, one, f"{field}.nodes.{name[:40]}") for name, one in described.items()}
    links = read_links(data["links"], field=f"{field}.links")
    for index, link in enumerate(links):
        for name in (link.node, link.to_node):
            if name not in nodes:
                raise InvalidProgram(f"there is no node {name!r}", field=f"{field}.links[{index}]")
    return Graph(nodes=tuple(nodes[name] for name in _ordered(sorted(nodes), links, f"{field}.links")), links=links)


def read_links(value: Json, *, field: str) -> tuple[Link, ...]:
    """Return links as `Link.to_json` spells them, in the order of their targets."""
    entries = read_list(value, field)
    if len(entries) > LINKS_MAX:
        raise InvalidProgram(f"a graph has at most {LINKS_MAX} links", field=field)
    links = [_read_link(entry, f"{field}[{index}]") for index, entry in enumerate(entries)]
    targets = [link.target for link in links]
    if twice := sorted({target for target in targets if targets.count(target) > 1}):
        raise InvalidProgram(f"{twice[0]} is linked twice", field=field)
    return tuple(sorted(links, key=lambda link: link.target))


def _read_node(name: str, value: Json, field: str) -> Node:
    if not _NODE.fullmatch(name):
        raise InvalidField("a node's name is a small letter, then up to 31 of a-z, 0-9, _ and -", field=field)
    data = read_mapping(value, field)
    if unknown := sorted(set(data) - {"system", "settings"}):
        raise InvalidField("a node has a system, and settings", field=f"{field}.{unknown[0][:40]}")
    if "system" not in data:
        raise InvalidField("which system proves it?", field=f"{field}.system", hint="proofgrid systems lists them")
    settings = read_mapping(data.get("settings", {}), f"{field}.settings")
    return Node(name=name, system=read_text(data["system"], f"{field}.system"), settings=settings)


def _read_link(value: Json, field: str) -> Link:
    data = read_object(value, ("from", "to"), field)
    found = _FROM.fullmatch(read_text(data["from"], f"{field}.from"))
    if found is None:
        raise InvalidField("expected node.value, or node.value[place]", field=f"{field}.from")
    target = _TO.fullmatch(read_text(data["to"], f"{field}.to"))
    if target is None:
        raise InvalidField("expected node.value", field=f"{field}.to")
    place = None if found[3] is None else int(found[3])
    return Link(node=found[1], value=found[2], place=place, to_node=target[1], to_value=target[2])


def _ordered(nodes: list[str], links: Iterable[Link], field: str) -> list[str]:
    before: dict[str, set[str]] = {name: set() for name in nodes}
    for link in links:
        before[link.to_node].add(link.node)
    sorter = TopologicalSorter(before)
    try:
        sorter.prepare()
    except CycleError as cycle:
        raise InvalidProgram(f"the links run in a circle: {' -> '.join(cycle.args[1])}", field=field) from None
    ordered: list[str] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready())
        ordered += ready
        sorter.done(*ready)
    return ordered
