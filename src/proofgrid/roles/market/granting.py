"""Writes what a round decided: its signed record, the leases, and the clients' events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from proofgrid.primitives.clock import Clock, fresh_uuid
from proofgrid.primitives.digests import Digest, digest_of
from proofgrid.primitives.errors import LeaseLost
from proofgrid.primitives.ids import GatewayId, ProverId
from proofgrid.primitives.signatures import SigningKey
from proofgrid.roles.market.book import Book
from proofgrid.rules.jobs.events import Hedged, Sold
from proofgrid.rules.jobs.lifecycle import JobEvent, job_sources
from proofgrid.rules.jobs.phases import LeaseTimes, PhasePolicy, after_grant
from proofgrid.rules.market.blinding import Blinding
from proofgrid.rules.market.rounds import Placement, RoundOutcome
from proofgrid.rules.staking.bonds import BondPolicy, bound_by_lease
from proofgrid.store.book import ForSale
from proofgrid.store.connection import Connection
from proofgrid.store.granting import GRANT_HEDGES, GRANT_LEASES, NewLease, new_lease
from proofgrid.store.lanes import speed_of
from proofgrid.store.queries import Query
from proofgrid.store.rounds import INSERT_ROUND
from proofgrid.store.tasks import append_events


@dataclass(frozen=True, slots=True, kw_only=True)
class Granting:
    """Who writes, and with which timers."""

    gateway_id: GatewayId
    key: SigningKey
    phases: PhasePolicy
    bonds: BondPolicy
    clock: Clock
    fee_permille: int

    async def write(
        self,
        connection: Connection,
        outcome: RoundOutcome,
        book: Book,
        blinding: Blinding,
        *,
        epoch: int,
        reference: int,
    ) -> None:
        """Write a lane's round, its leases and events; raise LeaseLost when somebody else was there."""
        hashed = await self._record(connection, outcome, blinding, epoch)
        hedges = [one for one in outcome.placements if one.job_id in book.wishes]
        firsts = [one for one in outcome.placements if one.job_id not in book.wishes] if hedges else outcome.placements
        if firsts:
            await self._lease(connection, GRANT_LEASES, JobEvent.SOLD, outcome, firsts, book, epoch, reference)
        if hedges:
            await self._lease(connection, GRANT_HEDGES, JobEvent.HEDGED, outcome, hedges, book, epoch, reference)
        sold: list[tuple[type[Sold | Hedged], Placement, ForSale]]
        sold = [(Sold, one, book.jobs[one.job_id]) for one in firsts]
        sold += [(Hedged, one, book.wishes[one.job_id]) for one in hedges]
        events = [
            (job.task_id, _event(kind, one, job, outcome, hashed, blinding.order(one.task_id)))
            for kind, one, job in sold
        ]
        await append_events(connection, events)

    async def _record(self, connection: Connection, outcome: RoundOutcome, blinding: Blinding, epoch: int) -> Digest:
        hashed = digest_of(outcome.transcript_text.encode())
        recorded = await connection.first(
            INSERT_ROUND,
            lane=outcome.lane,
            number=outcome.number,
            transcript=outcome.transcript_text,
            transcript_hash=hashed,
            signature=self.key.sign(bytes.fromhex(hashed)),
            buy_price=outcome.buy_price if outcome.placements else 0,
            sell_price=outcome.sell_price if outcome.placements else 0,
            units=sum(placement.units for placement in outcome.placements),
            bids=outcome.bids,
            asks=len(outcome.took_part),
            next_reference=outcome.next_reference,
            epoch=epoch,
            leader=self.gateway_id,
            secret=blinding.secret,
        )
        if recorded is None:
            raise LeaseLost(f"another gateway leads {outcome.lane}")
        return hashed

    async def _lease(
        self,
        connection: Connection,
        query: Query[int],
        event: JobEvent,
        outcome: RoundOutcome,
        placements: Sequence[Placement],
        book: Book,
        epoch: int,
        reference: int,
    ) -> None:
        leases = self._leases(placements, book, book.wishes if event is JobEvent.HEDGED else book.jobs, reference)
        granted = await connection.value(
            query,
            leases=leases,
            lane=outcome.lane,
            round=outcome.number,
            buy_price=outcome.buy_price,
            sources=job_sources(event),
            epoch=epoch,
        )
        if granted != len(leases):
            raise LeaseLost(f"a job of {outcome.lane} was sold by somebody else")

    def _leases(
        self,
        placements: Sequence[Placement],
        book: Book,
        jobs: Mapping[str, ForSale],
        reference: int,
    ) -> list[NewLease]:
        times: dict[tuple[str, int, int], LeaseTimes] = {}  # many jobs of a round are alike
        leases: list[NewLease] = []
        for placement in placements:
            prover = book.provers[ProverId(placement.prover_id)]
            memory_bytes = jobs[placement.job_id].memory_bytes
            alike = (placement.prover_id, placement.units, memory_bytes)
            timers = times.get(alike)
            if timers is None:
                timers = times[alike] = after_grant(
                    units=placement.units,
                    memory_bytes=memory_bytes,
                    speed=speed_of(prover, book.lane),
                    policy=self.phases,
                    now_ms=0,
                )
            leases.append(
                new_lease(
                    fresh_uuid(self.clock),
                    job_id=placement.job_id,
                    task_id=placement.task_id,
                    prover=prover,
                    units=placement.units,
                    sell_price=placement.sell_price,
                    stake_bound=bound_by_lease(
                        units=placement.units,
                        sell_price=placement.sell_price,
                        reference=reference,
                        policy=self.bonds,
                    ),
                    fee_permille=self.fee_permille,
                    timers=timers,
                )
            )
        return leases


def _event(
    kind: type[Sold | Hedged],
    placement: Placement,
    job: ForSale,
    outcome: RoundOutcome,
    hashed: Digest,
    order: str,
) -> Sold | Hedged:
    return kind(
        slice=job.slice,
        input=job.input,
        prover=placement.prover_id,
        sell_price=placement.sell_price,
        lane=outcome.lane,
        round=outcome.number,
        round_hash=hashed,
        buy_price=outcome.buy_price,
        order=order,
    )
