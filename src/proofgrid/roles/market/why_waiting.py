"""Tells why the jobs of a task wait, when somebody asks: reads what rows know in one moment, and asks the rules."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from proofgrid.primitives.ids import Address, JobId, Lane, Stack, TaskId
from proofgrid.roles.market.rounds import MarketSettings
from proofgrid.rules.jobs.classes import stack_of
from proofgrid.rules.jobs.constraints import NO_CONSTRAINTS, Constraints
from proofgrid.rules.jobs.waiting import Demand, Waits
from proofgrid.rules.market.round_orders import limits_of
from proofgrid.rules.market.why_waiting import Candidate, LaneNow, OpenJob, Running, next_free_ms, why_waits
from proofgrid.rules.staking.bonds import bound_by_lease, capacity, ceiling_price, free_capacity
from proofgrid.store.bonds import BOUND_OF_OPERATORS
from proofgrid.store.book import CLIENTS_IN_FLIGHT
from proofgrid.store.connection import Connection
from proofgrid.store.database import Database
from proofgrid.store.lanes import ServingProver, constraints_of, fitness_of, lacks, price_of, provers_of_stack, speed_of
from proofgrid.store.waiting import LANE_NOW, RUNNING_LEASES, WAITING_JOBS, WaitingJob


@dataclass(frozen=True, slots=True, kw_only=True)
class _Around:
    """The connected provers of a stack, what they are doing, and what it binds of their operators' bonds."""

    provers: Sequence[ServingProver]
    running: Mapping[str, Sequence[Running]]
    bound: Mapping[Address, int]  #: empty where nobody needs a bond


class WhyWaiting:
    """Answers for any task. Any gateway may ask; nothing is written."""

    def __init__(self, database: Database, settings: MarketSettings) -> None:
        self._database = database
        self._settings = settings

    async def of_task(self, task_id: TaskId, client: Address) -> Mapping[JobId, Waits]:
        """Return why each job waits that nobody proves; `client`: whose task it is."""
        found: dict[JobId, Waits] = {}
        async with self._database.snapshot() as connection:
            by_lane: dict[Lane, list[WaitingJob]] = defaultdict(list)
            for job in await connection.fetch(WAITING_JOBS, task_id=task_id):
                by_lane[job.lane].append(job)
            wanted = await constraints_of(connection, by_lane)
            # Of one stack, but for jobs that went on from a subnetwork to the common lanes.
            around = {stack: await self._around(connection, stack) for stack in {stack_of(lane) for lane in by_lane}}
            for lane, jobs in by_lane.items():
                now, reference = await self._lane_now(connection, lane, client)
                known = around[stack_of(lane)]
                candidates = self._candidates(known, lane, wanted.get(lane, NO_CONSTRAINTS))
                for job in jobs:
                    able = self._bonded(candidates, known, job, reference)
                    waits = why_waits(_open(job), able, now, now_ms=job.now_ms)
                    if waits is not None:
                        found[job.job_id] = waits
        return found

    async def _around(self, connection: Connection, stack: Stack) -> _Around:
        provers = await provers_of_stack(
            connection,
            stack,
            silent_ms=self._settings.phases.silent_ms,
            newcomer_slots=self._settings.newcomer_slots,
        )
        return _Around(
            provers=provers,
            running=await self._running(connection, provers),
            bound=await self._bound(connection, provers),
        )

    async def _lane_now(self, connection: Connection, lane: Lane, client: Address) -> tuple[LaneNow, int]:
        prices = await connection.value(LANE_NOW, lane=lane)
        in_flight = await connection.fetch(CLIENTS_IN_FLIGHT, lane=lane, clients=[client])
        reference = prices.reference or self._settings.reference_price
        floor, ceil = limits_of(lane, reference=reference, anchor=prices.anchor or self._settings.reference_price)
        now = LaneNow(floor=floor, ceil=ceil, price=prices.price, in_flight=sum(one.jobs for one in in_flight))
        return now, reference

    async def _running(
        self, connection: Connection, provers: Sequence[ServingProver]
    ) -> Mapping[str, Sequence[Running]]:
        running: dict[str, list[Running]] = defaultdict(list)
        busy = [prover.prover_id for prover in provers if prover.busy]
        for one in await connection.fetch(RUNNING_LEASES, provers=busy) if busy else ():
            running[one.prover_id].append(Running(units=one.units, started_ms=one.started_ms, permille=one.permille))
        return running

    def _candidates(self, known: _Around, lane: Lane, wanted: Constraints) -> list[Candidate]:
        idle = [replace(prover, memory_busy=0) for prover in known.provers]
        rooms = fitness_of(idle, lane, horizon_ms=self._settings.horizon_ms).rooms
        return [
            Candidate(
                room=rooms[prover.prover_id],
                lacks=lacks(prover, lane, wanted),
                ask_price=price_of(prover, lane),
                free_slots=prover.free_slots,
                free_bytes=prover.room_bytes,
                next_free_ms=next_free_ms(
                    known.running.get(prover.prover_id, ()), speed_of(prover, lane), now_ms=prover.now_ms
                ),
            )
            for prover in known.provers
        ]

    async def _bound(self, connection: Connection, provers: Sequence[ServingProver]) -> Mapping[Address, int]:
        if not self._settings.bonds.is_asked:
            return {}
        operators = sorted({prover.operator for prover in provers})
        return {one.operator: one.bound for one in await connection.fetch(BOUND_OF_OPERATORS, operators=operators)}

    def _bonded(
        self, candidates: Sequence[Candidate], known: _Around, job: WaitingJob, reference: int
    ) -> Sequence[Candidate]:
        """Return the candidates as their bonds let them have a job, where bonds are asked for."""
        policy = self._settings.bonds
        if not policy.is_asked:
            return candidates
        binds = bound_by_lease(units=job.units, sell_price=ceiling_price(reference), reference=reference, policy=policy)
        found = []
        for one, prover in zip(candidates, known.provers, strict=True):
            if capacity(prover.stake, policy) < binds:
                found.append(replace(one, lacks=(*one.lacks, Demand.BOND)))
            elif free_capacity(prover.stake, known.bound.get(prover.operator, 0), policy) < binds:
                found.append(replace(one, free_slots=0))
            else:
                found.append(one)
        return found


def _open(job: WaitingJob) -> OpenJob:
    return OpenJob(
        state=job.state,
        units=job.units,
        memory_bytes=job.memory_bytes,
        limit_price=job.limit_price,
        not_before_ms=job.not_before_ms,
        barred=job.excluded,
    )
