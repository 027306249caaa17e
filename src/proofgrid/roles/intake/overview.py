"""What anybody may see, without a key: the market and who works in it, as far as no closed subnetwork is shown.

Everybody sees the same for a moment (`held.py`), so that strangers cannot keep the database busy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from proofgrid.primitives.clock import Clock
from proofgrid.primitives.errors import InvalidField, UnknownRound
from proofgrid.primitives.ids import Address, Lane
from proofgrid.roles.intake.held import Held
from proofgrid.roles.intake.reputation import Reputation
from proofgrid.rules.jobs.limits import list_limit
from proofgrid.rules.reputation.reports import OperatorReport
from proofgrid.store import overview as stored
from proofgrid.store.database import Database
from proofgrid.store.engines import LIST_ENGINES, ShownEngine
from proofgrid.store.gateways import COUNT_STATES, DATABASE_TIME
from proofgrid.store.lanes import GATEWAY_SILENT_MS
from proofgrid.store.record import RoundView
from proofgrid.store.status import LIST_PROVERS, ConnectedProver

WINDOW_MS = 3_600_000  #: of throughput and punctuality
LANES_MAX = 200
POINTS = 120  #: of a price over time
ROUNDS_READ_MAX = 5_000  #: of a lane, for its prices over time
OPERATORS_MAX = 2_000
NOW_HOLDS_MS = 1_000
FIGURES_HOLD_MS = 10_000  #: what is counted over an hour
NUMBER_MAX = 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkNow:
    """Who is connected, and what there is to do, at one moment of the database."""

    now_ms: int
    provers: Sequence[ConnectedProver]
    jobs_by_state: Mapping[str, int]
    lanes: Sequence[stored.LaneOfOverview]
    capacity: Sequence[stored.Capacity]
    waiting: Sequence[stored.Waiting]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What came of the last hour."""

    window_ms: int = WINDOW_MS
    proven: Sequence[stored.ProvenInLane] = ()
    punctuality: Sequence[stored.Punctuality] = ()
    prices: Sequence[stored.PricePoint] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorsShown:
    """How operators stand, what they have at stake, and what was taken of it."""

    now_ms: int
    reports: Sequence[OperatorReport]
    bonds: Mapping[Address, stored.BondOfOperator]
    slashes: Sequence[stored.Slash]
    regions: Mapping[str, str] = field(default_factory=dict)  #: of connected provers, by their ids


