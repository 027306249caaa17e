"""What is said of what proves: proof systems, trust roots, and how well a job is shut in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from proofgrid.rules.diagnosis.finding import Finding, Role, fault, good, note
from proofgrid.rules.jobs.confinement import Confinement


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """A proof system that cannot be loaded here."""

    why: str
    hint: str  #: what gets it


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineFacts:
    """The proof systems, and what they rest on."""

    here: Mapping[str, str] = field(default_factory=dict)  #: engine by name
    missing: Mapping[str, Missing] = field(default_factory=dict)
    wanted: tuple[str, ...] = ()  #: by the settings of a prover; empty: all that are here
    points: str = ""  #: why the points of Ignition are not there, where systems need them
    points_hint: str = ""
    srs: str = ""  #: why the reference string of the settings cannot be used
    toolchains: Mapping[str, str] = field(default_factory=dict)  #: program -> where; empty: not there


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfinementFacts:
    """How a job is shut in here, as it was tried."""

    level: Confinement
    wished: Confinement
    has_landlock: bool
    has_bubblewrap: bool
    is_linux: bool


def judge_engines(facts: EngineFacts, role: Role) -> Iterator[Finding]:
    """Yield what is said of the proof systems."""
    for name, engine in facts.here.items():
        yield good("proof system", f"{name}: {engine}")
    for name, lack in facts.missing.items():
        if name in facts.wanted:
            yield fault("proof system", lack.why, lack.hint)
        else:
            yield note("proof system", lack.why, lack.hint)
    if not facts.here and role is not Role.CLIENT:
        yield fault("proof system", "none works here", "pip install 'proofgrid[ezkl]', or: proofgrid systems --build")
    if facts.points:
        yield note("points of Ignition", facts.points, facts.points_hint)
    if facts.srs:
        yield fault("reference string", facts.srs, "proofgrid srs import FILE --out ceremony, then --srs-file ceremony")
    if facts.missing:
        there = [name for name, where in facts.toolchains.items() if where]
        lacking = [name for name, where in facts.toolchains.items() if not where]
        yield good("toolchains", f"{', '.join(there) or 'none'}; not here: {', '.join(lacking) or 'none'}")


def judge_confinement(facts: ConfinementFacts) -> Finding:
    """Return what is said of how a job is shut in."""
    said = f"jobs are shut in by: {facts.level or 'nothing'}"
    if facts.level.is_at_least(facts.wished) and facts.level is not Confinement.UNKNOWN:
        return good("confinement", said)
    if not facts.is_linux:
        return note("confinement", f"{said}; more needs Linux")
    if not facts.has_landlock:
        return note("confinement", f"{said}; the kernel has no Landlock", "a kernel from 5.13 on, with lsm=landlock")
    if not facts.has_bubblewrap and facts.wished is Confinement.NAMESPACES:
        return note("confinement", said, "apt install bubblewrap")
    return note(
        "confinement", f"{said}; the machine refuses namespaces", "sysctl -w kernel.unprivileged_userns_clone=1"
    )
