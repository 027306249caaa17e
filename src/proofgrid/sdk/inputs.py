"""Inputs of a request: out of files, and as the text in which they travel."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from proofgrid.primitives.canonical import Json
from proofgrid.proofs.kit.input_files import read_batch
from proofgrid.wire.v1.quotes_pb2 import QuoteRequest


def read_inputs(path: Path) -> list[Json]:
    """Return the inputs in a file of JSON, EZKL's input_data, NPY, NPZ or CSV; raise InvalidInput naming the place."""
    return read_batch(path.read_bytes(), field=f"inputs ({path})")


def inputs_json(inputs: Sequence[object]) -> str:
    """Return the inputs as JSON; arrays of NumPy, and whatever else has `tolist`, become lists."""
    return json.dumps(list(inputs), separators=(",", ":"), default=_as_list)


def quote_request(digest: str, inputs: Sequence[object], hold_ms: int, aggregate: bool) -> QuoteRequest:
    """Return what is asked for a quote, on the network's own terms."""
    return QuoteRequest(program_digest=digest, inputs_json=inputs_json(inputs), hold_ms=hold_ms, aggregate=aggregate)


def _as_list(value: object) -> object:
    tolist = getattr(value, "tolist", None)
    if tolist is None:
        raise TypeError(f"an input holds a {type(value).__name__}, which is neither a number nor an array")
    return tolist()
