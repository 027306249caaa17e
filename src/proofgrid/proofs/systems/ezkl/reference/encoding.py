"""How points stand in the engine's files: each coordinate in Montgomery form, 32 bytes, little-endian.

snarkjs spells its points in the same way, so that those of a ceremony's file are copied as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from proofgrid.proofs.systems.ezkl.reference.curve import FIELD, Point

POINT_BYTES = 64
POINT_G2_BYTES = 128

PointG2 = tuple[tuple[int, int], tuple[int, int]]  #: x and y, each with its real and its imaginary part

#: The generator that everybody uses (EIP-197).
GENERATOR_G2: PointG2 = (
    (
        10857046999023057135944570762232829481370756359578518086990519993285655852781,
        11559732032986387107991004021392285783925812861821192530917403151452391805634,
    ),
    (
        8495653923123431417604973247489272438418190587263600148770280649306958101930,
        4082367875863433681332203403145435568316851327593401208105741076214120093531,
    ),
)

_SHIFT = (1 << 256) % FIELD
_BACK = pow(_SHIFT, -1, FIELD)


def encode_points(points: Iterable[Point]) -> bytes:
    """Return the bytes of points; the neutral one is zeros."""
    return b"".join(_coordinate(number) for point in points for number in point or (0, 0))


def decode_points(content: bytes) -> list[Point]:
    """Return the points of bytes that `encode_points` made, or others wrote; whether they are on the curve is open."""
    numbers = _numbers(content)
    return [None if x == y == 0 else (x, y) for x, y in zip(numbers, numbers, strict=True)]


def encode_g2(point: PointG2) -> bytes:
    """Return the bytes of a point of the second group."""
    return b"".join(_coordinate(number) for part in point for number in part)


def decode_g2(content: bytes) -> PointG2:
    """Return the point of the second group that stands there."""
    a, b, c, d = _numbers(content)
    return (a, b), (c, d)


def _coordinate(number: int) -> bytes:
    return (number * _SHIFT % FIELD).to_bytes(32, "little")


def _numbers(content: bytes) -> Iterator[int]:
    return (
        int.from_bytes(content[start : start + 32], "little") * _BACK % FIELD for start in range(0, len(content), 32)
    )
