"""Calls of contracts, as Ethereum's ABI spells them: for the few types that verifiers of proofs take."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeVar

from eth_hash.auto import keccak

from proofgrid.primitives.canonical import Json
from proofgrid.proofs.offers import ContractCall

_WORD = 32
_FUNCTION = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\(([a-z0-9\[\],]*)\)")
_ARRAY = re.compile(r"(?:uint256|bytes32)\[(\d*)\]")

T = TypeVar("T")


Argument = bytes | Sequence[int] | Sequence[bytes]


def call_of(function: str, *arguments: Argument) -> ContractCall:
    """Return the call of a function, named by its signature.

    Types are `bytes` (given as such), `bytes[]` (a list of such), and `uint256` or `bytes32` in arrays, of a fixed
    size or not (given as integers).
    Raises ValueError for others, and where an argument is none of its type.
    """
    found = _FUNCTION.fullmatch(function)
    types = found[1].split(",") if found else []
    content = _placed([_encoded(kind, argument) for kind, argument in zip(types, arguments, strict=True)])
    said = tuple(map(_said, types, arguments))
    return ContractCall(function=function, arguments=said, calldata="0x" + (selector_of(function) + content).hex())


def selector_of(function: str) -> bytes:
    """Return the four bytes that a call of a function, named by its signature, begins with."""
    return bytes(keccak(function.encode())[:4])


def _placed(encoded: Sequence[tuple[bool, bytes]]) -> bytes:
    """Return contents, each where it is read: in its turn, or behind all of them with a word in its turn of where."""
    heads = sum(_WORD if is_behind else len(content) for is_behind, content in encoded)
    head, tail = b"", b""
    for is_behind, content in encoded:
        if is_behind:
            head += _word(heads + len(tail))
            tail += content
        else:
            head += content
    return head + tail


def _encoded(kind: str, argument: Argument) -> tuple[bool, bytes]:
    """Return whether an argument stands behind the others, and its bytes."""
    if isinstance(argument, bytes):
        if kind != "bytes":
            raise ValueError(f"{kind} is not given as bytes")
        return True, _word(len(argument)) + argument + bytes(-len(argument) % _WORD)
    if kind == "bytes[]":
        return True, _word(len(argument)) + _placed([_encoded("bytes", one) for one in _all(bytes, argument, kind)])
    array = _ARRAY.fullmatch(kind)
    if array is None or (array[1] and int(array[1]) != len(argument)):
        raise ValueError(f"{len(argument)} integers are no {kind}")
    words = b"".join(map(_word, _all(int, argument, kind)))
    return (False, words) if array[1] else (True, _word(len(argument)) + words)


def _all(wanted: type[T], argument: Sequence[object], kind: str) -> list[T]:
    found = [one for one in argument if isinstance(one, wanted)]
    if len(found) != len(argument):
        raise ValueError(f"{kind} is given as a list of {wanted.__name__}")
    return found


def _word(value: int) -> bytes:
    return value.to_bytes(_WORD, "big")


def _said(kind: str, argument: Argument) -> Json:
    if isinstance(argument, bytes):
        return "0x" + argument.hex()
    return [_said_in_array(kind, one) for one in argument]


def _said_in_array(kind: str, one: bytes | int) -> str:
    if isinstance(one, bytes):
        return "0x" + one.hex()
    return f"0x{one:064x}" if kind.startswith("bytes32") else str(one)
