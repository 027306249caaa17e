"""What a client writes down of a graph: read strictly, ordered by its links."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofgrid.primitives.errors import InvalidRequest
from proofgrid.proofs.systems.graph.plan import LINKS_MAX, NODES_MAX, read_graph, read_links

NODE = {"system": "toy"}


def a_graph(*nodes: str, links: list[tuple[str, str]] | None = None) -> dict[str, Any]:
    said = [{"from": source, "to": target} for source, target in links or []]
    return {"nodes": dict.fromkeys(nodes, NODE), "links": said}


def test_nodes_come_after_those_that_fill_them() -> None:
    graph = read_graph(a_graph("c", "b", "a", links=[("c.end", "a.start"), ("b.end[2]", "c.start")]), field="graph")

    assert [node.name for node in graph.nodes] == ["b", "c", "a"]
    assert [link.to_json() for link in graph.links] == [
        {"from": "c.end", "to": "a.start"},
        {"from": "b.end[2]", "to": "c.start"},
    ]


@given(st.permutations("abcdef"), st.sets(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=10))
def test_an_order_is_found_wherever_there_is_one(names: list[str], pairs: set[tuple[int, int]]) -> None:
    links = [(f"{names[low]}.v{high}", f"{names[high]}.v{low}") for low, high in pairs if low < high]
    order = [node.name for node in read_graph(a_graph(*names, links=links), field="graph").nodes]

    assert sorted(order) == sorted(names)
    for source, target in links:
        assert order.index(source[0]) < order.index(target[0])


def test_the_same_graph_written_in_another_order_is_the_same() -> None:
    links = [("a.end", "b.start"), ("a.end", "c.start")]

    assert read_graph(a_graph("a", "b", "c", links=links), field="graph") == read_graph(
        a_graph("c", "b", "a", links=links[::-1]), field="graph"
    )


@pytest.mark.parametrize(
    ("graph", "field", "rule"),
    [
        ([], "graph", "JSON object"),
        ({"nodes": {}}, "graph", "exactly the members nodes, links"),
        (a_graph(), "graph.nodes", f"1 to {NODES_MAX} nodes"),
        (a_graph(*(f"n{number}" for number in range(NODES_MAX + 1))), "graph.nodes", f"1 to {NODES_MAX} nodes"),
        (a_graph("Big"), "graph.nodes.Big", "small letter"),
        (a_graph("a/b"), "graph.nodes.a/b", "small letter"),
        ({"nodes": {"a": {}}, "links": []}, "graph.nodes.a.system", "which system"),
        ({"nodes": {"a": {**NODE, "more": 1}}, "links": []}, "graph.nodes.a.more", "a node has"),
        ({"nodes": {"a": {**NODE, "settings": 1}}, "links": []}, "graph.nodes.a.settings", "object"),
        (a_graph("a", links=[("a.x", "b.y")]), "graph.links[0]", "no node 'b'"),
        (a_graph("a", "b", links=[("a", "b.y")]), "graph.links[0].from", "node.value"),
        (a_graph("a", "b", links=[("a.x[01]", "b.y")]), "graph.links[0].from", "node.value"),
        (a_graph("a", "b", links=[("a.x", "b.y[0]")]), "graph.links[0].to", "node.value"),
        (a_graph("a", "b", links=[("a.x", "b.y"), ("a.z", "b.y")]), "graph.links", "linked twice"),
        (a_graph("a", "b", links=[("a.x", "b.y"), ("b.x", "a.y")]), "graph.links", "circle"),
        (a_graph("a", links=[("a.x", "a.y")]), "graph.links", "circle"),
    ],
)
def test_what_is_wrong_is_named(graph: Any, field: str, rule: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        read_graph(graph, field="graph")

    assert caught.value.field == field
    assert rule in caught.value.detail


def test_there_is_an_end_of_links() -> None:
    with pytest.raises(InvalidRequest, match="at most"):
        read_links([{"from": "a.x", "to": f"b.y{number}"} for number in range(LINKS_MAX + 1)], field="links")
