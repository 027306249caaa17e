"""The trust root of UltraHonk and of PLONK: the points of Aztec's Ignition ceremony, whose tau verifiers have built in.

    bn254_g1.dat   tau^i * G, 64 bytes each (x, y, big-endian); as many as the largest circuit has rows
    bn254_g2.dat   tau * G2, 128 bytes; the same for everybody, so it is written here

Nobody can make such points for development: a verifier refuses any other tau. They are looked for where Barretenberg
keeps them, then in the engine's wheel, and nothing is fetched.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from proofgrid.primitives.errors import InvalidField
from proofgrid.proofs.kit.engine_programs import GNARK, NOIR

IGNITION_BN254 = "ignition-bn254"
POINT_BYTES = 64
POINTS_FILE, TAU_FILE = "bn254_g1.dat", "bn254_g2.dat"
HINT = (
    f"put {POINTS_FILE} of Aztec's Ignition ceremony, as bb leaves it in ~/.bb-crs, into a folder,"
    " and name the folder by CRS_PATH, or by --srs-file"
)

GENERATOR = (1).to_bytes(32) + (2).to_bytes(32)
#: tau * G, and tau * G2: what tells this ceremony from any other.
_SECOND_POINT = bytes.fromhex(
    "2d360628289ff943ff6bd1a87bbe4e62abe7fb61ba83effd266f22bdcf31e6f9"
    "26b92a79e563c3f48252cce7feeca2f0f8d33dcb4ef7b0643bf07bd405700aaa"
)
TAU_G2 = bytes.fromhex(
    "0118c4d5b837bcc2bc89b5b398b5974e9f5944073b32078b7e231fec938883b0"
    "260e01b251f6f1c7e7ff4e580791dee8ea51d87a358e038b4efe30fac09383c1"
    "22febda3c0c0632a56475b4214e5615e11e6dd3f96e6cea2854a87d4dacc5e55"
    "04fc6369f7110fe3d25156c1bb9a72859cf2a04641f99ba4ee413c80da6a5fe4"
)
#: The first 2^15 points, by SHA-256: shorter files, and what follows, are known by the second point alone.
_PINNED_POINTS, _PINNED_SHA256 = 1 << 15, "50d2f4e9567be2b8e382cedfd078b96a3428a94597b7e88c4116e105d578ce77"


CARRIERS = (NOIR, GNARK)  #: engines in whose wheels they may lie


class IgnitionBn254:
    """Fits proofs.setup.Setup, and FindsRoot; see there for what each method promises."""

    kind = IGNITION_BN254

    def find(self) -> Path | None:
        """Return where Barretenberg keeps its points on this machine, or those that came with the engine."""
        named = os.environ.get("CRS_PATH")
        folder = Path(named) if named else Path.home() / ".bb-crs"
        if (folder / POINTS_FILE).is_file():
            return folder
        carried = (engine.carried(POINTS_FILE) for engine in CARRIERS)
        return next((path for path in carried if path is not None), None)

    def files(self, root: Path) -> dict[str, Path]:
        """Look whether the points are Ignition's; return none: everybody has the same, and each program has its own."""
        points_in(root)
        return {}

    def make_for_development(self, folder: Path, logrows: int, secret: bytes) -> None:
        """Refuse: nobody knows tau."""
        raise InvalidField("the points of Ignition cannot be made, only found", field="srs", hint=HINT)


def points_in(root: Path | None) -> Path:
    """Return the file of points in a folder, or the file itself; raise InvalidField unless it is Ignition's."""
    path = root / POINTS_FILE if root is not None and root.is_dir() else root
    if path is None or not path.is_file():
        raise InvalidField("proofs of this system rest on the points of Ignition", field="srs", hint=HINT)
    with path.open("rb") as file:
        head = file.read(_PINNED_POINTS * POINT_BYTES)
    whole = len(head) == _PINNED_POINTS * POINT_BYTES
    if head[: 2 * POINT_BYTES] != GENERATOR + _SECOND_POINT or (
        whole and hashlib.sha256(head).hexdigest() != _PINNED_SHA256
    ):
        raise InvalidField(f"{path.name} is not of Aztec's Ignition ceremony", field="srs", hint=HINT)
    return path


def pinned_points(root: Path | None) -> bytes:
    """Return the points whose digest is known, the first 2^15; nothing where there are fewer."""
    if root is None:
        return b""
    with points_in(root).open("rb") as file:
        points = file.read(_PINNED_POINTS * POINT_BYTES)
    return points if len(points) == _PINNED_POINTS * POINT_BYTES else b""
