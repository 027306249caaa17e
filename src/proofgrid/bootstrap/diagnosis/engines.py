"""Looks at what proves here: proof systems, what they rest on, and how well a job is shut in."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from proofgrid.primitives.errors import InvalidField
from proofgrid.proofs.confinement import files
from proofgrid.proofs.confinement.kernel import IS_LINUX
from proofgrid.proofs.confinement.namespaces import find_bubblewrap
from proofgrid.proofs.kit.ignition import HINT, IGNITION_BN254
from proofgrid.proofs.registry import installed_names, installed_setups, missing_systems, proof_system
from proofgrid.proofs.setup import FindsRoot
from proofgrid.roles.prover.probe import measured
from proofgrid.rules.diagnosis.engines import ConfinementFacts, EngineFacts, Missing
from proofgrid.rules.jobs.confinement import Confinement

TOOLCHAINS = ("go", "node", "npm", "cargo", "circom", "nargo")


def look_at_engines(wanted: tuple[str, ...], srs_file: Path | None) -> EngineFacts:
    """Return which proof systems work here, what the others lack, and whether what they rest on is there."""
    return EngineFacts(
        here={name: proof_system(name).describe().engine for name in installed_names()},
        missing={name: Missing(why=error.detail, hint=error.hint) for name, error in missing_systems().items()},
        wanted=wanted,
        points=_points(srs_file),
        points_hint=HINT,
        srs=_srs(srs_file),
        toolchains={name: shutil.which(name) or "" for name in TOOLCHAINS},
    )


def _points(srs_file: Path | None) -> str:
    setup = installed_setups().get(IGNITION_BN254)
    if not isinstance(setup, FindsRoot):
        return ""
    named = srs_file if srs_file is not None and (srs_file / "bn254_g1.dat").is_file() else None
    root = named or setup.find()
    if root is None:
        return "not found: noir and plonk need bn254_g1.dat"
    try:
        setup.files(root)
    except InvalidField as reason:
        return reason.detail
    return ""


def _srs(srs_file: Path | None) -> str:
    if srs_file is None or srs_file.is_file() or (srs_file.is_dir() and any(srs_file.iterdir())):
        return ""
    return f"there is nothing at {srs_file}"


async def look_at_confinement(wished: Confinement) -> ConfinementFacts:
    """Try to break out of a cell, and return what holds."""
    with tempfile.TemporaryDirectory(prefix="proofgrid-doctor-") as folder:
        level, _ = await measured(Path(folder), wished)
    return ConfinementFacts(
        level=level,
        wished=wished,
        has_landlock=files.version() > 0,
        has_bubblewrap=bool(find_bubblewrap()),
        is_linux=IS_LINUX,
    )
