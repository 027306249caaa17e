"""The engines of a network: who runs them, what they have to do; and the switch that stops one.

stop -> one row -> every gateway is told: nothing is built, admitted, sold or paid for it
                -> the watches end its open tasks, refunded, leases without blame (dispatcher/stopped_engines.py)
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import structlog

from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.ids import Engine
from proofgrid.roles.intake.known_engines import KnownEngines
from proofgrid.rules.access.api_keys import Scope
from proofgrid.rules.access.rights import ANYBODY, needs
from proofgrid.rules.access.roles import Caller, Role
from proofgrid.rules.jobs.engines import check_reason, parse_engine, version_of
from proofgrid.rules.jobs.limits import LIST_MAX
from proofgrid.store.database import Database
from proofgrid.store.engines import (
    ACCEPTED_BY_ENGINE,
    LIST_ENGINES,
    RESUME_ENGINE,
    STOP_ENGINE,
    STOPS_OF_ENGINES,
    AcceptedProof,
    EngineStop,
    ShownEngine,
)
from proofgrid.store.transactions import Transaction

FENCE_MAX = 2**63 - 1

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedEngine:
    """An engine and its stops, for whoever may see them; newest first."""

    shown: ShownEngine
    stops: Sequence[EngineStop]


class Engines:
    """`here`: those of this gateway."""

    def __init__(self, database: Database, known: KnownEngines, *, here: Collection[Engine]) -> None:
        self._database = database
        self._known = known
        self._here = here

    @needs(*ANYBODY, scopes=(Scope.NETWORK_READ,))
    async def list_all(self, caller: Caller) -> list[ListedEngine]:
        """Return every engine that the network knows of, by name; an administrator sees who stopped which, and when."""
        async with self._database.connection() as connection:
            shown = await connection.fetch(LIST_ENGINES, here=sorted(one for one in self._here if version_of(one)))
            stops = await connection.fetch(STOPS_OF_ENGINES, limit=LIST_MAX) if caller.is_admin else []
        return [ListedEngine(shown=one, stops=[stop for stop in stops if stop.engine == one.engine]) for one in shown]

    @needs(Role.ADMIN, once=True)
    async def stop(self, admin: Caller, engine: str, reason: str) -> ListedEngine:
        """Stop an engine of which the network knows; stopping it twice stops it once, for the first reason.

        Raises InvalidField for an engine of which nobody has heard, which may be a slip of the pen.
        """
        named, reason = parse_engine(engine, field="engine"), check_reason(reason)
        await self._one(admin, named)
        stop = await self._database.write(
            Transaction.CHANGE_ENGINES, STOP_ENGINE, engine=named, reason=reason, by=admin.address
        )
        self._known.forget()
        if stop:
            log.warning("engine_stopped", engine=named, reason=reason, by=admin.address)
        return await self._one(admin, named)

    @needs(Role.ADMIN, once=True)
    async def resume(self, admin: Caller, engine: str) -> ListedEngine:
        """Let a stopped engine go on; resuming one that is not stopped does nothing."""
        named = parse_engine(engine, field="engine")
        await self._one(admin, named)
        if await self._database.write(Transaction.CHANGE_ENGINES, RESUME_ENGINE, engine=named, by=admin.address):
            log.warning("engine_resumed", engine=named, by=admin.address)
        self._known.forget()
        return await self._one(admin, named)

    @needs(Role.ADMIN)
    async def accepted(self, engine: str, *, limit: int, below: int) -> list[AcceptedProof]:
        """Return proofs by an engine that were paid for, newest first; `below`: only leases with a lower fence."""
        if not 0 <= below <= FENCE_MAX:
            raise InvalidField("the fence of a list's last row; 0: from the newest", field="below")
        async with self._database.connection() as connection:
            return await connection.fetch(
                ACCEPTED_BY_ENGINE,
                engine=parse_engine(engine, field="engine"),
                below=below or FENCE_MAX,
                limit=min(limit or LIST_MAX, LIST_MAX),
            )

    async def _one(self, admin: Caller, engine: Engine) -> ListedEngine:
        known = await self.list_all(admin)
        for one in known:
            if one.shown.engine == engine:
                return one
        names = ", ".join(one.shown.engine for one in known)
        raise InvalidField(f"nobody has heard of {engine}", field="engine", hint=f"there are {names or 'none'}")
