"""Stops the clocks of leases that wait for this gateway: it has a word of theirs in hand, or has not told them yet."""

from __future__ import annotations

from proofgrid.primitives.ids import GatewayId
from proofgrid.roles.dispatcher.in_hand import InHand, Late
from proofgrid.roles.loop import Loop, every
from proofgrid.rules.jobs.phases import PhasePolicy
from proofgrid.store.database import Database
from proofgrid.store.leases import STOP_CLOCKS
from proofgrid.store.transactions import Transaction

LOOK_SECONDS = 0.5


class Clocks:
    """Needs its `run` in a TaskGroup in every process that serves provers, whoever takes leases back."""

    def __init__(self, database: Database, phases: PhasePolicy, *, gateway_id: GatewayId, in_hand: InHand) -> None:
        self._database = database
        self._phases = phases
        self._gateway_id = gateway_id
        self.in_hand = in_hand

    async def run(self) -> None:
        """Look until cancelled."""
        await Loop("clocks", every(LOOK_SECONDS, self.stop)).run()

    async def stop(self, *, everywhere: bool = False) -> Late:
        """Give what waits for this gateway time to be heard and told, and return what that is.

        `everywhere`: all leases of all gateways, because nobody could note anything.
        """
        late = self.in_hand.late()
        if everywhere or late:
            await self._database.write(
                Transaction.EXTEND_LEASES,
                STOP_CLOCKS,
                grace_ms=max(self._phases.silent_ms, self._phases.pick_up_ms),
                everywhere=everywhere,
                everybody=late.everybody,
                gateway_id=self._gateway_id,
                session_ids=sorted(late.session_ids),
                lease_ids=sorted(late.lease_ids),
            )
        return late