class Overview:
    """Lanes of subnetworks that are not open to all are as unknown as those that do not exist."""

    def __init__(self, database: Database, reputation: Reputation, clock: Clock, *, silent_ms: int) -> None:
        self._database = database
        self._reputation = reputation
        self._silent_ms = silent_ms
        self._now = Held(self._read_now, holds_ms=NOW_HOLDS_MS, clock=clock)
        self._figures = Held(self._read_figures, holds_ms=FIGURES_HOLD_MS, clock=clock)
        self._open = Held(self._read_open, holds_ms=FIGURES_HOLD_MS, clock=clock)
        self._prices = Held(self._read_prices, holds_ms=NOW_HOLDS_MS, clock=clock)
        self._operators = Held(self._read_operators, holds_ms=FIGURES_HOLD_MS, clock=clock)
        self._engines = Held(self._read_engines, holds_ms=FIGURES_HOLD_MS, clock=clock)

    async def now(self) -> NetworkNow:
        """Return who is connected and what waits."""
        return await self._now.get(None)

    async def figures(self) -> Figures:
        """Return throughput, punctuality and prices of the last hour."""
        return await self._figures.get(None)

    async def prices(self, lane: str, *, window_ms: int) -> Sequence[stored.PricePoint]:
        """Return a lane's prices over time. Raises UnknownRound for a lane that nobody may see."""
        await self._check_lane(lane)
        return await self._prices.get((lane, window_ms))

    async def rounds(
        self, lane: str, *, below: int = 0, limit: int = 0, all_rounds: bool = True
    ) -> list[stored.RoundLine]:
        """Return a lane's newest rounds, or those before the number `below`. Raises UnknownRound, InvalidField."""
        if not 0 <= below <= NUMBER_MAX:
            raise InvalidField("the number of a list's last round", field="below")
        await self._check_lane(lane)
        async with self._database.connection() as connection:
            return await connection.fetch(
                stored.ROUNDS_OF_LANE,
                lane=lane,
                below=below or NUMBER_MAX,
                all_rounds=all_rounds,
                limit=list_limit(limit),
            )

    async def round(self, lane: str, number: int) -> RoundView:
        """Return a round with its record. Raises UnknownRound: there is none, or its record names people."""
        await self._check_lane(lane)
        found = None
        if 0 <= number <= NUMBER_MAX:
            async with self._database.connection() as connection:
                found = await connection.first(stored.ROUND_OF_LANE, lane=lane, number=number)
        if found is None or not found.is_blinded:
            raise UnknownRound(f"{lane} has no such round", field="number", hint="the lane's page lists them")
        return found

    async def operators(self) -> OperatorsShown:
        """Return how all operators stand."""
        return await self._operators.get(None)

    async def slashes_of(self, operator: Address) -> list[stored.Slash]:
        """Return an operator's newest slashes."""
        async with self._database.connection() as connection:
            return await connection.fetch(stored.LATEST_SLASHES, operator=operator, limit=list_limit(0))

    async def engines(self) -> Sequence[ShownEngine]:
        """Return the engines that anybody offers or a program was built by, and which of them are stopped."""
        return await self._engines.get(None)

    async def _check_lane(self, lane: str) -> None:
        if lane.partition("/")[0] not in await self._open.get(None):
            raise UnknownRound(f"there is no lane {lane!r}", field="lane", hint="the market's page lists them")

    async def _read_now(self, _: None) -> NetworkNow:
        silent = {"gateway_silent_ms": GATEWAY_SILENT_MS, "silent_ms": self._silent_ms}
        shown = await self._open.get(None)
        async with self._database.connection() as connection:
            states = await connection.fetch(COUNT_STATES)
            lanes = await connection.fetch(stored.LANES_OF_OVERVIEW, limit=LANES_MAX)
            capacity = await connection.fetch(stored.CAPACITY_OF_LANES, limit=LANES_MAX, **silent)
            waiting = await connection.fetch(stored.WAITING_IN_LANES)
            return NetworkNow(
                now_ms=await connection.value(DATABASE_TIME),
                provers=await connection.fetch(LIST_PROVERS, **silent),
                jobs_by_state={one.state: one.number for one in states if one.what == "job"},
                lanes=[one for one in lanes if _subnetwork(one.lane) in shown],
                capacity=[one for one in capacity if _subnetwork(one.lane) in shown],
                waiting=[one for one in waiting if _subnetwork(one.lane) in shown],
            )

    async def _read_figures(self, _: None) -> Figures:
        shown = await self._open.get(None)
        lanes = [one.lane for one in (await self.now()).lanes]
        async with self._database.connection() as connection:
            proven = await connection.fetch(stored.PROVEN_IN_LANES, window_ms=WINDOW_MS)
            punctuality = await connection.fetch(stored.PUNCTUALITY_OF_LANES, window_ms=WINDOW_MS)
            prices = await connection.fetch(
                stored.PRICES_OF_LANES,
                lanes=lanes,
                rounds=ROUNDS_READ_MAX,
                window_ms=WINDOW_MS,
                bucket_ms=WINDOW_MS // POINTS,
            )
        return Figures(
            proven=[one for one in proven if _subnetwork(one.lane) in shown],
            punctuality=[one for one in punctuality if _subnetwork(one.lane) in shown],
            prices=prices,
        )

    async def _read_prices(self, asked: tuple[str, int]) -> Sequence[stored.PricePoint]:
        lane, window_ms = asked
        async with self._database.connection() as connection:
            return await connection.fetch(
                stored.PRICES_OF_LANES,
                lanes=[lane],
                rounds=ROUNDS_READ_MAX,
                window_ms=window_ms,
                bucket_ms=max(1, window_ms // POINTS),
            )

    async def _read_open(self, _: None) -> frozenset[str]:
        async with self._database.connection() as connection:
            return frozenset(await connection.fetch(stored.OPEN_SUBNETWORKS))

    async def _read_operators(self, _: None) -> OperatorsShown:
        reports = await self._reputation.operators(None)
        regions = {str(one.prover_id): one.region for one in (await self.now()).provers}
        async with self._database.connection() as connection:
            bonds = await connection.fetch(stored.BONDS_OF_OPERATORS, limit=OPERATORS_MAX)
            return OperatorsShown(
                now_ms=await connection.value(DATABASE_TIME),
                reports=reports,
                bonds={one.operator: one for one in bonds},
                slashes=await connection.fetch(stored.LATEST_SLASHES, operator="", limit=list_limit(0)),
                regions=regions,
            )

    async def _read_engines(self, _: None) -> Sequence[ShownEngine]:
        async with self._database.connection() as connection:
            return await connection.fetch(LIST_ENGINES, here=[])


def _subnetwork(lane: Lane) -> str:
    return lane.partition("/")[0]
