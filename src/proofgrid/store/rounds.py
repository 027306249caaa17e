"""The rounds of the lanes: who may hold the next one, what it begins from, and what it decided."""

from __future__ import annotations

from dataclasses import dataclass

from proofgrid.primitives.digests import Digest
from proofgrid.primitives.ids import Lane
from proofgrid.store.queries import query


@dataclass(frozen=True, slots=True)
class RoundOpening:
    """What a lane's next round follows; of its first one there is no number, hash and reference."""

    lane: Lane  #: empty: nobody waits in any lane of the stack, and nothing else is known
    epoch: int | None  #: of this gateway's lead
    number: int | None  #: of the round before
    transcript_hash: Digest | None
    next_reference: int | None
    next_put_off: int | None  #: until the next job that waits for its time may be sold, ms
    first_reference: int | None  #: of the subnetwork; 0: it has none
    wide_reference: int | None  #: of the next round of the lane of the same class without constraints
    backed: bool | None  #: jobs of the lane are being proven


@dataclass(frozen=True, slots=True)
class LaneReference:
    """The reference price of a lane's next round, per PU; None: no round yet."""

    lane: Lane
    next_reference: int | None
    first_reference: int | None  #: of the subnetwork; 0: it has none


OPEN_STACK = query("open_stack", RoundOpening)
WRITE_ROUND = query("write_round", int)
REFERENCES_OF_LANES = query("references_of_lanes", LaneReference)
RECENT_BUY_PRICES = query("recent_buy_prices", int)
