"""The public record of a round: canonical JSON, from which anybody can replay it.

format, version, lane, number, previous, beacon     which round, chained to the one before by its hash
parameters                                          public before any price was
draw                                                how provers came to this lane, when a stack held several
input_digest                                        seals the header, the reference, the draw and all orders below
bids, asks                                          every order, its sizes, its limit price, and what ranked it
absent, idle_asks, idle_bids                        who sat the round out, and who could not trade in it
counted                                             bids below every ask: how many bid what (version 4, if any do)
result, next_reference                              what replay recomputes

A thousand orders are written twice, sealed and ranked, while a chain waits. So what is many is spelled here, with the
names of each object in alphabetical order, and what both spellings have in common once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from proofgrid.primitives.canonical import canonical_json, canonical_list, canonical_object, canonical_text
from proofgrid.primitives.digests import Digest, digest_of, digest_of_json
from proofgrid.rules.market.counted import CountedBids
from proofgrid.rules.market.dara import Clearing, Units
from proofgrid.rules.market.draw_record import DrawRecord
from proofgrid.rules.market.orders import ClearingRules
from proofgrid.rules.market.round_orders import RoundInputs, RoundOrders
from proofgrid.rules.market.transcript_reading import Transcript
from proofgrid.rules.scheduling.capacity import COVER, ONE_JOB_IN
from proofgrid.rules.scheduling.demand_and_supply import ProverSupply, TaskDemand
from proofgrid.rules.scheduling.placement import Placement

FORMAT = "proofgrid/round"
VERSION = 3
VERSION_COUNTED = 4  #: of records with counted bids


class _Order(NamedTuple):
    """What a task or prover brought, spelled: an order's rank and its slots stand between the parts."""

    before_rank: str
    before_slots: str
    after_slots: str = ""  #: with its comma

    @property
    def sealed(self) -> str:
        return f"{{{self.before_rank},{self.before_slots}{self.after_slots}}}"

    def ranked(self, rank: int, rank_hash: str, slots: int, *, before: str = "") -> str:
        return (
            f'{{{before}{self.before_rank},"rank":{rank},"rank_hash":"{rank_hash}",'
            f'{self.before_slots},"slots":{slots}{self.after_slots}}}'
        )


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
) -> str:
    """Return the record of a round as the canonical JSON that is hashed and signed."""
    demanded = orders.demanded
    header = _spelled(
        format=FORMAT,
        version=VERSION_COUNTED if inputs.counted.prices else VERSION,
        lane=inputs.lane,
        number=inputs.number,
        previous=inputs.previous,
        beacon=inputs.beacon.hex(),
    )
    demands = [_demand(demand) for demand in orders.demands]
    supplies = [_supply(supply, demanded) for supply in orders.supplies]
    others = {
        "absent": canonical_list([_supply(supply, demanded).sealed for supply in orders.absent]),
        "draw": _draw(inputs.draw),
        "idle_asks": canonical_list([_supply(supply, demanded).sealed for supply in orders.idle_supplies]),
        "idle_bids": canonical_list([_demand(demand).sealed for demand in orders.idle_demands]),
    }
    if inputs.counted.prices:
        others["counted"] = _counted(inputs.counted)
    sealed = {
        **header,
        **_spelled(reference=inputs.reference, anchor=inputs.anchor, backed=inputs.backed),
        **others,
        "demands": canonical_list([demand.sealed for demand in demands]),
        "supplies": canonical_list([supply.sealed for supply in supplies]),
    }
    input_digest = digest_of(canonical_object(sealed).encode())
    del sealed  # half a megabyte, whose place the text below can take
    return canonical_object(
        {
            **header,
            **_spelled(
                parameters=_parameters(inputs, orders.rules),
                input_digest=input_digest,
                next_reference=next_reference,
            ),
            **others,
            "bids": canonical_list(_bids(orders, demands)),
            "asks": canonical_list(_asks(orders, supplies)),
            "result": _result(clearing, placements, unsold),
        }
    )


def _spelled(**values: object) -> dict[str, str]:
    return {name: canonical_json(value).decode() for name, value in values.items()}


