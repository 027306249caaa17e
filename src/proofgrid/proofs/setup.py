"""Trust roots: what keys rest on and no program can derive, such as the string that a ceremony left.

A *kind* names one in one format, such as "kzg-bn254". A proof system that needs some says so in `setups`; it is given
them by kind when it builds. The network publishes their files, so that anybody can build the same program.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

TrustRoots = Mapping[str, Path]  #: by kind: the file or folder that whoever runs this machine gave for it


class Setup(Protocol):
    """One kind of trust root: which files it is made of, and how to make one for development."""

    kind: str

    def files(self, root: Path) -> Mapping[str, Path]:
        """Return a root's files by the names under which clients fetch them.

        Names of different kinds differ. Raises InvalidField when there are none, or one is malformed.
        """
        ...

    def make_for_development(self, folder: Path, logrows: int, secret: bytes) -> None:
        """Fill `folder` with a root for programs of up to 2^logrows rows, or with what it takes to make it when needed.

        `secret` is the network's: what is drawn is drawn from it, so that all gateways have the same root.
        What is there already is kept. Builds may add files later; `files` gives those that are there.
        Whoever made one could forge proofs, so those who call this say so loudly. Blocks, and may take all the CPU.
        """
        ...


@runtime_checkable
class FindsRoot(Protocol):
    """What a kind may offer besides, whose roots nobody can make: to find one that the machine has anyway."""

    def find(self) -> Path | None:
        """Return where a root lies on this machine; None when there is none."""
        ...


@runtime_checkable
class NeedsSetup(Protocol):
    """What a proof system says besides when its programs rest on trust roots."""

    setups: tuple[Setup, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupChoice:
    """What whoever runs a gateway chose for one kind."""

    name: str  #: what its settings begin with, and what the folder of one for development is called after
    file: Path | None = None  #: a ceremony's file or folder; None: one for development is made
    logrows: int = 20  #: the largest size of one for development


def setups_of(system: object) -> tuple[Setup, ...]:
    """Return the kinds of trust roots that a proof system needs."""
    return system.setups if isinstance(system, NeedsSetup) else ()
