"""How well a prover confines what strangers chose: a level that it publishes and that clients may demand.

    process      a process of its own: few variables, limits, killed as a group      every system
    rules        the kernel refuses it files, memory of others and the network       Linux with Landlock and seccomp
    namespaces   it sees no other process either, and nothing of it survives         Linux with bubblewrap besides

A prover measures its level at its start, by a probe that tries to escape. It is the operator's word: whoever owns a
machine reads what is proven there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum

from proofgrid.primitives.errors import InvalidField


class Confinement(StrEnum):
    """From the lowest to the highest; `UNKNOWN` is what provers say that know no levels."""

    UNKNOWN = ""
    PROCESS = "process"
    RULES = "rules"
    NAMESPACES = "namespaces"

    def is_at_least(self, other: Confinement) -> bool:
        """Does it hold what the other holds?"""
        return _ORDER[self] >= _ORDER[other]


class Escape(StrEnum):
    """What a confined process may get at."""

    ENVIRONMENT = "environment"  #: of its prover
    FILES = "files"  #: of its prover
    WRITING = "writing"  #: outside of its own folders
    NETWORK = "network"
    PROCESSES = "processes"  #: that are not its own, by their numbers
    SURVIVORS = "survivors"  #: what it started runs on


_ORDER = {level: number for number, level in enumerate(Confinement)}

#: What each level refuses.
REFUSED: Mapping[Confinement, frozenset[Escape]] = {
    Confinement.PROCESS: frozenset(),
    Confinement.RULES: frozenset({Escape.ENVIRONMENT, Escape.FILES, Escape.WRITING, Escape.NETWORK}),
    Confinement.NAMESPACES: frozenset(Escape),
}


def level_of(escapes: Iterable[Escape]) -> Confinement:
    """Return the highest level that holds where these escapes succeeded."""
    found = frozenset(escapes)
    return max((level for level, refused in REFUSED.items() if not refused & found), key=_ORDER.__getitem__)


def parse_confinement(text: str, *, field: str = "constraints.confinement") -> Confinement:
    """Return the level of a name; raise InvalidField for others."""
    try:
        return Confinement(text)
    except ValueError:
        names = ", ".join(level.value for level in Confinement if level.value)
        raise InvalidField(f"one of {names}", field=field) from None


def told_confinement(text: str) -> Confinement:
    """Return what a prover says of itself; a level that we do not know counts as none."""
    try:
        return Confinement(text)
    except ValueError:
        return Confinement.UNKNOWN
