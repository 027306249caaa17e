"""Wrong proofs of seven kinds, made from right ones, and other spellings of a right one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import shake_256
from typing import Literal

from proofgrid.primitives.canonical import Json
from proofgrid.proofs.base import JobOutput, PartialProof

FLIPS_MAX = 24
SPELLINGS_MAX = 8  #: of one field and order of bytes

Order = Literal["little", "big"]
_ORDERS: tuple[Order, ...] = ("little", "big")

#: Fields whose elements proofs hold, by their size in bytes: x and x + modulus are two spellings of one element.
_MODULI: tuple[tuple[int, int], ...] = (
    (32, 21888242871839275222246405745257275088548364400416034343698204186575808495617),  # BN254, scalars
    (32, 21888242871839275222246405745257275088696311157297823662689037894645226208583),  # BN254, coordinates
    (32, 0x73EDA753299D7D483339D80809A1D80553BDA402FFFE5BFEFFFFFFFF00000001),  # BLS12-381, scalars
    (32, 0x12AB655E9A2CA55660B44D1E5C37B00159AA76FED00000010A11800000000001),  # BLS12-377, scalars
    (
        48,  # BLS12-377, coordinates
        0x1AE3A4617C510EAC63B05C06CA1493B1A22D9F300F5138F1EF3622FBA094800170B5D44300000008508C00000000001,
    ),
    (8, 0xFFFFFFFF00000001),  # Goldilocks
    (4, 0x78000001),  # BabyBear
    (4, 0x7F000001),  # KoalaBear
)


@dataclass(frozen=True, slots=True)
class Forgery:
    """A wrong output for one job, and how it is wrong."""

    kind: str
    output: JobOutput


def forgeries(parts: Sequence[PartialProof], others: Sequence[PartialProof], position: int) -> Iterator[Forgery]:
    """Yield wrong outputs for the job at `position`. `others`: the same request, proven for another program."""
    honest = parts[position].output
    for public in changed(honest.public or {"output": 0}):
        if public != honest.public:
            yield Forgery("changed public output", replace(honest, public=public))
    yield from _taken_from("another input's proof", parts, position)
    yield from _taken_from("another program's proof", [*others[position : position + 1], parts[position]], -1)
    for kind, proof in _other_bytes(honest.proof):
        yield Forgery(kind, replace(honest, proof=proof))


def changed(value: Json) -> Iterator[dict[str, Json]]:
    """Yield the JSON object with one thing changed in it: each value, and a member more or less."""
    assert isinstance(value, Mapping)  # noqa: S101 - what is public is an object
    yield {**value, "and more": 1}
    for name in value:
        yield {other: kept for other, kept in value.items() if other != name}
        for one in _changed(value[name]):
            yield {**value, name: one}


def respelled(proof: bytes) -> list[bytes]:
    """Return other bytes that mean the same to a reader who is not strict: field elements, hex digits, white space."""
    found = [text for text in _other_texts(proof) if text != proof]
    for size, modulus in _MODULI:
        for order in _ORDERS:
            one = [*_other_elements(proof, size, modulus, order)]
            found += one[:: max(1, len(one) // SPELLINGS_MAX)]
    return found


def _taken_from(kind: str, parts: Sequence[PartialProof], position: int) -> Iterator[Forgery]:
    mine = parts[position]
    for part in parts:
        if part.slice_index == mine.slice_index and part.output != mine.output:
            yield Forgery(kind, part.output)
            if part.output.proof != mine.output.proof:
                yield Forgery(kind, replace(mine.output, proof=part.output.proof))


def _other_bytes(proof: bytes) -> Iterator[tuple[str, bytes]]:
    for rest in (proof[:-1], proof[: len(proof) // 2], proof[1:]):
        yield "truncated", rest
    for more in (b"\0", b"\xff", b"\n", proof):
        yield "extended", proof + more
    step = max(1, len(proof) // FLIPS_MAX)
    for at in (*range(0, len(proof), step), len(proof) - 1):
        yield "bit-flipped", proof[:at] + bytes([proof[at] ^ (1 << at % 8)]) + proof[at + 1 :]
    for garbage in (b"", b"done", bytes(len(proof)), shake_256(proof).digest(len(proof))):
        yield "garbage", garbage


def _changed(value: Json) -> Iterator[Json]:
    match value:
        case bool():
            yield not value
        case int():
            yield value + 1
            yield str(value)
        case str():
            yield (chr(ord(value[0]) ^ 1) + value[1:]) if value else "0"
            yield value + "0"
        case None:
            yield 0
        case Mapping():
            yield from changed(value)
        case Sequence():
            yield [*value, 0]
            for at, item in enumerate(value[:4]):
                yield [*value[:at], *value[at + 1 :]]
                for one in _changed(item):
                    yield [*value[:at], one, *value[at + 1 :]]


def _other_elements(proof: bytes, size: int, modulus: int, order: Order) -> Iterator[bytes]:
    """Yield the proof with one element, as far as it can be one, a modulus larger or smaller."""
    for at in range(0, len(proof) - size + 1, size):
        element = int.from_bytes(proof[at : at + size], order)
        for other in (element + modulus, element - modulus):
            if 0 <= other < 1 << 8 * size:
                yield proof[:at] + other.to_bytes(size, order) + proof[at + size :]


def _other_texts(proof: bytes) -> Iterator[bytes]:
    if proof.isascii():
        yield from (proof.upper(), proof.lower(), b" " + proof, proof.replace(b":", b": "))
