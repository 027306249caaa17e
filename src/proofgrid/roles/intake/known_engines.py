"""To which engines the jobs of programs go: read once, held for a moment, forgotten as soon as the database tells.

A program's jobs go to an engine that built it (rules/jobs/engines.py), that this gateway can verify, that no
administrator stopped and that a connected prover names.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from proofgrid.primitives.clock import Clock
from proofgrid.primitives.digests import Digest
from proofgrid.primitives.ids import Engine
from proofgrid.primitives.turns import Urgency
from proofgrid.proofs.base import Program
from proofgrid.proofs.registry import systems_of
from proofgrid.rules.jobs.engines import KnownEngine, choose_engine, engine_of, system_of
from proofgrid.store.database import Database
from proofgrid.store.engines import ENGINES_OF_PROGRAM, check_engines_run

HOLDS_MS = 500  #: what changed is seen by then, even if the notification is lost
REMEMBERS_MS = 60_000  #: an engine counts as offered for so long after its last prover left: it may be coming back
PROGRAMS_MAX = 1_024


@dataclass(frozen=True, slots=True)
class _Held:
    engines: Sequence[KnownEngine]
    at_ms: int


class KnownEngines:
    """`here`: the engine of each proof system whose proofs this gateway verifies; None: no versions are told apart."""

    def __init__(self, database: Database, here: Mapping[str, Engine] | None, *, clock: Clock) -> None:
        self._database = database
        self._here = here
        self._clock = clock
        self._held: OrderedDict[Digest, _Held] = OrderedDict()
        self._offered_ms: dict[Engine, int] = {}

    def forget(self, program: str = "") -> None:
        """Something of a program has changed, or of any engine."""
        if program:
            self._held.pop(Digest(program), None)
        else:
            self._held.clear()

    async def of(self, program: Program) -> Mapping[str, Engine]:
        """Return by proof system the engine that new jobs of a program go to; raises what `choose_engine` raises."""
        systems = sorted(set(systems_of(program)))
        if self._here is None:
            return {system: Engine(system) for system in systems}
        known = await self._known(program, systems)
        here = frozenset(self._here.values())
        return {
            system: choose_engine([one for one in known if system_of(one.engine) == system], here=here)
            for system in systems
        }

    async def check_runs(self, *engines: Engine, field: str) -> None:
        """Raise EngineStopped when one of these is stopped, as it is now."""
        async with self._database.connection(Urgency.ADMISSION) as connection:
            await check_engines_run(connection, engines, field=field)

    def built_by(self, program: Program) -> list[Engine]:
        """Return the engines that build a program here."""
        return [self._engine_here(system) for system in sorted(set(systems_of(program)))]

    async def _known(self, program: Program, systems: Sequence[str]) -> Sequence[KnownEngine]:
        digest, now_ms = program.digest, self._clock.now_ms()
        held = self._held.get(digest)
        if held is None or not 0 <= now_ms - held.at_ms < HOLDS_MS:
            others = [self._before_engines_were_told(program, system) for system in systems]
            async with self._database.connection(Urgency.ADMISSION) as connection:
                rows = await connection.fetch(ENGINES_OF_PROGRAM, digest=digest, others=others)
            held = self._held[digest] = _Held([self._remembered(row.known, now_ms) for row in rows], now_ms)
            if len(self._held) > PROGRAMS_MAX:
                self._held.popitem(last=False)
        return held.engines

    def _remembered(self, known: KnownEngine, now_ms: int) -> KnownEngine:
        if known.is_offered:
            self._offered_ms[known.engine] = now_ms
        last_ms = self._offered_ms.get(known.engine)
        return replace(known, is_offered=last_ms is not None and now_ms - last_ms < REMEMBERS_MS)

    def _before_engines_were_told(self, program: Program, system: str) -> Engine:
        told = program.identity.get("engine")
        if isinstance(told, str) and program.proof_system == system:
            return engine_of(system, told)
        return self._engine_here(system)

    def _engine_here(self, system: str) -> Engine:
        return (self._here or {}).get(system, Engine(system))
