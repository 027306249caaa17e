"""The gate of a gateway: what is measured to say how much is let in."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from proofgrid.bootstrap.gateway.adapters import Adapters
from proofgrid.primitives.turns import Urgency
from proofgrid.roles.dispatcher.in_hand import InHand
from proofgrid.roles.incidents.feeling import Feeling
from proofgrid.roles.intake.gate import LOOK_SECONDS, Gate
from proofgrid.roles.market.rounds import Market
from proofgrid.roles.settlement.sealing_age import SealingAge
from proofgrid.rules.access.pressure import Part
from proofgrid.telemetry.lag import LoopLag


def build_gate(
    world: Adapters, loop_lag: LoopLag, in_hand: InHand, market: Market, sealing: SealingAge, feeling: Feeling
) -> Gate:
    """Return what lets submissions in, not running yet."""
    return Gate(
        {
            Part.LOOP: partial(loop_lag.seconds, within=2 * LOOK_SECONDS),
            Part.CONNECTIONS: lambda: _oldest(world.database.waiting_seconds()),
            Part.WORKERS: lambda: _oldest(world.workers.waiting_seconds()),
            Part.ROUNDS: market.overdue_seconds,
            Part.RESULTS: in_hand.oldest_result_seconds,
            Part.SEALING: sealing.seconds,
        },
        world.clock,
        sheds=lambda: feeling.sheds,
    )


def _oldest(waiting: Mapping[Urgency, float]) -> float:
    """Return the age of the oldest that waits; builds and what is nobody's hurry may wait."""
    return max((seconds for urgency, seconds in waiting.items() if urgency <= Urgency.SEALING), default=0.0)
