"""Calls of contracts: compared with examples of the ABI's specification."""

from __future__ import annotations

import pytest
from eth_abi.abi import encode

from proofgrid.proofs.kit.contract_calls import Argument, call_of


def words(*texts: str) -> str:
    return "".join(text.rjust(64, "0") for text in texts)


def test_arrays_of_a_fixed_size_stand_in_place() -> None:
    call = call_of("verifyProof(uint256[2],uint256[1])", [1, 2], [255])
    assert call.calldata[10:] == words("1", "2", "ff")
    assert call.arguments == (["1", "2"], ["255"])


def test_what_has_no_fixed_size_stands_behind() -> None:
    call = call_of("verify(bytes,bytes32[])", b"dave!", [1, 2, 3])
    assert call.calldata[:10] == "0xea50d0e4"
    text = "6461766521".ljust(64, "0")
    assert call.calldata[10:] == words("40", "80", "5") + text + words("3", "1", "2", "3")
    assert call.arguments == ("0x6461766521", [f"0x{value:064x}" for value in (1, 2, 3)])


def test_a_mix_counts_heads_by_their_size() -> None:
    call = call_of("f(uint256[2],bytes)", [7, 8], b"")
    assert call.calldata[10:] == words("7", "8", "60", "0")


def test_calls_in_a_call_are_as_eth_abi_spells_them() -> None:
    several = [b"", b"a", bytes(range(40))]
    call = call_of("f(uint256[],bytes[],uint256[1])", [5], several, [6])
    assert bytes.fromhex(call.calldata[10:]) == encode(["uint256[]", "bytes[]", "uint256[1]"], [[5], several, [6]])
    assert call.arguments[1] == ["0x", "0x61", "0x" + bytes(range(40)).hex()]


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        ("f(uint256[2])", ([1],)),
        ("f(uint256[1])", ([1 << 256],)),
        ("f(uint256[1])", (b"x",)),
        ("f(bytes)", ([1],)),
        ("f(string)", (b"x",)),
        ("f(bytes)", ()),
        ("f(bytes[])", ([1],)),
        ("f(bytes[])", (b"x",)),
        ("f(uint256[1])", ([b"x"],)),
        ("no signature", ([1],)),
    ],
)
def test_what_is_none_of_its_type_is_refused(function: str, arguments: tuple[Argument, ...]) -> None:
    with pytest.raises((ValueError, OverflowError)):
        call_of(function, *arguments)
