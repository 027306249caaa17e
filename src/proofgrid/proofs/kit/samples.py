"""What a proof system is tried with: a small program, inputs for it, and sources that are wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, runtime_checkable

from proofgrid.primitives.canonical import Json
from proofgrid.proofs.base import ProofSystem
from proofgrid.proofs.setup import TrustRoots


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What a client hands in to make a program."""

    files: Mapping[str, Path] = field(default_factory=dict)  #: by the names that `build_program` knows
    settings: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """Enough to try every call of a proof system; a second or so a job."""

    source: Source
    inputs: tuple[Json, ...]  #: two or more, with different proofs
    other: Source  #: of another program, which takes the same inputs and shares no circuit with the first
    trust: TrustRoots = field(default_factory=dict)
    malformed: tuple[Source, ...] = ()  #: each refused by `build_program`
    refused_inputs: tuple[Json, ...] = ()  #: each refused by `normalise`


@runtime_checkable
class OffersSamples(ProofSystem, Protocol):
    """A proof system that offers samples of its own, which the kit checks it with."""

    def samples(self, folder: Path) -> Samples:
        """Return samples; what files they need, trust roots included, is written below `folder`."""
        ...
