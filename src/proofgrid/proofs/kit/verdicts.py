"""Calls that follow each other in one process: one that is refused has a verdict of its own, and the others go on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from proofgrid.primitives.errors import ProofgridError

Asked = TypeVar("Asked")
Outcome = TypeVar("Outcome")


def verdicts_of(call: Callable[[Asked], Outcome], asked: Iterable[Asked]) -> list[Outcome | ProofgridError]:
    """Return what each call returns, or which error of ours it raises; any other ends all of them."""
    verdicts: list[Outcome | ProofgridError] = []
    for one in asked:
        try:
            verdicts.append(call(one))
        except ProofgridError as error:
            verdicts.append(error)
    return verdicts
