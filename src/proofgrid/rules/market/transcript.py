"""The public record of a round: JSON without floats, from which anybody can replay it.

format, version, lane, number, previous, beacon     which round, chained to the one before by its hash
parameters                                          public before any price was
input_digest                                        seals the header, the reference and all orders below
bids, asks                                          every order, its sizes, its limit price, and what ranked it
result, next_reference                              what replay recomputes
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from proofgrid.primitives.digests import Digest, digest_of_json
from proofgrid.rules.market.dara import Clearing
from proofgrid.rules.market.orders import Ask, Bid, ClearingRules
from proofgrid.rules.market.round_orders import RoundInputs, RoundOrders, demanded_programs
from proofgrid.rules.scheduling.capacity import COVER, ONE_JOB_IN
from proofgrid.rules.scheduling.offers import Carried, ProverSupply, TaskDemand
from proofgrid.rules.scheduling.placement import Placement
from proofgrid.rules.scheduling.rank import rank_hash

FORMAT = "proofgrid/round"
VERSION = 2

Transcript = dict[str, Any]


def transcript_hash(transcript: Transcript) -> Digest:
    """Return the name of a round: the digest of its transcript's canonical JSON. The market signs this."""
    return digest_of_json(transcript)


def write_transcript(
    inputs: RoundInputs,
    orders: RoundOrders,
    clearing: Clearing,
    placements: Sequence[Placement],
    unsold: Sequence[str],
    next_reference: int | None,
) -> Transcript:
    """Return the record of a round."""
    demanded = demanded_programs(orders.demands)
    header = {
        "format": FORMAT,
        "version": VERSION,
        "lane": inputs.lane,
        "number": inputs.number,
        "previous": inputs.previous,
        "beacon": inputs.beacon.hex(),
    }
    parameters = _parameters(orders.rules, lot=orders.lot, floor_least=inputs.floor_least)
    demands = [_demand(demand) for demand in orders.demands]
    supplies = [_supply(supply, demanded) for supply in orders.supplies]
    absent = [_supply(supply, demanded) for supply in orders.absent]
    sealed = {
        **header,
        "reference": inputs.reference,
        "floor_least": inputs.floor_least,
        "demands": demands,
        "supplies": supplies,
        "absent": absent,
    }
    return {
        **header,
        "parameters": parameters,
        "input_digest": digest_of_json(sealed),
        "bids": [
            {**demand, **_order(bid, inputs.beacon), "covered": [job.job_id for job in orders.covered[bid.order_id]]}
            for demand, bid in zip(demands, orders.bids, strict=True)
        ],
        "asks": [{**supply, **_order(ask, inputs.beacon)} for supply, ask in zip(supplies, orders.asks, strict=True)],
        "absent": absent,
        "result": _result(clearing, placements, unsold),
        "next_reference": next_reference,
    }


def _parameters(rules: ClearingRules, *, lot: int, floor_least: int) -> dict[str, Any]:
    return {
        "floor": rules.floor,
        "floor_least": floor_least,
        "ceil": rules.ceil,
        "reference": rules.reference,
        "window_low": list(rules.window_low),
        "window_high": list(rules.window_high),
        "share": list(rules.share),
        "cover": list(COVER),
        "one_job_in": ONE_JOB_IN,
        "lot_units": lot,
    }


def _demand(demand: TaskDemand) -> dict[str, Any]:
    return {
        "task_id": demand.task_id,
        "limit_price": demand.limit_price,
        "program_digest": demand.program_digest,
        "share": demand.share,
        "jobs": [{"job_id": job.job_id, "units": job.units, "excluded": sorted(job.excluded)} for job in demand.jobs],
    }


def _supply(supply: ProverSupply, demanded: frozenset[str]) -> dict[str, Any]:
    return {
        "prover_id": supply.prover_id,
        "operator": supply.operator,
        "ask_price": supply.ask_price,
        "free_slots": supply.free_slots,
        "slot_units_max": supply.slot_units_max,
        "carried": _carried(supply.carried),
        "reputation_bucket": supply.reputation_bucket,
        # A prover may hold thousands of programs; those nobody demanded did not matter here.
        "cached_programs": sorted(supply.cached_programs & demanded),
    }


def _carried(carried: Carried | None) -> dict[str, Any] | None:
    if carried is None:
        return None
    return {"lane": carried.lane, "number": carried.number, "price_max": carried.price_max}


def surplus_of(buy_price: int, placements: Sequence[Placement]) -> int:
    """Return what clients pay for the placed jobs beyond what operators receive for them."""
    return sum((buy_price - placement.sell_price) * placement.units for placement in placements)


def _order(order: Bid | Ask, beacon: bytes) -> dict[str, Any]:
    return {"units": order.units, "rank": order.rank, "rank_hash": rank_hash(beacon, order.order_id)}


def _result(clearing: Clearing, placements: Sequence[Placement], unsold: Sequence[str]) -> dict[str, Any]:
    return {
        "buy_price": clearing.buy_price,
        "sell_price": clearing.sell_price,
        "bought": [list(pair) for pair in clearing.bought],
        "sold": [list(pair) for pair in clearing.sold],
        "still_in": [list(pair) for pair in clearing.still_in],
        "slices": [list(piece) for piece in clearing.slices],
        "placements": [[p.job_id, p.task_id, p.prover_id, p.units, p.sell_price] for p in placements],
        "unsold_jobs": list(unsold),
        "surplus": surplus_of(clearing.buy_price, placements),
    }
