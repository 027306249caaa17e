"""A finding: one thing about a machine, how bad it is, and the one command that mends it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

MIB = 1 << 20
GIB = 1 << 30


class Role(StrEnum):
    """What the machine is to be."""

    CLIENT = "client"
    PROVER = "prover"
    GATEWAY = "gateway"


class Verdict(StrEnum):
    """How bad it is, from the best to the worst."""

    GOOD = "good"
    NOTE = "note"  #: works, and there is something better
    FAULT = "fault"  #: it will not work


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing about a machine."""

    what: str  #: a stable name, such as `disk`
    verdict: Verdict
    said: str
    mend: str = ""  #: the one command, or the one thing to do; of every fault, and of notes where there is one


def good(what: str, said: str) -> Finding:
    """Return that something is as it should be."""
    return Finding(what=what, verdict=Verdict.GOOD, said=said)


def note(what: str, said: str, mend: str = "") -> Finding:
    """Return that something works, and what would be better."""
    return Finding(what=what, verdict=Verdict.NOTE, said=said, mend=mend)


def fault(what: str, said: str, mend: str) -> Finding:
    """Return that something does not work, and what mends it."""
    return Finding(what=what, verdict=Verdict.FAULT, said=said, mend=mend)


def is_well(findings: Iterable[Finding]) -> bool:
    """Is there no fault?"""
    return all(one.verdict is not Verdict.FAULT for one in findings)


def size_text(size: int) -> str:
    """Return bytes as people read them."""
    return f"{size / GIB:.1f} GiB" if size >= GIB else f"{size // MIB} MiB"
