"""How much there is of everything in a network: read by one process at a time, on a connection of its own."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass

from proofgrid.primitives.ids import Lane
from proofgrid.store.connection import Connection
from proofgrid.store.database import Database
from proofgrid.store.queries import query

READ_MS = 10_000  #: a census that takes longer is given up: whoever counts must not be in the way


@dataclass(frozen=True, slots=True)
class LaneCensus:
    """What waits and runs in a lane."""

    lane: Lane
    waiting_jobs: int
    waiting_units: int
    affordable_units: int  #: of jobs whose limit price is at or above the lowest ask
    oldest_ms: int  #: since the oldest job that may be sold now waits
    running_jobs: int
    running_units: int
    lowest_ask: int | None  #: None: nobody serves it
    price: int | None  #: None: no round yet


@dataclass(frozen=True, slots=True)
class ProverCensus:
    """How many provers are in a state, and what slots they have."""

    state: str
    provers: int
    slots: int
    busy: int


@dataclass(frozen=True, slots=True)
class NamedNumber:
    """How many there are of something."""

    name: str
    number: int


@dataclass(frozen=True, slots=True)
class KindBalance:
    """What the accounts of a kind hold, in base units."""

    kind: str
    balance: int


TAKE_CENSUS_TURN = query("take_census_turn", bool)
CENSUS_OF_LANES = query("census_of_lanes", LaneCensus)
CENSUS_OF_PROVERS = query("census_of_provers", ProverCensus)
CENSUS_OF_WORK = query("census_of_work", NamedNumber)
CENSUS_OF_MONEY = query("census_of_money", KindBalance)


class CensusTurn:
    """The right to take a network's census, which one process has at a time, until its connection is lost."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._stack = AsyncExitStack()
        self._connection: Connection | None = None
        self._is_mine = False

    async def take(self) -> Connection | None:
        """Return the connection to read on, None while another process has the turn. Raises what connecting raises."""
        if self._connection is None:
            raw = await self._stack.enter_async_context(self._database.unhurried_connection())
            await raw.execute(f"SET statement_timeout = {READ_MS}; SET default_transaction_read_only = on")
            self._connection = Connection(raw)
        self._is_mine = self._is_mine or await self._connection.value(TAKE_CENSUS_TURN)
        return self._connection if self._is_mine else None

    async def give_back(self) -> None:
        """Let others have it."""
        self._connection, self._is_mine = None, False
        await self._stack.aclose()
