"""The Merkle tree of the audit log: what RFC 6962 says, and that no lie about it passes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofgrid.rules.audit.merkle import (
    EMPTY_ROOT,
    Frontier,
    consistency_proof,
    inclusion_proof,
    is_consistent,
    leaf_hash,
    node_hash,
    root_by_inclusion,
    root_of,
)

#: The entries of Certificate Transparency's own tests, and the roots of their first 1 to 8.
ENTRIES = [
    bytes.fromhex(text)
    for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]

sizes = st.integers(1, 70)


def _leaves(size: int) -> list[bytes]:
    return [leaf_hash(str(number).encode()) for number in range(size)]


@pytest.mark.parametrize("size", range(1, 9))
def test_roots_are_those_of_certificate_transparency(size: int) -> None:
    assert root_of([leaf_hash(entry) for entry in ENTRIES[:size]]).hex() == ROOTS[size - 1]


def test_an_empty_log_has_the_hash_of_nothing() -> None:
    assert Frontier().root == EMPTY_ROOT


@given(size=st.integers(0, 70), cut=st.integers(0, 70))
def test_appending_in_two_steps_is_appending_at_once(size: int, cut: int) -> None:
    leaves = _leaves(size)
    assert Frontier().append(leaves[:cut]).append(leaves[cut:]) == Frontier().append(leaves)


@given(size=sizes, data=st.data())
def test_an_entry_is_shown_to_be_in_the_log(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    leaves = _leaves(size)
    proof = inclusion_proof(leaves, index)
    assert root_by_inclusion(leaves[index], index, size, proof) == root_of(leaves)


@given(size=sizes, data=st.data())
def test_no_other_entry_place_or_proof_leads_to_the_root(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    leaves = _leaves(size)
    proof, root = inclusion_proof(leaves, index), root_of(leaves)
    assert root_by_inclusion(leaf_hash(b"forged"), index, size, proof) != root
    for other in range(-1, size + 1):
        if other != index:
            assert root_by_inclusion(leaves[index], other, size, proof) != root
    assert root_by_inclusion(leaves[index], index, size, [*proof, bytes(32)]) is None
    if proof:
        assert root_by_inclusion(leaves[index], index, size, proof[:-1]) != root
        changed = data.draw(st.integers(0, len(proof) - 1))
        assert (
            root_by_inclusion(leaves[index], index, size, [*proof[:changed], bytes(32), *proof[changed + 1 :]]) != root
        )
        assert root_by_inclusion(leaves[index], index, size, [b"short", *proof[1:]]) is None


@given(size=sizes, data=st.data())
def test_a_log_grew_out_of_its_beginning(size: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, size))
    leaves = _leaves(size)
    assert is_consistent(old, root_of(leaves[:old]), size, root_of(leaves), consistency_proof(leaves, old))


@given(size=st.integers(2, 70), data=st.data())
def test_a_log_whose_past_was_rewritten_is_noticed(size: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, size - 1))
    rewritten = data.draw(st.integers(0, old - 1))
    before, after = _leaves(size), _leaves(size)
    after[rewritten] = leaf_hash(b"it was never so")
    old_root = root_of(before[:old])
    assert not is_consistent(old, old_root, size, root_of(after), consistency_proof(after, old))
    assert not is_consistent(old, old_root, size, root_of(after), consistency_proof(before, old))
    assert not is_consistent(old, old_root, size, root_of(before), [*consistency_proof(before, old), bytes(32)])
    assert not is_consistent(old, old_root, old - 1, root_of(before[: old - 1]), [])


def test_sizes_that_never_were_are_errors() -> None:
    with pytest.raises(IndexError):
        consistency_proof(_leaves(3), 4)
    with pytest.raises(IndexError):
        consistency_proof(_leaves(3), 0)
    with pytest.raises(IndexError):
        inclusion_proof(_leaves(3), 3)
    with pytest.raises(ValueError, match="do not make a log"):
        Frontier(3, (bytes(32),))


def test_nothing_is_the_beginning_of_everything_and_equal_sizes_need_no_proof() -> None:
    one, two = _leaves(2)
    assert is_consistent(0, EMPTY_ROOT, 2, node_hash(one, two), [])
    assert is_consistent(2, node_hash(one, two), 2, node_hash(one, two), [])
    assert not is_consistent(2, node_hash(one, two), 2, node_hash(two, one), [])
    assert not is_consistent(1, one, 2, node_hash(one, two), [])
