"""Calls of contracts, as Ethereum's ABI spells them: for the few types that verifiers of proofs take."""

from __future__ import annotations

import re
from collections.abc import Sequence

from eth_hash.auto import keccak

from proofgrid.primitives.canonical import Json
from proofgrid.proofs.offers import ContractCall

_WORD = 32
_FUNCTION = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\(([a-z0-9\[\],]*)\)")
_ARRAY = re.compile(r"(?:uint256|bytes32)\[(\d*)\]")


def call_of(function: str, *arguments: bytes | Sequence[int]) -> ContractCall:
    """Return the call of a function, named by its signature.

    Types are `bytes` (given as such), and `uint256` or `bytes32` in arrays, of a fixed size or not (given as integers).
    Raises ValueError for others, and where an argument is none of its type.
    """
    found = _FUNCTION.fullmatch(function)
    types = found[1].split(",") if found else []
    encoded = [_encoded(kind, argument) for kind, argument in zip(types, arguments, strict=True)]
    heads = sum(_WORD if is_dynamic else len(content) for is_dynamic, content in encoded)
    head, tail = b"", b""
    for is_dynamic, content in encoded:
        if is_dynamic:
            head += _word(heads + len(tail))
            tail += content
        else:
            head += content
    said = tuple(map(_said, types, arguments))
    return ContractCall(
        function=function, arguments=said, calldata="0x" + (keccak(function.encode())[:4] + head + tail).hex()
    )


def _encoded(kind: str, argument: bytes | Sequence[int]) -> tuple[bool, bytes]:
    """Return whether an argument stands behind the others, and its bytes."""
    if isinstance(argument, bytes):
        if kind != "bytes":
            raise ValueError(f"{kind} is not given as bytes")
        return True, _word(len(argument)) + argument + bytes(-len(argument) % _WORD)
    array = _ARRAY.fullmatch(kind)
    if array is None or (array[1] and int(array[1]) != len(argument)):
        raise ValueError(f"{len(argument)} integers are no {kind}")
    words = b"".join(map(_word, argument))
    return (False, words) if array[1] else (True, _word(len(argument)) + words)


def _word(value: int) -> bytes:
    return value.to_bytes(_WORD, "big")


def _said(kind: str, argument: bytes | Sequence[int]) -> Json:
    if isinstance(argument, bytes):
        return "0x" + argument.hex()
    return [f"0x{value:064x}" if kind.startswith("bytes32") else str(value) for value in argument]
