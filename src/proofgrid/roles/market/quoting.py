"""Looks at the live book for somebody who has not bid yet; writes nothing, and tells nothing of single orders."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from proofgrid.roles.market.bonds import slots_of_bonds
from proofgrid.roles.market.book import Book, StackBook
from proofgrid.roles.market.collecting import peek_stack
from proofgrid.roles.market.rounds import MarketSettings
from proofgrid.rules.jobs.classes import is_wide, stack_of, wide_lane_of
from proofgrid.rules.jobs.constraints import NO_CONSTRAINTS, Constraints
from proofgrid.rules.market.quote import (
    UNITS_PER_SECOND,
    LaneQuote,
    expected_ms,
    price_now,
    prices_for_chances,
)
from proofgrid.rules.market.stack import LaneDemands
from proofgrid.rules.scheduling.demand_and_supply import JobDemand
from proofgrid.store.book import WAITING_UNITS
from proofgrid.store.connection import Connection
from proofgrid.store.database import Database
from proofgrid.store.lanes import ServingProver, provers_of_stack, speed_of, those_that_serve
from proofgrid.store.rounds import RECENT_BUY_PRICES, REFERENCES_OF_LANES

RECENT_ROUNDS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotedJob:
    """One job of a request, and the lane in which it would be sold."""

    lane: str
    units: int
    memory_bytes: int


class Quoting:
    """Answers what the lanes of a request would say now. Any gateway may ask."""

    def __init__(self, database: Database, settings: MarketSettings) -> None:
        self._database = database
        self._settings = settings

    async def quote(
        self, jobs: Sequence[QuotedJob], *, program: str, constraints: Constraints = NO_CONSTRAINTS
    ) -> list[LaneQuote]:
        """Return what each lane of the jobs says, in one moment of the database; `constraints` are those of the bid."""
        by_lane: dict[str, list[QuotedJob]] = defaultdict(list)
        for job in jobs:
            by_lane[job.lane].append(job)
        async with self._database.snapshot() as connection:
            return [
                await self._lane(connection, lane, of_lane, program, constraints)
                for lane, of_lane in sorted(by_lane.items())
            ]

    async def _lane(
        self, connection: Connection, lane: str, jobs: Sequence[QuotedJob], program: str, constraints: Constraints
    ) -> LaneQuote:
        of_stack = await provers_of_stack(
            connection,
            stack_of(lane),
            silent_ms=self._settings.phases.silent_ms,
            newcomer_slots=self._settings.newcomer_slots,
        )
        book = await peek_stack(connection, of_stack, lane, constraints, horizon_ms=self._settings.horizon_ms)
        held = {lane, *(one.lane for one in book.books)}
        lanes = sorted(held | {wide_lane_of(one) for one in held})
        references: dict[str, int] = {
            one.lane: one.next_reference or one.first_reference or self._settings.reference_price
            for one in await connection.fetch(REFERENCES_OF_LANES, lanes=lanes)
        }
        slots_of_bond = await slots_of_bonds(connection, book.books, references, self._settings.bonds)
        recent = await connection.fetch(RECENT_BUY_PRICES, lane=lane, rounds=RECENT_ROUNDS)
        provers = those_that_serve(of_stack, lane, constraints)
        waiting_units = await connection.value(WAITING_UNITS, lane=lane)
        slots = sum(prover.slots for prover in provers)
        free = sum(max(0, prover.free_slots) for prover in provers)
        units = [job.units for job in jobs]
        wait_ms, prove_ms = expected_ms(
            units,
            waiting_units=waiting_units,
            slots=slots,
            units_per_second=_units_per_second(provers, lane),
        )
        return LaneQuote(
            lane=lane,
            jobs=len(jobs),
            units=sum(units),
            memory_bytes_max=max(job.memory_bytes for job in jobs),
            # Several clearings of a full book take tens of milliseconds: not on the loop.
            price_now=await asyncio.to_thread(
                price_now,
                [_demands(one, references) for one in book.books],
                book.supplies(self._settings.reputation, slots_of_bond),
                lane,
                [_demand(number, job, book, lane) for number, job in enumerate(jobs)],
                program=program,
            ),
            prices=prices_for_chances(recent, reference=references[lane]),
            provers=len(provers),
            free_slots=free,
            wait_ms=wait_ms,
            prove_ms=prove_ms,
        )


def _demands(book: Book, references: Mapping[str, int]) -> LaneDemands:
    return LaneDemands(
        lane=book.lane,
        number=1,
        previous=None,
        reference=references[book.lane],
        demands=book.demands,
        anchor=None if is_wide(book.lane) else references[wide_lane_of(book.lane)],
    )


def _demand(number: int, job: QuotedJob, book: StackBook, lane: str) -> JobDemand:
    unfit = [
        one.fitness.unfit(units=job.units, memory_bytes=job.memory_bytes) for one in book.books if one.lane == lane
    ]
    return JobDemand(job_id=f"quote {number}", units=job.units, excluded=frozenset().union(*unfit))


def _units_per_second(provers: Sequence[ServingProver], lane: str) -> int:
    """Return the mean speed of those who are measured."""
    speeds = [speed.units_per_second_milli // 1_000 for one in provers if (speed := speed_of(one, lane)).is_measured]
    return sum(speeds) // len(speeds) if speeds else UNITS_PER_SECOND
