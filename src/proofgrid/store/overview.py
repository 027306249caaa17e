"""What anybody may see of the market: lanes, prices, capacity and times; rounds; bonds and slashes of operators."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from proofgrid.primitives.digests import Digest
from proofgrid.primitives.ids import Address, Lane, ProverId
from proofgrid.rules.staking.slashing import SlashReason
from proofgrid.store.queries import query
from proofgrid.store.record import RoundView


@dataclass(frozen=True, slots=True)
class LaneOfOverview:
    """A lane that had rounds, and where its price stands."""

    lane: Lane
    rounds: int
    reference_price: int | None  #: base units per PU
    round_ms: int  #: when the latest was


@dataclass(frozen=True, slots=True)
class Capacity:
    """What connected provers serve in a lane."""

    lane: Lane
    provers: int
    slots: int
    busy: int  #: of these slots
    least_ask: int  #: base units per PU


@dataclass(frozen=True, slots=True)
class Waiting:
    """What is for sale in a lane."""

    lane: Lane
    jobs: int
    units: int
    oldest_ms: int  #: when its task was accepted


@dataclass(frozen=True, slots=True)
class ProvenInLane:
    """What was proven in a lane."""

    lane: Lane
    jobs: int
    units: int


@dataclass(frozen=True, slots=True)
class Punctuality:
    """How long tasks took; None: so many got nothing that the percentile is a miss."""

    lane: Lane
    tasks: int
    misses: int
    p50_ms: int | None
    p95_ms: int | None
    p99_ms: int | None


@dataclass(frozen=True, slots=True)
class PricePoint:
    """What rounds of a short time came to; base units per PU."""

    lane: Lane
    at_ms: int
    buy_price: int
    sell_price: int
    units: int


@dataclass(frozen=True, slots=True)
class RoundLine:
    """A round in a list."""

    number: int
    buy_price: int
    sell_price: int
    units: int
    bids: int
    asks: int
    at_ms: int
    next_reference: int | None


@dataclass(frozen=True, slots=True)
class BondOfOperator:
    """What an operator has at stake, in base units."""

    operator: Address
    balance: int  #: with the network
    staked: int  #: what stake on a chain adds to it


@dataclass(frozen=True, slots=True)
class Slash:
    """What was taken of a bond, and for what."""

    evidence_id: UUID
    kind: SlashReason
    operator: Address
    prover_id: ProverId
    program_digest: Digest
    amount: int  #: base units
    at_ms: int
    state: str  #: stands, appealed, upheld, overturned
    given_back: int
    can_be_verified: bool  #: by anybody who has the evidence: a claim was signed


LANES_OF_OVERVIEW = query("lanes_of_overview", LaneOfOverview)
CAPACITY_OF_LANES = query("capacity_of_lanes", Capacity)
WAITING_IN_LANES = query("waiting_in_lanes", Waiting)
PROVEN_IN_LANES = query("proven_in_lanes", ProvenInLane)
PUNCTUALITY_OF_LANES = query("punctuality_of_lanes", Punctuality)
PRICES_OF_LANES = query("prices_of_lanes", PricePoint)
ROUNDS_OF_LANE = query("rounds_of_lane", RoundLine)
ROUND_OF_LANE = query("round_of_lane", RoundView)
OPEN_SUBNETWORKS = query("open_subnetworks", str)
BONDS_OF_OPERATORS = query("bonds_of_operators", BondOfOperator)
LATEST_SLASHES = query("latest_slashes", Slash)
