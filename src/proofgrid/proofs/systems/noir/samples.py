"""A tiny program of our own: what a machine, or a change of the code, is checked with."""

from __future__ import annotations

from pathlib import Path

from proofgrid.primitives.canonical import Json, canonical_json
from proofgrid.proofs.kit.ignition import IGNITION_BN254
from proofgrid.proofs.kit.packages import FORMAT
from proofgrid.proofs.kit.samples import Samples, Source

_PROGRAM = """\
// `unused` stands in no constraint and is bound all the same.
fn main(a: [u8; 3], b: u32, limit: pub u32, unused: pub Field) -> pub u32 {{
    let product = a[0] as u32 * a[1] as u32 * a[2] as u32 * b;
    assert(product > limit, "the product is too small");
    product + {more}
}}
"""
_RIGHT: dict[str, Json] = {"a": [2, 3, 5], "b": 7, "limit": 9, "unused": 1}


def samples(folder: Path, points: Path | None) -> Samples:
    """Return samples; `points`: where Ignition's are, without which nothing is built."""
    source = _packed(folder / "package.json", more=0)
    return Samples(
        source=source,
        inputs=(_RIGHT, {**_RIGHT, "b": "0x08", "unused": "21"}),
        other=_packed(folder / "other.json", more=1),
        trust={} if points is None else {IGNITION_BN254: points},
        malformed=(
            Source(files={"package": _written(folder / "lost.json", "fn main(")}),
            Source(files=source.files, settings={"package": "elsewhere"}),
        ),
        refused_inputs=(
            1,
            None,
            {},
            {**_RIGHT, "more": 1},
            {**_RIGHT, "a": [2, 3]},
            {**_RIGHT, "a": [2, 3, 256]},
            {**_RIGHT, "b": -1},
            {**_RIGHT, "b": True},
            {**_RIGHT, "b": 1.5},
            {**_RIGHT, "b": 1 << 32},
            {**_RIGHT, "b": "07"},
            {**_RIGHT, "limit": 1000},  # the program's own assertion
            {**_RIGHT, "b": 1 << 31},  # the product overflows
        ),
    )


def _packed(path: Path, *, more: int) -> Source:
    return Source(files={"package": _written(path, _PROGRAM.format(more=more))})


def _written(path: Path, program: str) -> Path:
    path.write_bytes(canonical_json({"format": FORMAT, "files": {"main.nr": program}}))
    return path
