"""A task from close by, and an operator's own affairs: leases, transfers, earnings, and what its provers meet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from proofgrid.primitives.ids import JobId, Lane, ProverId
from proofgrid.rules.jobs.lifecycle import LeaseState
from proofgrid.store.ledger import PostedTransfer
from proofgrid.store.queries import query


@dataclass(frozen=True, slots=True)
class LeaseOfTask:
    """A lease that a job has or had; times are ms since the epoch, 0 for what did not happen."""

    job_id: JobId
    prover_id: ProverId
    kind: str  #: first or hedge
    state: LeaseState
    lane: Lane
    round: int
    units: int
    buy_price: int  #: base units per PU
    granted_ms: int
    started_ms: int
    reported_ms: int
    ended_ms: int
    reason: str
    permille: int


@dataclass(frozen=True, slots=True)
class EarnedOnDay:
    """What came to an account on a day, for a reason."""

    day_ms: int
    reason: str
    amount: int  #: base units
    number: int


@dataclass(frozen=True, slots=True)
class SessionOfOperator:
    """A connected prover of an operator, with what it serves."""

    prover_id: ProverId
    asks: Mapping[str, int]  #: engine -> least price per PU
    class_asks: Mapping[str, Mapping[str, int]]  #: engine -> class -> price, where it differs
    classes: tuple[str, ...]
    subnetworks: tuple[str, ...]
    slots: int
    busy: int
    seen_ms: int
    is_silent: bool
    draining: bool
    paused_until_ms: int

    def asks_by_lane(self) -> dict[str, int]:
        """Return the price that it asks in each lane that it serves."""
        return {
            f"{subnetwork}/{engine}/{job_class}": self.class_asks.get(engine, {}).get(job_class, price)
            for subnetwork in self.subnetworks
            for engine, price in self.asks.items()
            for job_class in self.classes
        }


@dataclass(frozen=True, slots=True)
class BidsOfLane:
    """What is for sale in a lane."""

    lane: Lane
    jobs: int
    best_bid: int  #: base units per PU


@dataclass(frozen=True, slots=True)
class SalesAtAsk:
    """What an ask would have met in a lane's rounds."""

    lane: Lane
    sales: int  #: rounds that sold something
    within: int  #: of these, in how many operators got as much
    units: int  #: that those sold
    best_price: int  #: the most that operators got per PU


LEASES_OF_TASK = query("leases_of_task", LeaseOfTask)
TRANSFERS_OF_TASK = query("transfers_of_task", PostedTransfer)
EARNED_BY_DAY = query("earned_by_day", EarnedOnDay)
SESSIONS_OF_OPERATOR = query("sessions_of_operator", SessionOfOperator)
BIDS_OF_LANES = query("bids_of_lanes", BidsOfLane)
SALES_AT_ASK = query("sales_at_ask", SalesAtAsk)
