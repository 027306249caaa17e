"""The points of Ignition as Barretenberg takes them: cut to a circuit's size, in a folder of their own."""

from __future__ import annotations

from pathlib import Path

from proofgrid.proofs.kit.ignition import GENERATOR, POINT_BYTES, POINTS_FILE, TAU_FILE, TAU_G2


def cut(points: Path, logrows: int, target: Path) -> None:
    """Write the first 2^logrows points."""
    with points.open("rb") as source, target.open("wb") as file:
        left = POINT_BYTES << logrows
        while left > 0 and (piece := source.read(min(left, 1 << 20))):
            file.write(piece)
            left -= len(piece)


def laid_out(folder: Path, points: Path | None) -> Path:
    """Return `folder`, filled as Barretenberg wants it: with a circuit's points, or what a verifier needs."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / TAU_FILE).write_bytes(TAU_G2)
    file = folder / POINTS_FILE
    file.unlink(missing_ok=True)
    if points is None:
        file.write_bytes(GENERATOR)
    else:
        file.symlink_to(points.absolute())
    return folder
