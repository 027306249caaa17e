"""A rule: which operators it looks at, and how it writes them in another way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from proofgrid.proofs.systems.ezkl.model.rewriting.site import Site


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One way to write nodes of some operators in equal nodes."""

    operators: tuple[str, ...]
    says: str  #: what it does, for people
    apply: Callable[[Site], str | None]  #: returns what stands for the first output, or None when it does not fit


def rule(operators: str, says: str) -> Callable[[Callable[[Site], str | None]], Rule]:
    """Make a rule of a function."""

    def made(apply: Callable[[Site], str | None]) -> Rule:
        return Rule(operators=tuple(operators.split()), says=says, apply=apply)

    return made
