"""ONNX models: the checks and passes that a gateway's worker applies to what a client hands in."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from random import Random

import onnx

from proofgrid.proofs.systems.ezkl.model.loading import load_model
from tests.fuzz.documents import scratch
from tests.fuzz.mutating import mutated_message

CASES = Path(__file__).parent.parent / "proofs" / "systems" / "ezkl" / "cases"
_SEED_BYTES_MAX = 600


def take_model(data: bytes) -> None:
    """Load a model."""
    path = scratch() / "model.onnx"
    path.write_bytes(data)
    load_model(path)


@cache
def models() -> list[bytes]:
    """The smallest of the models that other tests load."""
    found = [path.read_bytes() for path in sorted(CASES.glob("*.onnx"))]
    return [content for content in found if len(content) <= _SEED_BYTES_MAX]


def mutated_model(data: bytes, chance: Random) -> bytes:
    """Change some fields."""
    return mutated_message(onnx.ModelProto, data, chance)
