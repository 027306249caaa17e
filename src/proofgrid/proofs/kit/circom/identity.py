"""What an identity of a circuit says: written once, and read by whoever believes nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.digests import Digest
from proofgrid.primitives.errors import BadProof
from proofgrid.proofs.base import Program, ProgramFiles
from proofgrid.proofs.kit.circom.curves import curve_of
from proofgrid.proofs.kit.circom.engine import Circuit, memory_bytes
from proofgrid.proofs.kit.circom.signals import public_names

FORMAT = 1
SYM = "sym"

Names = tuple[list[Json], list[Json]]  #: of outputs and of public inputs, each {"name", "size"}


def names_in(source: Mapping[str, Path], circuit: Circuit) -> Names | None:
    """Return what the public signals are called; None without a table of symbols. Raises InvalidProgram."""
    if SYM not in source:
        return None
    return public_names(source[SYM], outputs=circuit.outputs, inputs=circuit.public_inputs)


def identity_of(circuit: Circuit, digests: Mapping[str, Digest], names: Names | None) -> dict[str, Json]:
    """Return what the identities of all systems say of a circuit and its files."""
    identity: dict[str, Json] = {
        "format": FORMAT,
        "curve": circuit.curve.name,
        "files": dict(digests),
        "outputs": circuit.outputs,
        "public_inputs": circuit.public_inputs,
        "constraints": circuit.constraints,
    }
    if names is not None:
        identity["names"] = {"outputs": names[0], "public_inputs": names[1]}
    return identity


def summary_of(circuit: Circuit, names: Names | None) -> dict[str, Json]:
    """Return what people are told of a circuit."""
    return {
        "curve": circuit.curve.title,
        "constraints": circuit.constraints,
        "wires": circuit.wires,
        "outputs": list(names[0]) if names else circuit.outputs,
        "public_inputs": list(names[1]) if names else circuit.public_inputs,
        "private_inputs": circuit.private_inputs,
    }


def counts_of(files: ProgramFiles) -> tuple[int, int]:
    """Return how many outputs and public inputs a program has."""
    identity = files.program.identity
    counts = identity.get("outputs"), identity.get("public_inputs")
    if not all(type(count) is int and count >= 0 for count in counts):
        raise BadProof("the program's identity is malformed", field="program.identity")
    return counts  # type: ignore[return-value]


def memory_of(program: Program) -> int:
    """Return what running a program's circuit may take."""
    count = program.identity.get("constraints")
    return memory_bytes(count if type(count) is int else 0, curve_of(program))
