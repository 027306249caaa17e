"""One round of one lane as the first edition held it, and its replay by anybody."""

from __future__ import annotations

import json

from proofgrid.rules.market.clearing import clear_book
from proofgrid.rules.market.dara import Clearing
from proofgrid.rules.market.edition_1.placement import Stretch, place_jobs
from proofgrid.rules.market.edition_1.round_orders import RoundInputs, RoundOrders, orders_of
from proofgrid.rules.market.edition_1.transcript import write_transcript
from proofgrid.rules.market.edition_1.transcript_reading import read_inputs
from proofgrid.rules.market.reference import next_reference
from proofgrid.rules.market.transcript_reading import Transcript, TranscriptMismatch, first_difference
from proofgrid.rules.scheduling.demand_and_supply import JobDemand


def replay(transcript: Transcript) -> None:
    """Recompute a round from its recorded orders; raise TranscriptMismatch naming the first field that differs."""
    where = first_difference(transcript, json.loads(run_round(read_inputs(transcript))))
    if where is not None:
        raise TranscriptMismatch("the recorded round gives another value for this field", field=where)


def run_round(inputs: RoundInputs) -> str:
    """Run one round; return its transcript."""
    orders = orders_of(inputs)
    clearing = clear_book(orders.bids, orders.asks, orders.rules)
    placements, unsold = place_jobs(_winners(orders, clearing), _line(orders, clearing))
    following = next_reference(inputs.reference, clearing, orders.bids, orders.asks)
    return write_transcript(inputs, orders, clearing, placements, unsold, following)


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


def unsold_slots(slots: int, *, units: int, used: int) -> int:
    """Return how many of a prover's slots are left whole, when jobs of `used` units run on its `units` of capacity.

    Its last job may reach beyond its own stretch of the line, so more can be used than there is.
    """
    return max(0, slots + -used // (units // slots))
