"""The engines of programs, sessions and leases, and those that administrators stopped."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from proofgrid.primitives.digests import Digest
from proofgrid.primitives.ids import Address, Engine, Lane, ProverId, TaskId
from proofgrid.rules.jobs.engines import KnownEngine, stopped
from proofgrid.store.connection import Connection
from proofgrid.store.queries import query


@dataclass(frozen=True, slots=True)
class EngineOfProgram:
    """An engine that built a program, as `rules.jobs.engines.KnownEngine` has it."""

    engine: Engine
    stopped: str | None
    is_offered: bool
    others_are_offered: bool

    @property
    def known(self) -> KnownEngine:
        return KnownEngine(
            engine=self.engine,
            stopped=self.stopped,
            is_offered=self.is_offered,
            others_are_offered=self.others_are_offered,
        )


@dataclass(frozen=True, slots=True)
class StoppedEngine:
    """An engine that does nothing more, and why."""

    engine: Engine
    reason: str


@dataclass(frozen=True, slots=True)
class ShownEngine:
    """An engine with its provers, its work and the stop that stands."""

    engine: Engine
    is_here: bool
    provers: int  #: connected, not draining
    provers_draining: int
    slots: int  #: of those that do not drain
    slots_busy: int  #: with its jobs
    programs: int
    tasks_open: int
    jobs_open: int
    stopped_reason: str  #: empty: it is not stopped
    stopped_ms: int
    stopped_by: str


@dataclass(frozen=True, slots=True)
class EngineStop:
    """A stop, with who ended it."""

    engine: Engine
    reason: str
    stopped_by: Address
    stopped_ms: int
    resumed_by: str
    resumed_ms: int  #: 0: it stands


@dataclass(frozen=True, slots=True)
class StopToSweep:
    """A stop whose open tasks may not all have ended."""

    stop_id: int
    engine: Engine
    reason: str
    is_settled: bool  #: no more of them can come


@dataclass(frozen=True, slots=True)
class AcceptedProof:
    """A proof that was paid for; what was paid in base units, the treasury's fee included."""

    task_id: TaskId
    client: Address
    program_digest: Digest
    task_state: str
    bundle_digest: str  #: empty: there is none
    slice: int
    input: int
    proof_digest: str
    prover_id: ProverId
    operator: Address
    paid: int
    accepted_ms: int
    fence: int


ENGINES_OF_PROGRAM = query("engines_of_program", EngineOfProgram)
INSERT_PROGRAM_ENGINES = query("insert_program_engines", None)
STOP_OF_ENGINE = query("stop_of_engine", StoppedEngine)
UNVERSIONED_WITH_JOBS = query("unversioned_with_jobs", str)
LANES_OF_LEASES = query("lanes_of_leases", Lane)
LIST_ENGINES = query("list_engines", ShownEngine)
STOPS_OF_ENGINES = query("stops_of_engines", EngineStop)
STOP_ENGINE = query("stop_engine", int)
RESUME_ENGINE = query("resume_engine", int)
STOPS_TO_SWEEP = query("stops_to_sweep", StopToSweep)
TASKS_OF_ENGINE = query("tasks_of_engine", TaskId)
NOTE_SWEPT = query("note_swept", None)
ACCEPTED_BY_ENGINE = query("accepted_by_engine", AcceptedProof)


async def check_engines_run(connection: Connection, engines: Collection[str], *, field: str) -> None:
    """Raise EngineStopped when one of these engines is stopped, as it is now."""
    found = await connection.first(STOP_OF_ENGINE, engines=sorted(engines))
    if found is not None:
        raise stopped(found.engine, found.reason, field=field)
