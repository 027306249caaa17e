"""A gateway as one of several behind one address: siblings, each a process of its own (docs/decisions/0047)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from proofgrid.primitives.ids import GatewayId
from proofgrid.roles.chores import Chores
from proofgrid.telemetry.metrics.snapshot import Snapshot


def _say_nothing(_gateway_id: GatewayId) -> None:
    """Nobody waits for a gateway that stands alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sibling:
    """Which of how many this process is, and what it does for all of them."""

    count: int = 1
    chores: Chores = field(default_factory=Chores.of_one)
    on_prepared: Callable[[GatewayId], None] = _say_nothing  #: it could accept calls; it does once it knows who lives
    on_counted: Callable[[Snapshot], None] | None = None  #: who shows the numbers of all; None: each shows its own
    dead: asyncio.Queue[GatewayId] = field(default_factory=asyncio.Queue)  #: siblings that this one is to strike off

    @property
    def number(self) -> int | None:
        """From 1; None: it stands alone."""
        return self.chores.number if self.count > 1 else None

    def cache_below(self, data_dir: Path) -> Path:
        """Return its folder for fetched artifacts: one process evicts what another may be using."""
        return data_dir / ("cache" if self.chores.number == 1 else f"cache-{self.chores.number}")
