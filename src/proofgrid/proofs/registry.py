"""Finds the installed proof systems through Python entry points."""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points

from proofgrid.primitives.errors import UnknownProofSystem
from proofgrid.proofs.base import ProofSystem
from proofgrid.proofs.setup import Setup, setups_of

GROUP = "proofgrid.proof_systems"


def installed_names() -> list[str]:
    """Return the names of all installed proof systems, sorted, without importing them."""
    return sorted(point.name for point in entry_points(group=GROUP))


def installed_setups() -> dict[str, Setup]:
    """Return the kinds of trust roots that the installed proof systems need, by their names."""
    return {setup.kind: setup for name in installed_names() for setup in setups_of(proof_system(name))}


@cache
def proof_system(name: str) -> ProofSystem:
    """Return the installed proof system of this name; raise UnknownProofSystem when there is none."""
    for point in entry_points(group=GROUP, name=name):
        made = point.load()()
        if not isinstance(made, ProofSystem):
            raise TypeError(f"entry point {point.value} does not fit proofgrid.proofs.base.ProofSystem")
        return made
    known = ", ".join(installed_names()) or "none"
    raise UnknownProofSystem(f"no proof system {name!r} is installed", field="proof_system", hint=f"installed: {known}")
