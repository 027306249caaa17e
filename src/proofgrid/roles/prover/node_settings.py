"""What a prover offers, how it works and where it keeps its files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from proofgrid.roles.prover.warmth import WarmBounds
from proofgrid.rules.jobs.classes import JobClass
from proofgrid.rules.jobs.confinement import Confinement
from proofgrid.rules.jobs.engines import system_of


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSettings:
    """What a prover offers and where it keeps its files."""

    name: str
    asks: Mapping[str, int]  #: engine -> least base units per PU
    classes: tuple[JobClass, ...]
    slots: int
    cores: int  #: per job; handed to the engine
    memory_bytes: int
    region: str
    directory: Path  #: cache and scratch
    cache_bytes: int = 20 << 30  #: of files
    keys_bytes: int = 20 << 30  #: of keys that were derived once, besides those in use
    class_asks: Mapping[str, Mapping[JobClass, int]] = field(default_factory=dict)  #: engine -> class -> another ask
    units_min: int = 0  #: of one job
    reserve_price: int = 0  #: least base units per PU of slots offered ahead, for firm quotes
    reserve_slots: int = 0
    subnetworks: tuple[str, ...] = ()  #: that it serves; empty: the common lanes
    check_at_start: bool = True  #: at the start, unless this engine passed it here before
    warm: WarmBounds | None = field(default_factory=WarmBounds)  #: None: every job has a child of its own
    confinement: Confinement = Confinement.NAMESPACES  #: the highest to try
    failures_max: int = 3  #: of its own children in a row, before it rests and checks itself; 0: never

    @property
    def systems(self) -> tuple[str, ...]:
        """The proof systems that it offers."""
        return tuple(system_of(engine) for engine in self.asks)

    @property
    def keys(self) -> Path:
        """Where keys that were derived once are kept."""
        return self.directory / "keys"

    @property
    def scratch(self) -> Path:
        """Where jobs work."""
        return self.directory / "scratch"
