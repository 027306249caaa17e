"""What all proof systems of circom's circuits ask the engine: what a circuit is, and what an input leads to."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from proofgrid.primitives.canonical import Json
from proofgrid.proofs.base import Report
from proofgrid.proofs.kit.asking import ask_engine, texts_in
from proofgrid.proofs.kit.circom.curves import CURVES, Curve
from proofgrid.proofs.kit.engine import EngineLimits
from proofgrid.proofs.kit.engine_programs import GNARK

VERSION = "gnark 0.14.0"  #: as the program says of itself; tests hold it

MEMORY_LEAST_BYTES = 512 << 20
_FILE_BYTES_MAX = 4 << 30
_ANSWER_BYTES_MAX = 64 << 20
QUICK_SECONDS, SETUP_SECONDS = 300.0, 7_200.0

Inputs = Mapping[str, Sequence[str]]  #: by signal name: values in decimal, row by row


@dataclass(frozen=True, slots=True, kw_only=True)
class Circuit:
    """What a circuit's constraints say of it."""

    curve: Curve
    constraints: int
    wires: int
    outputs: int  #: how many of the public values are outputs; they come first
    public_inputs: int
    private_inputs: int


def memory_bytes(constraints: int, curve: Curve) -> int:
    """Return what a job of a circuit may take."""
    return MEMORY_LEAST_BYTES + constraints * curve.memory_per_constraint


def circuit_of(r1cs: Path, *, workdir: Path) -> Circuit:
    """Read a circuit. Raises Refused."""
    answer = ask("circuit", {"r1cs": r1cs}, workdir=workdir, memory=memory_of_file(r1cs))
    counts = {field.name: int(str(answer[field.name])) for field in fields(Circuit) if field.name != "curve"}
    return Circuit(curve=CURVES[str(answer["curve"])], **counts)


def public_values(r1cs: Path, wasm: Path, inputs: Inputs, *, memory: int, workdir: Path) -> list[str]:
    """Return what will be public of a proof of these inputs, outputs first. Raises Refused."""
    request = {"r1cs": r1cs, "wasm": wasm, "inputs": inputs}
    return texts_in(ask("execute", request, workdir=workdir, memory=memory), "public")


def proof_of(
    command: str, request: Mapping[str, object], *, memory: int, workdir: Path, report: Report
) -> tuple[bytes, list[str]]:
    """Return a proof and its public values, as a system's own command makes them. Raises Refused."""
    answer = ask(command, request, workdir=workdir, memory=memory, report=report, seconds=SETUP_SECONDS)
    return base64.b64decode(str(answer["proof"])), texts_in(answer, "public")


def complaint_about(
    command: str, verifying_key: Path, curve: Curve, proof: bytes, public: Sequence[Json], *, workdir: Path
) -> str:
    """Return what is wrong with a proof of these public values; "" when it verifies."""
    claim = {"proof": base64.b64encode(proof).decode(), "public": public}
    request = {"curve": curve.name, "verifying_key": verifying_key, "claims": [claim]}
    return texts_in(ask(command, request, workdir=workdir, memory=MEMORY_LEAST_BYTES), "verdicts")[0]


def solidity_verifier(command: str, verifying_key: Path, curve: Curve, *, workdir: Path) -> str:
    """Return a contract that verifies proofs of this key. Raises Refused: contracts know one curve."""
    request = {"curve": curve.name, "verifying_key": verifying_key}
    return str(ask(command, request, workdir=workdir, memory=MEMORY_LEAST_BYTES)["solidity"])


def memory_of_file(r1cs: Path) -> int:
    """Return what reading a circuit may take, before anybody knows its curve; a constraint has 64 bytes or more."""
    return max(memory_bytes(r1cs.stat().st_size // 64, curve) for curve in CURVES.values())


def ask(
    command: str,
    request: Mapping[str, object],
    *,
    workdir: Path,
    memory: int,
    report: Report | None = None,
    seconds: float = QUICK_SECONDS,
) -> Mapping[str, Json]:
    """Return the engine's answer; paths in the request are made absolute. Raises Refused, or InvalidProgram."""
    limits = EngineLimits(timeout_seconds=seconds, memory_bytes=memory, file_bytes_max=_FILE_BYTES_MAX)
    program = str(GNARK.path(system="circom"))
    return ask_engine(
        [program, command], request, workdir=workdir, limits=limits, answer_bytes_max=_ANSWER_BYTES_MAX, report=report
    )
