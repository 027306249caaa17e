"""What Groth16 asks the engine besides: one function per command, and two kinds of failure (`kit.circom.engine`)."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path

from proofgrid.proofs.base import Report
from proofgrid.proofs.kit.asking import texts_in
from proofgrid.proofs.kit.circom.engine import (
    MEMORY_LEAST_BYTES,
    SETUP_SECONDS,
    Inputs,
    ask,
    memory_of_file,
    proof_of,
)

SYSTEM = "groth16"


def make_keys(r1cs: Path, proving_key: Path, verifying_key: Path, *, workdir: Path, report: Report) -> None:
    """Make keys whose secret nobody keeps, as the engine says; who made them could have kept it. Raises Refused."""
    request = {"r1cs": r1cs, "proving_key": proving_key, "verifying_key": verifying_key}
    ask("keygen", request, workdir=workdir, memory=memory_of_file(r1cs), report=report, seconds=SETUP_SECONDS)


def convert_keys(
    r1cs: Path, zkey: Path, proving_key: Path, verifying_key: Path, *, workdir: Path, report: Report
) -> None:
    """Write keys of snarkjs as gnark takes them; the same zkey gives the same files. Raises Refused."""
    request = {"r1cs": r1cs, "zkey": zkey, "proving_key": proving_key, "verifying_key": verifying_key}
    memory = memory_of_file(r1cs) + 8 * zkey.stat().st_size
    ask("zkey", request, workdir=workdir, memory=memory, report=report, seconds=SETUP_SECONDS)


def check_keys(source: Mapping[str, Path], *, memory: int, workdir: Path) -> None:
    """Raise Refused unless r1cs, wasm, proving_key and verifying_key may belong together."""
    ask("keys", source, workdir=workdir, memory=memory)


def prove(
    source: Mapping[str, Path], inputs: Inputs, *, snarkjs: bool, memory: int, workdir: Path, report: Report
) -> tuple[bytes, list[str]]:
    """Return a proof and its public values; `source`: r1cs, wasm, proving_key, which `snarkjs` made or gnark."""
    request = {**source, "inputs": inputs, "snarkjs": snarkjs}
    return proof_of("prove", request, memory=memory, workdir=workdir, report=report)


def words_of(curve: str, proof: bytes, *, workdir: Path) -> list[int]:
    """Return the eight coordinates of a proof, as contracts take them. Raises Refused."""
    request = {"curve": curve, "proof": base64.b64encode(proof).decode()}
    return [int(text) for text in texts_in(ask("words", request, workdir=workdir, memory=MEMORY_LEAST_BYTES), "words")]
