"""Finds the installed proof systems through Python entry points; one whose engine is missing is named, and left out."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from importlib.metadata import EntryPoint, entry_points

from proofgrid.primitives.errors import UnknownProofSystem
from proofgrid.primitives.ids import Engine
from proofgrid.proofs.base import Program, ProofSystem
from proofgrid.proofs.offers import SpansSystems
from proofgrid.proofs.setup import Setup, setups_of
from proofgrid.rules.jobs.engines import engine_of

GROUP = "proofgrid.proof_systems"


def installed_names() -> list[str]:
    """Return the names of the proof systems that can be loaded here, sorted."""
    missing = missing_systems()
    return [name for name in _names() if name not in missing]


def proven_names() -> list[str]:
    """Return the names of the proof systems whose jobs are sold to provers, sorted."""
    return [name for name in installed_names() if not isinstance(proof_system(name), SpansSystems)]


def missing_systems() -> dict[str, UnknownProofSystem]:
    """Return why proof systems that are named here cannot be loaded, by their names: what they need is missing."""
    missing = {}
    for name in _names():
        try:
            proof_system(name)
        except UnknownProofSystem as error:
            missing[name] = error
    return missing


def installed_setups() -> dict[str, Setup]:
    """Return the kinds of trust roots that the installed proof systems need, by their names."""
    return {setup.kind: setup for name in installed_names() for setup in setups_of(proof_system(name))}


def other_systems(name: str) -> list[ProofSystem]:
    """Return the proof systems that can be loaded here, without the one of this name, which asks."""
    others = []
    for other in _names():
        if other != name:
            with suppress(UnknownProofSystem):
                others.append(proof_system(other))
    return others


def engine_here(name: str) -> Engine:
    """Return the engine of an installed proof system; raises what `proof_system` raises."""
    return engine_of(name, proof_system(name).describe().engine)


def engines_here() -> dict[str, Engine]:
    """Return the engines of the proof systems that can be loaded here and whose jobs are sold, by system."""
    return {name: engine_here(name) for name in proven_names()}


def with_unversioned(engines: Mapping[str, Engine]) -> frozenset[str]:
    """Return engines by system, and besides the systems alone, as jobs from before versions were told name them."""
    return frozenset([*engines, *engines.values()])


def systems_of(program: Program) -> tuple[str, ...]:
    """Return by slice, and wrap, the name of the system whose provers prove it; see SpansSystems."""
    system = proof_system(program.proof_system)
    if isinstance(system, SpansSystems):
        return system.systems_of(program)
    return (program.proof_system,) * (len(program.slices) + len(program.wraps))


def proof_system(name: str) -> ProofSystem:
    """Return the installed proof system of this name; what is installed is looked at once (see `look_again`).

    Raises UnknownProofSystem when there is none, or when something that it needs is missing here: its hint helps.
    """
    if name not in _points():
        known = ", ".join(installed_names()) or "none"
        raise UnknownProofSystem(
            f"no proof system {name!r} is installed", field="proof_system", hint=f"installed: {known}"
        )
    found = _found(name)
    if isinstance(found, UnknownProofSystem):
        raise found.with_traceback(None)
    return found


def look_again() -> None:
    """Forget which proof systems are here, after packages or engines have come or gone."""
    _points.cache_clear()
    _found.cache_clear()


@cache
def _found(name: str) -> ProofSystem | UnknownProofSystem:
    """Return a proof system that is named here, or why it cannot be loaded."""
    point = _points()[name]
    try:
        made: object = point.load()()
    except ImportError as error:
        package = point.dist.name if point.dist else point.value
        return UnknownProofSystem(
            f"{point.name} is not installed here: {error}",
            field="proof_system",
            hint=f"the package {package} brings it: install what that needs too",
        )
    if not isinstance(made, ProofSystem):
        raise TypeError(f"entry point {point.value} does not fit proofgrid.proofs.base.ProofSystem")
    return made


@cache
def _points() -> dict[str, EntryPoint]:
    """Return the entry points of proof systems by their names: the first of a name counts."""
    return {point.name: point for point in reversed(tuple(entry_points(group=GROUP)))}


def _names() -> list[str]:
    return sorted(_points())
