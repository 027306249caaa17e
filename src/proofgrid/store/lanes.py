"""Who serves a lane and what is known of them; and when a gateway, with the provers connected to it, counts as gone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from proofgrid.primitives.ids import Address, GatewayId, Lane, ProverId, SessionId
from proofgrid.rules.jobs.classes import class_of_lane, is_wide, stack_of
from proofgrid.rules.jobs.confinement import told_confinement
from proofgrid.rules.jobs.constraints import NO_CONSTRAINTS, Constraints, constraints_from_json
from proofgrid.rules.jobs.speed import UNMEASURED, Speed
from proofgrid.rules.jobs.waiting import Demand, unmet_by
from proofgrid.rules.reputation.breaker import Breaker, state_of
from proofgrid.rules.reputation.canaries import NEWCOMER_PROOFS
from proofgrid.rules.reputation.counters import Counters
from proofgrid.rules.reputation.newcomers import NEWCOMER_SLOTS, NewProver, slots_after_pause, slots_of_new
from proofgrid.rules.scheduling.fitness import Fitness, ProverRoom, slot_units_max
from proofgrid.store.connection import Connection
from proofgrid.store.queries import query

GATEWAY_SILENT_MS = 5_000  #: a gateway that was not seen for so long lives no more, and its provers count for nothing


@dataclass(frozen=True, slots=True)
class ServingProver:
    """A connected prover that serves a stack, with what it is doing and did so far."""

    session_id: SessionId
    prover_id: ProverId
    operator: Address
    gateway_id: GatewayId
    memory_bytes: int
    slots: int  #: that it may use now, busy ones included; 0 while it is paused
    proven_micro: int
    late_micro: int
    lost_micro: int
    crashed_micro: int
    invalid_micro: int
    facts_ms: int
    now_ms: int
    jobs_proven: int
    outcomes: str  #: of the last ten jobs, as its breaker keeps them
    pauses: int
    cached_programs: Sequence[str]
    classes: Sequence[str]
    region: str
    confinement: str  #: as it told
    units_min: int
    price: int  #: the least it takes, per PU,
    class_prices: Mapping[str, int] | None  #: but for these classes
    stacks: int  #: that it serves
    stake: int  #: of its operator, base units
    speeds: Mapping[str, tuple[int, int, int]] | None  #: class -> verified units, ms of all leases, proofs
    busy: int  #: slots
    memory_busy: int  #: bytes

    @property
    def free_slots(self) -> int:
        return self.slots - self.busy

    @property
    def room_bytes(self) -> int:
        """Memory that its jobs leave."""
        return self.memory_bytes - self.memory_busy

    @property
    def counters(self) -> Counters:
        """Its verified facts, as of when they were written."""
        return Counters(
            proven=self.proven_micro,
            late=self.late_micro,
            lost=self.lost_micro,
            crashed=self.crashed_micro,
            invalid=self.invalid_micro,
            at_ms=self.facts_ms,
        )


@dataclass(frozen=True, slots=True)
class LaneConstraints:
    """What the bids of a lane demand of provers, as JSON."""

    lane: Lane
    constraints: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ProverLoad:
    """What a prover is doing."""

    prover_id: ProverId
    busy: int  #: slots
    memory_busy: int  #: bytes


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A connected prover with few verified jobs, and the pause that it shares with its operator's other new ones."""

    prover_id: ProverId
    operator: Address
    slots: int
    busy: int
    is_judged: bool  #: a result of it has arrived
    jobs_proven: int
    paused_until_ms: int
    now_ms: int


NEWCOMERS_OF = query("newcomers_of", Newcomer)
SUPPLY_OF_STACK = query("supply_of_stack", ServingProver)
CONSTRAINTS_OF_LANES = query("constraints_of_lanes", LaneConstraints)
TAKE_TURNS = query("take_turns", ProverId)
LOADS_OF_PROVERS = query("loads_of_provers", ProverLoad)


async def provers_of_stack(
    connection: Connection, stack: str, *, silent_ms: int | None, newcomer_slots: int = NEWCOMER_SLOTS
) -> list[ServingProver]:
    """Return the provers on living gateways that serve a stack, in the order of their ids.

    `silent_ms`: how long a lease lives without a heartbeat. Whoever may have lost one by silence is left out, so a
    prover that hangs is sold nothing more. None: nobody is left out. `newcomer_slots`: what an operator's new provers
    have in all before their first verified job (rules/reputation/newcomers.py).
    """
    subnetwork, engine = stack.split("/")
    provers = await connection.fetch(
        SUPPLY_OF_STACK,
        engine=engine,
        gateway_silent_ms=GATEWAY_SILENT_MS,
        subnetwork=subnetwork,
        silent_ms=silent_ms,
    )
    operators = sorted({one.operator for one in provers if one.jobs_proven < NEWCOMER_PROOFS})
    earned: dict[str, int] = {
        one.prover_id: slots_after_pause(one.slots, one.outcomes, first=newcomer_slots) for one in provers if one.pauses
    }
    if operators:
        earned |= await _slots_of_newcomers(connection, operators, first=newcomer_slots)
    if not earned:
        return provers
    return [
        replace(one, slots=min(one.slots, earned.get(one.prover_id, one.slots)))
        if one.pauses or one.jobs_proven < NEWCOMER_PROOFS
        else one
        for one in provers
    ]


