"""Following a chain: whatever it does above the final block, what is kept is what it says; below, nothing is undone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofgrid.rules.chain.following import SPAN_MAX, Block, NodeNotBelieved, check_agreed, next_reading


def chain_of(*hashes: str) -> list[Block]:
    return [Block(number=number, hash=one) for number, one in enumerate(hashes)]


@st.composite
def two_views(draw: st.DrawFn) -> tuple[list[Block], list[Block], int, int]:
    """A chain that was read, another one that shares its final block, and where each became final."""
    common = draw(st.integers(1, 6))
    kept = [f"a{number}" for number in range(common + draw(st.integers(0, 5)))]
    node = kept[:common] + [f"b{number}" for number in range(common, common + draw(st.integers(0, 6)))]
    was_final = draw(st.integers(0, common - 1))
    return chain_of(*kept), chain_of(*node), was_final, draw(st.integers(0, len(node) - 1))


@given(two_views())
def test_what_is_kept_afterwards_is_the_nodes_chain_from_its_final_block_on(
    views: tuple[list[Block], list[Block], int, int],
) -> None:
    kept, node, was_final, final = views
    kept = kept[was_final:]
    hashes = {block.number: block.hash for block in node}
    reading = next_reading(kept, newest=node[-1].number, final=final, hashes=hashes)

    left = [block for block in kept if reading.undone is None or block.number <= reading.undone]
    read = [block for block in node if reading.first <= block.number <= reading.last]
    now = [block for block in left + read if block.number >= reading.final]
    assert now == node[max(final, was_final) :]
    assert reading.final >= was_final


@pytest.mark.parametrize(
    ("newest", "final", "hashes", "words"),
    [
        (1, 0, {1: "a1"}, "behind"),
        (9, 2, {2: "b2", 3: "a3"}, "another chain"),
        (9, 2, {}, "another chain"),
        (9, 10, {2: "a2"}, "above its newest"),
        (2 + SPAN_MAX + 9, 2, {2: "b2"}, "another chain"),
    ],
)
def test_a_node_that_contradicts_what_is_final_is_not_believed(
    newest: int, final: int, hashes: dict[int, str], words: str
) -> None:
    kept = chain_of("a0", "a1", "a2", "a3")[2:]
    with pytest.raises(NodeNotBelieved, match=words):
        next_reading(kept, newest=newest, final=final, hashes=hashes)


def test_a_chain_that_does_not_become_final_is_not_read_from_its_beginning() -> None:
    with pytest.raises(NodeNotBelieved, match="nothing became final"):
        next_reading([], newest=SPAN_MAX + 5, final=1, hashes={})


def test_nodes_that_disagree_on_a_final_block_are_not_believed() -> None:
    check_agreed({"a": "0x1", "b": "0x1", "c": None}, 7)
    with pytest.raises(NodeNotBelieved, match="disagree on block 7"):
        check_agreed({"a": "0x1", "b": "0x2"}, 7)
