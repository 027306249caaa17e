"""Tasks of the toy system whose proofs are all there, and what seals them, for tests of sealing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from proofgrid.primitives.clock import SystemClock
from proofgrid.primitives.digests import Digest, digest_of
from proofgrid.primitives.ids import Address, SessionId, TaskId
from proofgrid.proofs.base import JobDraft, Program, ProgramFiles
from proofgrid.proofs.bundles.bundle import BundleReport, verify_bundle
from proofgrid.proofs.library import ProgramLibrary
from proofgrid.proofs.manifest import program_to_json
from proofgrid.proofs.workers import ProofWorkers
from proofgrid.roles.settlement.combining import Combiner
from proofgrid.roles.settlement.payment import Proven, pay
from proofgrid.rules.identity.network_keys import NetworkKeys
from proofgrid.rules.jobs.offers import HeldLease, JobReport, Paid
from proofgrid.rules.ledger.settlement import deposit
from proofgrid.store.artifacts import ArtifactStore
from proofgrid.store.cache import LocalCache
from proofgrid.store.programs import INSERT_PROGRAM
from proofgrid.store.settlement import LEASES_OF_REPORTS
from proofgrid.store.stored_artifacts import rows_of
from proofgrid.store.transactions import Transaction
from proofgrid.store.transfers import post_transfers
from tests.makers import a_key, a_program
from tests.roles.lanes import LaneUnderTest
from tests.toy_system import ToySystem

OWNER = a_key(5).address
OPERATOR = a_key(6).address
TOY = ToySystem()
PATIENCE_SECONDS = 60.0


class RecordingWorkers(ProofWorkers):
    """Workers that note how many tasks each call was for, and do something when one is over."""

    def __init__(self, count: int) -> None:
        super().__init__(count)
        self.combined: list[int] = []
        self.after: Callable[[str], Any] | None = None

    async def call(self, function: Any, /, *args: Any, **options: Any) -> Any:  # type: ignore[override]
        if function.__name__ == "combine_tasks":
            self.combined.append(len(args[2]))
        result = await super().call(function, *args, **options)
        if self.after is not None:
            await self.after(function.__name__)
        return result


@dataclass(slots=True)
class Sealing:
    """A gateway that seals, with the toy programs that it knows."""

    lane: LaneUnderTest
    session: SessionId  #: of the prover
    workers: RecordingWorkers
    folder: Path
    programs: dict[Digest, tuple[Program, Path]] = field(default_factory=dict)

    @property
    def artifacts(self) -> ArtifactStore:
        return ArtifactStore.open(str(self.folder / "artifacts"), rows=rows_of(self.lane.database))

    @property
    def scratch(self) -> Path:
        folder = self.folder / "scratch"
        folder.mkdir(exist_ok=True)
        return folder

    def left_over(self) -> list[Path]:
        """Return the files in the scratch folder but those of programs, which workers keep at hand."""
        kept = {digest for program, _ in self.programs.values() for digest in program.files.values()}
        return [path for path in self.scratch.rglob("*") if path.is_file() and path.name not in kept]

    def combiner(self) -> Combiner:
        cache = LocalCache(self.folder / "cache", 1 << 20)
        return Combiner(
            self.lane.database,
            self.artifacts,
            ProgramLibrary(self.lane.database, self.artifacts, cache),
            self.workers,
            gateway_id=self.lane.gateway_id,
            keys=NetworkKeys.of(a_key()),
            scratch=self.scratch,
            clock=SystemClock(),
        )

    async def add_program(self, **settings: Any) -> Digest:
        """Register a toy program with one slice."""
        built = self.folder / f"program-{len(self.programs)}"
        built.mkdir()
        files = TOY.build_program(
            {}, {"slices": 1, **settings}, trust={}, workdir=built, report=lambda stage, share: None
        )
        program = files.program
        manifest = program_to_json(program)
        async with self.lane.database.transaction(Transaction.REGISTER_PROGRAM) as connection:
            await connection.run(INSERT_PROGRAM, **a_program(digest=program.digest, manifest=manifest))
        await self.artifacts.put_file(files.path("circuit"))
        self.programs[program.digest] = program, files.path("circuit")
        return program.digest

    async def prove(
        self, program: Digest, *texts: str, poisoned: Sequence[str] = (), lying: Sequence[str] = ()
    ) -> list[TaskId]:
        """Let a task with one job be paid for each text, all at once. Those that are `poisoned` kill who combines them;
        those that are `lying` have proofs that no verifier takes."""
        requests: dict[UUID, tuple[str, JobDraft]] = {}
        for text in texts:
            request = TOY.normalise(self._files(program), [text], workdir=self.folder)
            task_id = await self.lane.add_task(client=OWNER)
            requests[task_id] = text, request.jobs[0]
            async with self.lane.database.transaction(Transaction.ADMIT_TASKS) as connection:
                await connection.raw.execute("UPDATE gateways SET seen_ms = now_ms()")
                await connection.raw.execute(
                    "UPDATE tasks SET program_digest = $2, statement = $3 WHERE task_id = $1",
                    *(task_id, program, request.statement),
                )
            assert await self.lane.sell()
        await self.lane.offer(self.session)
        async with self.lane.database.transaction(Transaction.PAY_PROOFS) as connection:
            ids = [row["lease_id"] for row in await self.lane.leases() if row["task_id"] in requests]
            reported = await connection.fetch(LEASES_OF_REPORTS, lease_ids=ids)
            proofs = []
            for lease in reported:
                text, job = requests[lease.task_id]
                output = TOY.run_job(
                    self._files(program),
                    *(0, job.input),
                    cache=self.folder,
                    workdir=self.folder,
                    report=lambda stage, share: None,
                )
                proof = b"poison" if text in poisoned else b"a lie" if text in lying else output.proof
                held = HeldLease(lease_id=lease.lease_id, fence=lease.fence)
                report = JobReport(
                    held=held, proof=proof, proof_digest=None, public=output.public, wall_ms=1, memory_peak_bytes=0
                )
                proofs.append(
                    Proven(
                        lease=lease,
                        report=report,
                        proof_digest=digest_of(proof),
                        small_proof=proof,
                        size_bytes=len(proof),
                    )
                )
            paid = await pay(connection, proofs, self.lane.settings.hedging, seating=self.lane.seating)
            assert all(isinstance(one, Paid) for one in paid.values())
        return [TaskId(task_id) for task_id in requests]

    def _files(self, program: Digest) -> ProgramFiles:
        known, path = self.programs[program]
        return ProgramFiles(known, {"circuit": path})

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Combiner]:
        """Yield a combiner at work."""
        combiner = self.combiner()
        async with asyncio.TaskGroup() as group:
            working = group.create_task(combiner.run())
            yield combiner
            working.cancel()

    async def until_done(self, *tasks: TaskId, states: Sequence[str] = ("done",)) -> None:
        """Wait until all these tasks are in one of these states."""
        await self.until(lambda: self._are(tasks, states))

    async def until(self, holds: Callable[[], Awaitable[bool]]) -> None:
        """Wait until something holds."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not await holds():  # noqa: ASYNC110 - an observer from outside
                await asyncio.sleep(0.02)

    async def _are(self, tasks: Sequence[TaskId], states: Sequence[str]) -> bool:
        return all(state in states for state in await self.states(*tasks))

    async def states(self, *tasks: TaskId) -> list[str]:
        """Return what became of these tasks."""
        rows = await self.lane.fetch("SELECT task_id, state FROM tasks")
        by_id = {row["task_id"]: row["state"] for row in rows}
        return [by_id[task_id] for task_id in tasks]

    async def bundle(self, task_id: TaskId) -> tuple[Digest, bytes | None]:
        """Return the digest of a task's bundle, and its bytes where they live in its row."""
        [row] = await self.lane.fetch(
            "SELECT digest, content, owner FROM tasks JOIN artifacts ON digest = bundle_digest WHERE task_id = $1",
            task_id,
        )
        assert row["owner"] == OWNER
        return row["digest"], row["content"]

    async def verify(self, task_id: TaskId, program: Digest) -> BundleReport:
        """Verify the bundle of a task as its client would."""
        digest, _ = await self.bundle(task_id)
        path = self.folder / f"{task_id}.pgb"
        await self.artifacts.fetch_to(digest, path)
        workdir = self.folder / f"{task_id}-verify"
        return verify_bundle(path, expect_program=program, expect_network=Address(a_key().address), workdir=workdir)


async def open_sealing(lane: LaneUnderTest, folder: Path) -> Sealing:
    """Give the client money, let a prover with many places be there."""
    async with lane.database.transaction(Transaction.MOVE_MONEY) as connection:
        await post_transfers(connection, deposit(deposit_id="owner", client=OWNER, amount=10**12))
    session = await lane.add_prover(OPERATOR, slots=100)
    return Sealing(lane, session, RecordingWorkers(1), folder)
