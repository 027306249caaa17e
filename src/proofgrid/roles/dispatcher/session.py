"""A connected prover, as the door that holds its stream and the desk that serves it both see it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from proofgrid.primitives.ids import Address, LeaseId, ProverId, SessionId
from proofgrid.rules.jobs.offers import SLOTS_MAX, ToProver

OUTGOING_MAX = 10_000


@dataclass(slots=True)
class Session:
    """One open stream. `outgoing` holds what to tell the prover; None says that the stream must end."""

    session_id: SessionId
    prover_id: ProverId
    operator: Address
    lanes: list[str]  #: that the prover serves
    dropped: list[LeaseId]  #: leases named in its hello that are not the prover's any more
    slots: int = SLOTS_MAX
    outgoing: asyncio.Queue[ToProver | None] = field(default_factory=lambda: asyncio.Queue(OUTGOING_MAX))
