"""Writes what a round decided: its signed record, the leases, and the clients' events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from proofgrid.primitives.clock import Clock, fresh_uuid
from proofgrid.primitives.digests import Digest, digest_of
from proofgrid.primitives.errors import LeaseLost
from proofgrid.primitives.ids import GatewayId, TaskId
from proofgrid.primitives.signatures import SigningKey
from proofgrid.roles.market.book import Book
from proofgrid.rules.jobs.events import Hedged, Sold
from proofgrid.rules.jobs.lifecycle import JobEvent, job_sources
from proofgrid.rules.jobs.phases import LeaseTimes, PhasePolicy, after_grant
from proofgrid.rules.market.blinding import Blinding
from proofgrid.rules.market.rounds import Placement, RoundOutcome
from proofgrid.rules.staking.bonds import BondPolicy, bound_by_lease
from proofgrid.store.lanes import speed_of
from proofgrid.store.queries import QUERIES
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
        self, connection: Any, outcome: RoundOutcome, book: Book, blinding: Blinding, *, epoch: int, reference: int
    ) -> None:
        """Write a lane's round, its leases and events; raise LeaseLost when somebody else was there."""
        hashed = await self._record(connection, outcome, blinding, epoch)
        hedges = [one for one in outcome.placements if one.job_id in book.wishes]
        firsts = [one for one in outcome.placements if one.job_id not in book.wishes] if hedges else outcome.placements
        if firsts:
            await self._lease(
                connection, QUERIES["grant_leases"], JobEvent.SOLD, outcome, firsts, book, epoch, reference
            )
        if hedges:
            await self._lease(
                connection, QUERIES["grant_hedges"], JobEvent.HEDGED, outcome, hedges, book, epoch, reference
            )
        sold: list[tuple[type[Sold | Hedged], Placement, Any]]
        sold = [(Sold, one, book.jobs[one.job_id]) for one in firsts]
        sold += [(Hedged, one, book.wishes[one.job_id]) for one in hedges]
        events = [
            (TaskId(job["task_id"]), _event(kind, one, job, outcome, hashed, blinding.order(one.task_id)))
            for kind, one, job in sold
        ]
        await append_events(connection, events)

    async def _record(self, connection: Any, outcome: RoundOutcome, blinding: Blinding, epoch: int) -> Digest:
        hashed = digest_of(outcome.transcript_text.encode())
        recorded = await connection.fetchval(
            QUERIES["insert_round"],
            outcome.lane,
            outcome.number,
            outcome.transcript_text,
            hashed,
            self.key.sign(bytes.fromhex(hashed)),
            outcome.buy_price if outcome.placements else 0,
            outcome.sell_price if outcome.placements else 0,
            sum(placement.units for placement in outcome.placements),
            outcome.bids,
            len(outcome.took_part),
            outcome.next_reference,
            epoch,
            self.gateway_id,
            blinding.secret,
        )
        if recorded is None:
            raise LeaseLost(f"another gateway leads {outcome.lane}")
        return hashed

    async def _lease(
        self,
        connection: Any,
        query: str,
        event: JobEvent,
        outcome: RoundOutcome,
        placements: Sequence[Placement],
        book: Book,
        epoch: int,
        reference: int,
    ) -> None:
        rows = self._lease_rows(placements, book, book.wishes if event is JobEvent.HEDGED else book.jobs, reference)
        granted = await connection.fetch(
            query, rows, outcome.lane, outcome.number, outcome.buy_price, job_sources(event), epoch
        )
        if sum(row["number"] for row in granted) != len(rows):
            raise LeaseLost(f"a job of {outcome.lane} was sold by somebody else")

    def _lease_rows(
        self, placements: Sequence[Placement], book: Book, jobs: dict[str, Any], reference: int
    ) -> list[dict[str, Any]]:
        times: dict[tuple[str, int, int], LeaseTimes] = {}  # many jobs of a round are alike
        rows = []
        for placement in placements:
            session = book.sessions[placement.prover_id]
            memory_bytes = jobs[placement.job_id]["memory_bytes"]
            alike = (placement.prover_id, placement.units, memory_bytes)
            timers = times.get(alike)
            if timers is None:
                timers = times[alike] = after_grant(
                    units=placement.units,
                    memory_bytes=memory_bytes,
                    speed=speed_of(session, book.lane),
                    policy=self.phases,
                    now_ms=0,
                )
            rows.append(
                {
                    "lease_id": str(fresh_uuid(self.clock)),
                    "job_id": placement.job_id,
                    "task_id": placement.task_id,
                    "prover_id": placement.prover_id,
                    "operator": session["operator"],
                    "session_id": str(session["session_id"]),
                    "gateway_id": str(session["gateway_id"]),
                    "units": placement.units,
                    "sell_price": placement.sell_price,
                    "stake_bound": bound_by_lease(
                        units=placement.units,
                        sell_price=placement.sell_price,
                        reference=reference,
                        policy=self.bonds,
                    ),
                    "pick_up_ms": timers.phase_until_ms,
                    "limit_ms": timers.until_ms,
                    "prove_ms": timers.prove_ms,
                    "fee_permille": self.fee_permille,
                }
            )
        return rows


def _event(
    kind: type[Sold | Hedged], placement: Placement, job: Any, outcome: RoundOutcome, hashed: Digest, order: str
) -> Sold | Hedged:
    return kind(
        slice=job["slice"],
        input=job["input"],
        prover=placement.prover_id,
        sell_price=placement.sell_price,
        lane=outcome.lane,
        round=outcome.number,
        round_hash=hashed,
        buy_price=outcome.buy_price,
        order=order,
    )