def _parameters(inputs: RoundInputs, rules: ClearingRules) -> dict[str, object]:
    return {
        "floor": rules.floor,
        "anchor": inputs.anchor,
        "backed": inputs.backed,
        "ceil": rules.ceil,
        "reference": rules.reference,
        "window_low": list(rules.window_low),
        "window_high": list(rules.window_high),
        "share": list(rules.share),
        "cover": list(COVER),
        "one_job_in": ONE_JOB_IN,
    }


def _demand(demand: TaskDemand) -> _Order:
    jobs = [
        f'{{"excluded":{_texts(job.excluded)},"job_id":{canonical_text(job.job_id)},"units":{job.units}}}'
        for job in demand.jobs
    ]
    return _Order(
        f'"jobs":{canonical_list(jobs)},"limit_price":{demand.limit_price}'
        f',"program_digest":{canonical_text(demand.program_digest)}',
        f'"share":{demand.share}',
        f',"task_id":{canonical_text(demand.task_id)}',
    )


def _supply(supply: ProverSupply, demanded: frozenset[str]) -> _Order:
    # A prover may hold thousands of programs; those nobody demanded did not matter here.
    programs = _texts(supply.cached_programs & demanded)
    return _Order(
        f'"ask_price":{supply.ask_price},"cached_programs":{programs}'
        f',"free_slots":{supply.free_slots},"operator":{canonical_text(supply.operator)}'
        f',"prover_id":{canonical_text(supply.prover_id)}',
        f'"reputation_bucket":{supply.reputation_bucket}',
    )


def _counted(counted: CountedBids) -> str:
    prices = canonical_list([f"[{price},{bids}]" for price, bids in counted.prices])
    return f'{{"prices":{prices},"programs":{_texts(counted.programs)}}}'


def _draw(draw: DrawRecord | None) -> str:
    return "null" if draw is None else f'{{"digest":"{draw.digest}","table":{draw.table or "null"}}}'


def _bids(orders: RoundOrders, demands: Sequence[_Order]) -> list[str]:
    written = []
    for demand, bid in zip(demands, orders.bids, strict=True):
        covered = canonical_list([canonical_text(job.job_id) for job in orders.covered[bid.order_id]])
        rank_hash = orders.hashes[bid.order_id]
        written.append(demand.ranked(bid.rank, rank_hash, bid.units, before=f'"covered":{covered},'))
    return written


def _asks(orders: RoundOrders, supplies: Sequence[_Order]) -> list[str]:
    return [
        supply.ranked(ask.rank, orders.hashes[ask.order_id], ask.units)
        for supply, ask in zip(supplies, orders.asks, strict=True)
    ]


def _result(clearing: Clearing, placements: Sequence[Placement], unsold: Sequence[str]) -> str:
    text = canonical_text
    placed = [f"[{text(p.job_id)},{text(p.task_id)},{text(p.prover_id)},{p.units},{p.sell_price}]" for p in placements]
    return canonical_object(
        {
            "buy_price": str(clearing.buy_price),
            "sell_price": str(clearing.sell_price),
            "bought": _pairs(clearing.bought),
            "sold": _pairs(clearing.sold),
            "still_in": _pairs(clearing.still_in),
            "slices": canonical_list([f"[{text(bid)},{text(ask)},{units}]" for bid, ask, units in clearing.slices]),
            "placements": canonical_list(placed),
            "unsold_jobs": canonical_list(map(canonical_text, unsold)),
            "surplus": str(surplus_of(clearing.buy_price, placements)),
        }
    )


def _pairs(pairs: Iterable[Units]) -> str:
    return canonical_list([f"[{canonical_text(order_id)},{units}]" for order_id, units in pairs])


def _texts(texts: frozenset[str]) -> str:
    return canonical_list(map(canonical_text, sorted(texts))) if texts else "[]"


def surplus_of(buy_price: int, placements: Sequence[Placement]) -> int:
    """Return what clients pay for the placed jobs beyond what operators receive for them."""
    return sum((buy_price - placement.sell_price) * placement.units for placement in placements)
