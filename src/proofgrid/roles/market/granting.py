"""Writes what a round decided: its signed record, the leases, and the clients' events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from proofgrid.primitives.clock import Clock, fresh_uuid
from proofgrid.primitives.digests import Digest, digest_of
from proofgrid.primitives.distant import in_turn_of
from proofgrid.primitives.errors import LeaseLost
from proofgrid.primitives.event_loop import aside
from proofgrid.primitives.ids import GatewayId, ProverId
from proofgrid.roles.market.book import Book
from proofgrid.rules.identity.key_list import Purpose
from proofgrid.rules.identity.network_keys import NetworkKeys
from proofgrid.rules.jobs.events import Hedged, Sold
from proofgrid.rules.jobs.lifecycle import JobEvent, job_sources
from proofgrid.rules.jobs.phases import LeaseTimes, PhasePolicy, after_grant
from proofgrid.rules.market.blinding import Blinding
from proofgrid.rules.market.rounds import Placement, RoundOutcome
from proofgrid.rules.staking.bonds import BondPolicy, bound_by_lease
from proofgrid.store.book import ForSale
from proofgrid.store.connection import Connection
from proofgrid.store.granting import GRANT_HEDGES, NewLease, new_lease
from proofgrid.store.lanes import speed_of
from proofgrid.store.rounds import WRITE_ROUND
from proofgrid.store.tasks import append_events

ASIDE_FROM = 100  #: orders and jobs: what is made of so many takes milliseconds, in which nobody would be answered

_SOLD_FROM = job_sources(JobEvent.SOLD)


@dataclass(frozen=True, slots=True, kw_only=True)
class Granting:
    """Who writes, and with which timers."""

    gateway_id: GatewayId
    keys: NetworkKeys
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
        winners: Sequence[str],
    ) -> None:
        """Write a lane's round, its leases and events; raise LeaseLost when somebody else was there.

        `winners`: the provers that any lane of the stack sold to in this transaction.
        """
        hedges = [one for one in outcome.placements if one.job_id in book.wishes]
        firsts = [one for one in outcome.placements if one.job_id not in book.wishes] if hedges else outcome.placements
        voice = self.keys.voice(Purpose.ROUNDS)
        signature = await in_turn_of(voice.signer, partial(voice.sign_hash_of, outcome.transcript_text.encode()))
        written = await aside(
            partial(self._written, outcome, firsts, book, blinding, signature, epoch=epoch, reference=reference),
            wanted=len(outcome.placements) >= ASIDE_FROM,
        )
        granted = await connection.first(WRITE_ROUND, **written, winners=winners)
        if granted is None:
            raise LeaseLost(f"another gateway leads {outcome.lane}")
        _check_granted(granted, firsts, outcome)
        if hedges:
            await self._hedge(connection, outcome, hedges, book, blinding, epoch, reference)

    def _written(
        self,
        outcome: RoundOutcome,
        firsts: Sequence[Placement],
        book: Book,
        blinding: Blinding,
        signature: str,
        *,
        epoch: int,
        reference: int,
    ) -> dict[str, object]:
        hashed = _hash_of(outcome)
        events = [
            _event(Sold, one, book.jobs[one.job_id], outcome, hashed, blinding.order(one.task_id)) for one in firsts
        ]
        return self._record(outcome, blinding, hashed, signature, epoch) | {
            "leases": self._leases(firsts, book, book.jobs, reference),
            "buy_price": outcome.buy_price,
            "sources": _SOLD_FROM,
            "task_ids": [one.task_id for one in firsts],
            "kinds": [event.kind for event in events],
            "data": [event.data() for event in events],
        }

    def _record(
        self, outcome: RoundOutcome, blinding: Blinding, hashed: Digest, signature: str, epoch: int
    ) -> dict[str, object]:
        return {
            "lane": outcome.lane,
            "number": outcome.number,
            "transcript": outcome.transcript_text,
            "transcript_hash": hashed,
            "signature": signature,
            "shown_buy_price": outcome.buy_price if outcome.placements else 0,
            "shown_sell_price": outcome.sell_price if outcome.placements else 0,
            "units": sum(placement.units for placement in outcome.placements),
            "bids": outcome.bids,
            "asks": len(outcome.took_part),
            "next_reference": outcome.next_reference,
            "epoch": epoch,
            "leader": self.gateway_id,
            "secret": blinding.secret,
        }

    async def _hedge(
        self,
        connection: Connection,
        outcome: RoundOutcome,
        hedges: Sequence[Placement],
        book: Book,
        blinding: Blinding,
        epoch: int,
        reference: int,
    ) -> None:
        hashed = _hash_of(outcome)
        leases = self._leases(hedges, book, book.wishes, reference)
        granted = await connection.value(
            GRANT_HEDGES,
            leases=leases,
            lane=outcome.lane,
            round=outcome.number,
            buy_price=outcome.buy_price,
            sources=job_sources(JobEvent.HEDGED),
            epoch=epoch,
        )
        _check_granted(granted, hedges, outcome)
        await append_events(
            connection,
            [
                (wish.task_id, _event(Hedged, one, wish, outcome, hashed, blinding.order(one.task_id)))
                for one, wish in [(one, book.wishes[one.job_id]) for one in hedges]
            ],
        )

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


def _hash_of(outcome: RoundOutcome) -> Digest:
    return digest_of(outcome.transcript_text.encode())


def _check_granted(granted: int, sold: Sequence[Placement], outcome: RoundOutcome) -> None:
    if granted != len(sold):
        raise LeaseLost(f"a job of {outcome.lane} was sold by somebody else")


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
