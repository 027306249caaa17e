"""The trust root of KZG commitments on BN254, in the format of the engine: one file, or a folder of kzg<k>.srs."""

from __future__ import annotations

from pathlib import Path

from proofgrid.proofs.systems.ezkl.circuits.development import make_development_srs_folder
from proofgrid.proofs.systems.ezkl.circuits.srs import srs_files

KZG_BN254 = "kzg-bn254"


class KzgBn254:
    """Fits proofs.setup.Setup; see there for what each method promises."""

    kind = KZG_BN254

    def files(self, root: Path) -> dict[str, Path]:
        """Return the files by their sizes, as ceremonies name them."""
        return {f"kzg{logrows}.srs": file for logrows, file in sorted(srs_files(root).items())}

    def make_for_development(self, folder: Path, logrows: int) -> None:
        """Make a file for every usual size."""
        make_development_srs_folder(folder, logrows)
