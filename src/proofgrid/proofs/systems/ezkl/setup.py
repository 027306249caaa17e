"""The trust root of KZG commitments on BN254, in the format of the engine: one file, or a folder of kzg<k>.srs."""

from __future__ import annotations

from pathlib import Path

from proofgrid.proofs.systems.ezkl.circuits.development import SIZES_FILE, begin_development_srs
from proofgrid.proofs.systems.ezkl.circuits.srs import reference_strings

KZG_BN254 = "kzg-bn254"


class KzgBn254:
    """Fits proofs.setup.Setup; see there for what each method promises."""

    kind = KZG_BN254

    def files(self, root: Path) -> dict[str, Path]:
        """Return the files by their sizes, as ceremonies name them; one for development also says which there are."""
        strings = reference_strings(root)
        files = {f"kzg{logrows}.srs": file for logrows, file in sorted(strings.files.items())}
        sizes = root / SIZES_FILE
        return {**files, SIZES_FILE: sizes} if sizes.is_file() else files

    def make_for_development(self, folder: Path, logrows: int, secret: bytes) -> None:
        """Offer every usual size; each is made when a program first needs it."""
        begin_development_srs(folder, logrows, secret)
