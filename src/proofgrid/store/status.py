"""What is connected, and what waits in the lanes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from proofgrid.primitives.ids import Address, Lane, ProverId
from proofgrid.store.queries import query


@dataclass(frozen=True, slots=True)
class ConnectedProver:
    """A prover with an open session."""

    prover_id: ProverId
    operator: Address
    region: str
    confinement: str  #: as it told; empty: it does not know
    asks: Mapping[str, int]  #: proof system -> least price per PU
    slots: int
    busy: int
    seen_ms: int
    jobs_proven: int
    jobs_failed: int
    state: str  #: serving, or why nothing is sold to it: silent, draining, paused


@dataclass(frozen=True, slots=True)
class LaneStatus:
    """A lane that had a round."""

    lane: Lane
    rounds: int
    next_reference: int | None  #: base units per PU
    ready_units: int  #: of jobs that wait


LIST_PROVERS = query("list_provers", ConnectedProver)
LANE_STATUSES = query("lane_statuses", LaneStatus)
