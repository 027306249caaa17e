"""What PLONK asks the engine besides: one function per command, and two kinds of failure (`kit.circom.engine`)."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from proofgrid.proofs.base import Report
from proofgrid.proofs.kit.circom.engine import (
    MEMORY_LEAST_BYTES,
    SETUP_SECONDS,
    Inputs,
    ask,
    memory_of_file,
    proof_of,
)

SYSTEM = "plonk"
_MEMORY_PER_ROW = 12 << 10  #: measured: 3 KiB are used


@dataclass(frozen=True, slots=True)
class Gates:
    """What PLONK makes of a circuit."""

    gates: int  #: with those that bind the public values
    rows: int  #: the power of two that they fit into
    points: int  #: of the setup, that its proofs take


def memory_bytes(rows: int) -> int:
    """Return what a job of a circuit may take."""
    return MEMORY_LEAST_BYTES + rows * _MEMORY_PER_ROW


def gates_of(r1cs: Path, *, workdir: Path) -> Gates:
    """Count a circuit's gates. Raises Refused for too many, and for a circuit that is on another curve."""
    answer = ask("plonk-gates", {"r1cs": r1cs}, workdir=workdir, memory=memory_of_file(r1cs))
    gates, rows, points = (int(str(answer[name])) for name in ("gates", "rows", "points"))
    return Gates(gates, rows, points)


def set_up(
    source: Mapping[str, Path],
    setup: Path,
    points: Path,
    verifying_key: Path,
    *,
    memory: int,
    workdir: Path,
    report: Report,
) -> None:
    """Write a circuit's verifying key, and the points of a setup that it rests on. `source`: r1cs and wasm.

    Raises Refused, also where the points are not powers of Ignition's tau.
    """
    request = {**source, "points": setup, "own": points, "verifying_key": verifying_key}
    ask("plonk-setup", request, workdir=workdir, memory=memory, report=report, seconds=SETUP_SECONDS)


def write_lagrange(points: Path, rows: int, lagrange: Path, *, workdir: Path, report: Report) -> None:
    """Write points in the form that provers commit by: half a millisecond of processor time each. Raises Refused."""
    request = {"points": points, "rows": rows, "lagrange": lagrange}
    ask("plonk-lagrange", request, workdir=workdir, memory=memory_bytes(rows), report=report, seconds=SETUP_SECONDS)


def prove(
    files: Mapping[str, Path], inputs: Inputs, *, memory: int, workdir: Path, report: Report
) -> tuple[bytes, list[str]]:
    """Return a proof and its public values; `files`: r1cs, wasm, points, lagrange and verifying_key. Raises Refused."""
    return proof_of("plonk-prove", {**files, "inputs": inputs}, memory=memory, workdir=workdir, report=report)


def contract_proof(curve: str, proof: bytes, *, workdir: Path) -> bytes:
    """Return a proof as its contract takes it, with points that are not compressed. Raises Refused."""
    request = {"curve": curve, "proof": base64.b64encode(proof).decode()}
    answer = ask("plonk-calldata", request, workdir=workdir, memory=MEMORY_LEAST_BYTES)
    return base64.b64decode(str(answer["proof"]))
