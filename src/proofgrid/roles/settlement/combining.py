"""All slices proven: the task is claimed, its bundle sealed (sealing.py), and the task done (finishing.py).

    claim --programs whose bundles are sealed in no time--> together, one group at a time: the next gathers meanwhile
      `-----others----------------------------------------> alone, as many at once as there are workers, and one

Nobody waits for a group to fill. A group that kills its worker is taken apart, so that the culprit is found.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import structlog

from proofgrid.primitives.clock import Clock
from proofgrid.primitives.digests import Digest
from proofgrid.primitives.errors import JobCrashed, JobTimedOut, ProofgridError, Recoverable
from proofgrid.primitives.ids import GatewayId, TaskId, ms_of
from proofgrid.proofs.library import ProgramLibrary
from proofgrid.proofs.workers import ProofWorkers
from proofgrid.roles.loop import Loop
from proofgrid.roles.settlement.finishing import Sealed, finish
from proofgrid.roles.settlement.sealing import Sealer
from proofgrid.rules.identity.network_keys import NetworkKeys
from proofgrid.rules.jobs.lifecycle import TaskEvent, TaskState
from proofgrid.rules.jobs.limits import SMALL_BUNDLE_BYTES
from proofgrid.rules.scheduling.calls import PIECES_MAX
from proofgrid.store.artifacts import ArtifactStore
from proofgrid.store.combining import CLAIM_COMBINING, ClaimedTask
from proofgrid.store.database import Database
from proofgrid.store.lanes import GATEWAY_SILENT_MS
from proofgrid.store.tasks import end_task
from proofgrid.store.transactions import Transaction
from proofgrid.telemetry import traces
from proofgrid.telemetry.metrics.of_gateway import SEAL_SECONDS, TASK_SECONDS, TASKS_ENDED

LOOK_AGAIN_SECONDS = 1.0  #: whether a gateway died and left tasks behind
AFTER_TROUBLE_SECONDS = 1.0
DOUBTED_MAX = 1_000

log = structlog.get_logger(__name__)


class Combiner:
    """Combines finished tasks. Any number of gateways may run one: a claim says who is at it, and until when."""

    def __init__(
        self,
        database: Database,
        artifacts: ArtifactStore,
        library: ProgramLibrary,
        workers: ProofWorkers,
        *,
        gateway_id: GatewayId,
        keys: NetworkKeys,
        scratch: Path,
        clock: Clock,
        engines: Collection[str] | None = None,
    ) -> None:
        """`engines`: those whose proofs this gateway can verify; None: all."""
        self._engines = None if engines is None else sorted(engines)
        self._database = database
        self._sealer = Sealer(database, artifacts, library, workers, keys=keys, scratch=scratch)
        self._gateway_id = gateway_id
        self._clock = clock
        self._loop = Loop("combining", self._look, retry_seconds=AFTER_TROUBLE_SECONDS)
        self._running: set[TaskId] = set()
        self._group_is_out = False  #: are tasks sealed together now?
        self._alone = 0  #: tasks that are sealed alone now, or wait for it
        self._alone_max = workers.count + 1
        self._turn = asyncio.Semaphore(self._alone_max)
        self._left = False  #: was anything left in the database for lack of room, perhaps?
        self._doubted: set[TaskId] = set()  #: they killed a worker, alone: they take no others along

    def wake(self) -> None:
        """A task may be ready to combine."""
        self._loop.wake()

    async def run(self) -> None:
        """Combine until cancelled; what an earlier gateway left undone comes first."""
        async with asyncio.TaskGroup() as self._tasks:
            await self._loop.run()

    async def _look(self) -> float:
        together = PIECES_MAX if self._sealer.quick and not self._group_is_out else 0
        alone = max(0, self._alone_max - self._alone)
        if self._group_is_out and not self._sealer.slow:
            alone = 0  # whatever comes belongs to the next group, most likely
        claimed = await self._claim(together, alone) if together or alone else []
        self._left = not together or not alone or len(claimed) >= min(together, alone)
        by_program: dict[Digest, list[ClaimedTask]] = defaultdict(list)
        for task in claimed:
            self._running.add(task.task_id)
            if self._may_go_together(task):
                by_program[task.program_digest].append(task)
            else:
                self._start_alone(task)
        if by_program:
            self._group_is_out = True
            self._tasks.create_task(self._combine_together(by_program))
        return LOOK_AGAIN_SECONDS

    async def _claim(self, together: int, alone: int) -> list[ClaimedTask]:
        return await self._database.write(
            Transaction.CLAIM_COMBINING,
            CLAIM_COMBINING,
            gateway_id=self._gateway_id,
            gateway_silent_ms=GATEWAY_SILENT_MS,
            quick=list(self._sealer.quick),
            together=together,
            alone=alone,
            running=list(self._running),
            engines=self._engines,
        )

    def _may_go_together(self, task: ClaimedTask) -> bool:
        small = task.size_bytes is not None and task.size_bytes <= SMALL_BUNDLE_BYTES
        return small and task.program_digest in self._sealer.quick and task.task_id not in self._doubted

    async def _combine_together(self, by_program: Mapping[Digest, list[ClaimedTask]]) -> None:
        try:
            for program, tasks in by_program.items():
                size = self._sealer.group_size(program)
                for start in range(0, len(tasks), size):
                    await self._combine(tasks[start : start + size])
        finally:
            self._group_is_out = False
            self._look_for_more()

    def _start_alone(self, task: ClaimedTask) -> None:
        self._alone += 1
        self._tasks.create_task(self._combine_alone(task))

    async def _combine_alone(self, task: ClaimedTask) -> None:
        try:
            async with self._turn:
                await self._combine([task])
        finally:
            self._alone -= 1
            self._look_for_more()

    def _look_for_more(self) -> None:
        if self._left:
            self._loop.wake()

    async def _combine(self, tasks: Sequence[ClaimedTask]) -> None:
        """Seal and finish tasks of one program; whatever becomes of them, they are not running afterwards."""
        try:
            await self._seal_and_finish(tasks)
        except (JobCrashed, JobTimedOut) as error:
            await self._apart(tasks, error)
        except Recoverable as error:
            await self._postpone(tasks, error)
        except Exception as error:
            log.exception("combining_failed_whole", tasks=len(tasks))
            await self._apart(tasks, error)
        except BaseException:
            self._running.difference_update(task.task_id for task in tasks)
            raise

    async def _apart(self, tasks: Sequence[ClaimedTask], error: Exception) -> None:
        if len(tasks) == 1:
            self._doubt(tasks[0])
            await self._postpone(tasks, error)
            return
        # One of them is to blame: each on its own tells which.
        log.warning("combining_taken_apart", tasks=len(tasks), reason=str(error))
        for task in tasks:
            self._start_alone(task)

    async def _seal_and_finish(self, tasks: Sequence[ClaimedTask]) -> None:
        began = asyncio.get_running_loop().time()
        verdicts = await self._sealer.seal(tasks)
        took = asyncio.get_running_loop().time() - began
        SEAL_SECONDS.observe(took)
        sealed = [one for one in verdicts if isinstance(one, Sealed)]
        # A firm quote moves money in several steps, and accounts are locked in one: such a task is finished alone.
        batches = [[one for one in sealed if one.task.quote_id is None]]
        batches += [[one] for one in sealed if one.task.quote_id is not None]
        for batch in filter(None, batches):
            async with self._database.transaction(Transaction.FINISH_TASK) as connection:
                done = await finish(connection, batch)
            TASKS_ENDED.add(len(done), TaskState.DONE.value)
            for task_id in done:
                waited_ms = self._clock.now_ms() - ms_of(task_id)
                TASK_SECONDS.observe(max(0, waited_ms) / 1_000, trace=task_id.hex)
                traces.note("combine", traces.of_task(task_id), took)
                traces.note_task(task_id, waited_ms / 1_000)
            for one in batch:
                log.info("task_done", task_id=str(one.task.task_id), bundle=one.bundle)
                self._forget(one.task)
        for task, verdict in zip(tasks, verdicts, strict=True):
            if isinstance(verdict, Recoverable):
                self._tasks.create_task(self._postpone([task], verdict))
            elif isinstance(verdict, ProofgridError):
                await self._give_up(task, verdict)

    async def _give_up(self, task: ClaimedTask, error: ProofgridError) -> None:
        log.error("combining_failed", task_id=str(task.task_id), reason=str(error))
        async with self._database.transaction(Transaction.END_TASK) as connection:
            await end_task(connection, task.task_id, TaskEvent.GAVE_UP, code=error.code, detail=error.detail)
        self._forget(task)

    def _forget(self, task: ClaimedTask) -> None:
        self._running.discard(task.task_id)
        self._doubted.discard(task.task_id)

    def _doubt(self, task: ClaimedTask) -> None:
        if len(self._doubted) >= DOUBTED_MAX:
            self._doubted.clear()
        self._doubted.add(task.task_id)

    async def _postpone(self, tasks: Sequence[ClaimedTask], error: Exception) -> None:
        # Tried again a little later; the task's deadline ends the trying.
        for task in tasks:
            log.warning("combining_postponed", task_id=str(task.task_id), reason=str(error))
        await asyncio.sleep(AFTER_TROUBLE_SECONDS)
        self._running.difference_update(task.task_id for task in tasks)
        self._loop.wake()
