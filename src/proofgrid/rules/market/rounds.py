"""One round of one lane, from what waits to who proves what at which price; and its replay by anybody.

    inputs -> orders (round_orders) -> clearing (dara) -> placements (scheduling) -> transcript
                                            |-> next reference

Rules, beside those of the modules named above:

* A bid buys whole jobs. A job that lands on a prover that is excluded for it moves to another one that is still in
  and has room; when there is none the job stays unsold, its task does not pay for it, and the other jobs trade. This
  looks at ranks, sizes and who is still in, never at a price, so no price is rewarded or punished by it. Lots see to
  it that such a job is not left over for ever (scheduling.exclusion).
* A round in which one side is empty takes no orders and leaves the reference price as it is: a lane that is merely
  full, or merely without work, says nothing about the price, and rounds may follow each other every 100 ms.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from proofgrid.rules.market.clearing import clear_book
from proofgrid.rules.market.dara import Clearing
from proofgrid.rules.market.reference import next_reference
from proofgrid.rules.market.round_orders import RoundInputs, RoundOrders, orders_of
from proofgrid.rules.market.transcript import Transcript, surplus_of, transcript_hash, write_transcript
from proofgrid.rules.market.transcript_reading import TranscriptMismatch, first_difference, read_inputs
from proofgrid.rules.scheduling.demand_and_supply import JobDemand, ProverSupply, TaskDemand
from proofgrid.rules.scheduling.placement import Placement, Stretch, place_jobs

__all__ = [
    "JobDemand",
    "Placement",
    "ProverSupply",
    "RoundInputs",
    "RoundOutcome",
    "TaskDemand",
    "Transcript",
    "TranscriptMismatch",
    "replay",
    "run_round",
    "transcript_hash",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundOutcome:
    """What a round decided."""

    lane: str
    number: int
    clearing: Clearing
    placements: tuple[Placement, ...]
    unsold: tuple[str, ...]  #: ids of jobs whose bid won, but which no prover still in may run or has room for
    buy_price: int  #: clients pay this per unit of every placed job
    sell_price: int  #: operators receive this per unit; those carried from above at most what they had there
    next_reference: int | None
    transcript_text: str  #: canonical JSON, the text that is hashed and signed
    bids: int  #: that entered
    took_part: frozenset[str]  #: provers whose asks entered
    unsold_slots: dict[str, int]  #: provers still in -> slots that no job was placed on

    @property
    def transcript(self) -> Transcript:
        """The transcript as a value, read from its text."""
        transcript: Transcript = json.loads(self.transcript_text)
        return transcript

    @property
    def surplus(self) -> int:
        """What the treasury keeps once every placed job is paid; unsold jobs are not paid for."""
        return surplus_of(self.buy_price, self.placements)


def run_round(inputs: RoundInputs) -> RoundOutcome:
    """Run one round. Pure: the same inputs, in any order, give the same outcome and the same transcript."""
    orders = orders_of(inputs)
    clearing = clear_book(orders.bids, orders.asks, orders.rules)
    placements, unsold = place_jobs(_winners(orders, clearing), _line(orders, clearing))
    following = next_reference(inputs.reference, clearing, orders.bids, orders.asks)

    return RoundOutcome(
        lane=inputs.lane,
        number=inputs.number,
        clearing=clearing,
        placements=placements,
        unsold=unsold,
        buy_price=clearing.buy_price,
        sell_price=clearing.sell_price,
        next_reference=following,
        transcript_text=write_transcript(inputs, orders, clearing, placements, unsold, following),
        bids=len(orders.bids),
        took_part=frozenset(supply.prover_id for supply in orders.supplies),
        unsold_slots=_unsold_slots(orders, clearing, placements),
    )


def replay(transcript: object) -> None:
    """Recompute a round from its recorded orders; raise TranscriptMismatch naming the first field that differs."""
    recomputed = run_round(read_inputs(transcript)).transcript
    where = first_difference(transcript, recomputed)
    if where is not None:
        raise TranscriptMismatch("the recorded round gives another value for this field", field=where)


def _winners(orders: RoundOrders, clearing: Clearing) -> list[tuple[str, tuple[JobDemand, ...]]]:
    return [(task_id, orders.covered[task_id]) for task_id, _ in clearing.bought]


def _line(orders: RoundOrders, clearing: Clearing) -> list[Stretch]:
    capacities = {ask.order_id: ask.units for ask in orders.asks}
    prices_max = {supply.prover_id: supply.carried.price_max for supply in orders.supplies if supply.carried}
    return [
        Stretch(
            prover_id=prover_id,
            sold_units=capacities[prover_id] - unsold_units,
            capacity_units=capacities[prover_id],
            sell_price=min(clearing.sell_price, prices_max.get(prover_id, clearing.sell_price)),
        )
        for prover_id, unsold_units in clearing.still_in
    ]


def _unsold_slots(orders: RoundOrders, clearing: Clearing, placements: Sequence[Placement]) -> dict[str, int]:
    slots = {supply.prover_id: supply.free_slots for supply in orders.supplies}
    capacities = {ask.order_id: ask.units for ask in orders.asks}
    used: dict[str, int] = defaultdict(int)
    for placement in placements:
        used[placement.prover_id] += placement.units
    return {
        prover_id: unsold_slots(slots[prover_id], units=capacities[prover_id], used=used[prover_id])
        for prover_id, _ in clearing.still_in
    }


def unsold_slots(slots: int, *, units: int, used: int) -> int:
    """Return how many of a prover's slots are left whole, when jobs of `used` units run on its `units` of capacity.

    Its last job may reach beyond its own stretch of the line, so more can be used than there is.
    """
    return max(0, slots + -used // (units // slots))