async def _slots_of_newcomers(connection: Connection, operators: Sequence[Address], *, first: int) -> dict[str, int]:
    """Return how many slots each new prover of these operators may use, but for those that may use all."""
    by_operator: dict[Address, list[Newcomer]] = defaultdict(list)
    for row in await connection.fetch(NEWCOMERS_OF, operators=operators, first=first):
        by_operator[row.operator].append(row)
    slots: dict[str, int] = {}
    for rows in by_operator.values():
        shared = Breaker(paused_until_ms=rows[0].paused_until_ms)
        provers = [
            NewProver(
                prover_id=row.prover_id,
                slots=row.slots,
                busy=row.busy,
                jobs_proven=row.jobs_proven,
                is_judged=row.is_judged,
            )
            for row in rows
        ]
        slots |= slots_of_new(provers, breaker=state_of(shared, now_ms=rows[0].now_ms), first=first)
    return slots


async def provers_of_lane(connection: Connection, lane: str, *, silent_ms: int | None) -> list[ServingProver]:
    """Return those of them that may have the lane's jobs."""
    constraints = await constraints_of(connection, [lane])
    provers = await provers_of_stack(connection, stack_of(lane), silent_ms=silent_ms)
    return those_that_serve(provers, lane, constraints.get(lane, NO_CONSTRAINTS))


def those_that_serve(provers: Iterable[ServingProver], lane: str, constraints: Constraints) -> list[ServingProver]:
    """Return the provers that serve a lane with these constraints."""
    return [prover for prover in provers if serves(prover, lane, constraints)]


async def constraints_of(connection: Connection, lanes: Iterable[str]) -> dict[str, Constraints]:
    """Return the constraints of those of the lanes that have some."""
    narrow = [lane for lane in lanes if not is_wide(lane)]
    if not narrow:
        return {}
    rows = await connection.fetch(CONSTRAINTS_OF_LANES, lanes=narrow)
    return {row.lane: constraints_from_json(row.constraints) for row in rows}


def serves(prover: ServingProver, lane: str, constraints: Constraints) -> bool:
    """Does a prover offer the lane's class, and do its bids accept it?"""
    return class_of_lane(lane) in prover.classes and constraints.accepts(
        operator=prover.operator,
        region=prover.region,
        stake=prover.stake,
        confinement=told_confinement(prover.confinement),
        prover=prover.prover_id,
    )


def lacks(prover: ServingProver, lane: str, constraints: Constraints) -> tuple[Demand, ...]:
    """Return what a prover would need to serve a lane; nothing when it does."""
    if serves(prover, lane, constraints):
        return ()
    unmet = unmet_by(
        constraints,
        operator=prover.operator,
        region=prover.region,
        stake=prover.stake,
        confinement=told_confinement(prover.confinement),
        prover=prover.prover_id,
    )
    return unmet if class_of_lane(lane) in prover.classes else (Demand.CLASS, *unmet)


def price_of(prover: ServingProver, lane: str) -> int:
    """Return what a prover asks for jobs of the lane's class, per PU."""
    return (prover.class_prices or {}).get(class_of_lane(lane), prover.price)


def speed_of(prover: ServingProver, lane: str) -> Speed:
    """Return what a prover did so far in the lane's class."""
    measured = (prover.speeds or {}).get(class_of_lane(lane))
    if measured is None:
        return UNMEASURED
    units, wall_ms, samples = measured
    return Speed(units=units, wall_ms=wall_ms, samples=samples)


def fitness_of(provers: Iterable[ServingProver], lane: str, *, horizon_ms: int) -> Fitness:
    """Return which of the lane's jobs the provers can have; `horizon_ms`: how long a job may take one of them."""
    return Fitness(
        ProverRoom(
            prover_id=prover.prover_id,
            operator=prover.operator,
            memory_bytes=prover.room_bytes,
            units_min=prover.units_min,
            slot_units_max=slot_units_max(speed_of(prover, lane), horizon_ms=horizon_ms),
        )
        for prover in provers
    )
