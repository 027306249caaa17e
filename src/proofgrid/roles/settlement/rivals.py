"""Of two leases of one job the first verified proof wins; the other one is stopped here and paid for what it shows."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial

from proofgrid.primitives.ids import LeaseId
from proofgrid.rules.jobs.events import HedgeLost
from proofgrid.rules.jobs.hedging import HedgePolicy, left_of_job, loser_share
from proofgrid.rules.jobs.lifecycle import LeaseState
from proofgrid.rules.jobs.retry import ReturnReason
from proofgrid.rules.ledger.accounts import Transfer
from proofgrid.rules.ledger.settlement import fees_of, pay_for_lost_hedge
from proofgrid.store.connection import Connection
from proofgrid.store.hedges import STOP_RIVALS, StoppedRival
from proofgrid.store.work import shown_of
from proofgrid.telemetry.metrics.of_gateway import LEASES_ENDED


@dataclass(frozen=True, slots=True, kw_only=True)
class Loser:
    """A lease that another one of the same job overtook."""

    lease: StoppedRival
    shown_permille: int
    amount: int

    @property
    def transfers(self) -> list[Transfer]:
        """Return its payment, out of what the winner left of the job's escrow, and the fee of it."""
        lease = self.lease
        payments = pay_for_lost_hedge(
            task_id=str(lease.task_id),
            job_id=str(lease.job_id),
            operator=lease.operator,
            units=lease.units,
            limit_price=lease.limit_price,
            winner_buy_price=lease.winner_buy_price,
            amount=self.amount,
            lane=lease.lane,
            round_number=lease.round,
        )
        return payments + fees_of(payments, fee_permille=lease.fee_permille)

    @property
    def event(self) -> HedgeLost:
        """Return what the client is told."""
        lease = self.lease
        return HedgeLost(
            slice=lease.slice,
            input=lease.input,
            prover=lease.prover_id,
            operator=lease.operator,
            shown=self.shown_permille,
            paid=self.amount,
        )


async def stop_rivals(
    connection: Connection, winners: Sequence[LeaseId], *, delivered: Collection[LeaseId], policy: HedgePolicy
) -> list[Loser]:
    """Stop the other leases of these leases' jobs, in the caller's transaction; their provers are told.

    `delivered`: leases whose proofs came and verified, too late.
    """
    reason = ReturnReason.HEDGE_LOST.value
    rows = await connection.fetch(STOP_RIVALS, winners=list(winners), reason=reason)
    connection.once_committed(partial(LEASES_ENDED.add, len(rows), LeaseState.STOPPED.value, reason))
    return [_loser(row, delivered=row.lease_id in delivered, policy=policy) for row in rows]


def _loser(row: StoppedRival, *, delivered: bool, policy: HedgePolicy) -> Loser:
    shown = shown_of(row, delivered=delivered)
    left = left_of_job(limit_price=row.limit_price, units=row.units, winner_buy_price=row.winner_buy_price)
    amount = loser_share(
        row.kind,
        shown_permille=shown,
        sell_price=row.sell_price,
        units=row.units,
        left=left,
        policy=policy,
    )
    return Loser(lease=row, shown_permille=shown, amount=amount)
