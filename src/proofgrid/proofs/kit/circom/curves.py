"""The curves that circuits are proven on: the prime that a circuit was compiled for says which."""

from __future__ import annotations

from dataclasses import dataclass

from proofgrid.primitives.errors import BadProof
from proofgrid.proofs.base import Program


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """A curve, and what it costs."""

    name: str  #: in identities of programs, and for the engine
    title: str  #: for people
    modulus: int  #: of its scalar field, whose elements are the values of signals
    memory_per_constraint: int  #: bytes of address space that Go and the circuit's program may use


#: Memory: measured twice of what 60,000 constraints take.
CURVES = {
    curve.name: curve
    for curve in (
        Curve(
            name="bn254",
            title="BN254",
            modulus=21888242871839275222246405745257275088548364400416034343698204186575808495617,
            memory_per_constraint=16 << 10,
        ),
        Curve(
            name="bls12377",
            title="BLS12-377",
            modulus=8444461749428370424248824938781546531375899335154063827935233455917409239041,
            memory_per_constraint=24 << 10,
        ),
    )
}


def curve_of(program: Program) -> Curve:
    """Return the curve of a program; raise BadProof when its identity names none."""
    curve = CURVES.get(str(program.identity.get("curve")))
    if curve is None:
        raise BadProof("the program's identity names no curve that there is", field="program.identity")
    return curve
