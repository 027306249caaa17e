"""Calls whose proof is not where it usually is: a contract has to read all of it in one place."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from proofgrid.primitives.canonical import Json
from proofgrid.proofs.offers import ContractCall


def placed(call: ContractCall, *, named: bytes, usual: bytes, values: Sequence[int] | None = None) -> str:
    """Spell the call of a `bytes` proof and lists so that it says of `named`, behind all, that it is the proof.

    `usual` stands where the proof usually is; `values` instead of the call's first list.
    """
    _, *others = call.arguments
    lists = [list(values or numbers(others[0])), *map(numbers, others[1:])]
    told = [word(len(usual)) + usual, *(b"".join(map(word, [len(one), *one])) for one in lists)]
    places = list(accumulate(map(len, told), initial=32 * len(told)))
    heads = b"".join(map(word, [places[-1], *places[1:-1]]))
    return call.calldata[:10] + (heads + b"".join(told) + word(len(named)) + named).hex()


def proof_in(call: ContractCall) -> bytes:
    """Return the proof of such a call."""
    return bytes.fromhex(str(call.arguments[0])[2:])


def numbers(said: Json) -> list[int]:
    """Return the words that a call's argument is."""
    assert isinstance(said, list)
    return [int(str(value), 0) for value in said]


def word(number: int) -> bytes:
    """Return it as a call has it."""
    return number.to_bytes(32, "big")
