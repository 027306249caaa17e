"""One round of one lane, from what waits to who proves what at which price; and its replay by anybody.

    inputs -> orders (round_orders) -> clearing (dara) -> placements (scheduling) -> transcript
                                            |-> next reference

Rules, beside those of the modules named above:

* A bid buys whole jobs. A job that lands on a prover that is excluded for it moves to another one that is still in
  and has room; when there is none the job stays unsold, its task does not pay for it, and the other jobs trade. This
  looks at ranks, slots and who is still in, never at a price, so no price is rewarded or punished by it. Lots see to
  it that such a job is not left over for ever (scheduling.exclusion).
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from proofgrid.rules.jobs.classes import is_wide
from proofgrid.rules.market.clearing import clear_book
from proofgrid.rules.market.dara import Clearing
from proofgrid.rules.market.edition_1.rounds import replay as replay_edition_1
from proofgrid.rules.market.edition_1.transcript import VERSION as VERSION_OF_EDITION_1
from proofgrid.rules.market.reference import REFERENCE_MIN, reference_after
from proofgrid.rules.market.round_orders import RoundInputs, RoundOrders, orders_of
from proofgrid.rules.market.round_reading import read_inputs
from proofgrid.rules.market.transcript import surplus_of, transcript_hash, write_transcript
from proofgrid.rules.market.transcript_reading import Transcript, TranscriptMismatch, first_difference
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
    clearing: Clearing  #: in slots
    placements: tuple[Placement, ...]
    unsold: tuple[str, ...]  #: ids of jobs whose bid won, but which no prover still in may run or has room for
    buy_price: int  #: clients pay this per unit of every placed job
    sell_price: int  #: operators receive this per unit
    next_reference: int | None
    transcript_text: str  #: canonical JSON, the text that is hashed and signed
    bids: int  #: that entered
    took_part: frozenset[str]  #: provers whose asks entered

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
    clearing = clear_book(orders.all_bids, orders.asks, orders.rules)
    placements, unsold = place_jobs(
        [(task_id, orders.covered[task_id]) for task_id, _ in clearing.bought],
        _line(orders, clearing),
        sell_price=clearing.sell_price,
    )
    following = _following(inputs, orders, clearing)

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
        bids=len(orders.all_bids),
        took_part=frozenset([supply.prover_id for supply in orders.supplies]),
    )


def replay(transcript: object) -> None:
    """Recompute a round from its recorded orders; raise TranscriptMismatch naming the first field that differs.

    A record of an older version is replayed by the rules of its time.
    """
    if isinstance(transcript, dict) and transcript.get("version") == VERSION_OF_EDITION_1:
        replay_edition_1(transcript)
        return
    recomputed = run_round(read_inputs(transcript)).transcript
    where = first_difference(transcript, recomputed)
    if where is not None:
        raise TranscriptMismatch("the recorded round gives another value for this field", field=where)


def _line(orders: RoundOrders, clearing: Clearing) -> list[Stretch]:
    slots = {supply.prover_id: supply.free_slots for supply in orders.supplies}
    sold = dict(clearing.sold)
    return [
        Stretch(prover_id=prover_id, sold=sold.get(prover_id, 0), slots=slots[prover_id])
        for prover_id, _ in clearing.still_in
    ]


def _is_quiet(inputs: RoundInputs, orders: RoundOrders) -> bool:
    """Has one side nothing that the limits admit, while nothing is being proven?

    The limits of a lane with constraints are the wide lane's and hold its reference between them, so it needs no other
    way back: bids that cannot trade would move its reference by being there.
    """
    if inputs.anchor is not None and not is_wide(inputs.lane):
        return False
    return not (inputs.backed or (orders.is_wanted and orders.is_offered))


def _following(inputs: RoundInputs, orders: RoundOrders, clearing: Clearing) -> int | None:
    following = reference_after(
        inputs.reference,
        clearing,
        orders.all_bids,
        orders.asks,
        anchor=inputs.anchor,
        is_quiet=_is_quiet(inputs, orders),
    )
    if following is None or is_wide(inputs.lane) or inputs.anchor is None:
        return following
    return min(max(following, orders.rules.floor, REFERENCE_MIN), orders.rules.ceil)
