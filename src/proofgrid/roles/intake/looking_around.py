"""What is looked up before a request is admitted: for all that wait at once; tasks are counted where it matters."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from proofgrid.primitives.clock import Clock
from proofgrid.primitives.digests import Digest
from proofgrid.primitives.ids import Address, TaskId
from proofgrid.primitives.turns import Urgency
from proofgrid.rules.jobs.limits import OpenCount, must_count
from proofgrid.store.admission import LOOK_AROUND
from proofgrid.store.batches import Batches
from proofgrid.store.database import Database

LOOKS_PER_BATCH = 256
CLIENTS_MAX = 10_000  #: whose counts are remembered


@dataclass(frozen=True, slots=True)
class Around:
    """The task that has a request's key already, if any, with its request's digest; how many its client has open."""

    task_id: TaskId | None
    request_digest: Digest | None
    open_tasks: int


class LookingAround:
    """Needs its `run` in a TaskGroup."""

    def __init__(self, database: Database, *, open_tasks_max: int, clock: Clock) -> None:
        self._database = database
        self._open_tasks_max = open_tasks_max
        self._clock = clock
        self._counts: OrderedDict[Address, OpenCount] = OrderedDict()
        self._waiting: Batches[tuple[Address, str], Around] = Batches(self._look, size_max=LOOKS_PER_BATCH, at_once=2)

    async def run(self) -> None:
        """Look for all that ask until cancelled."""
        await self._waiting.run()

    async def look(self, client: Address, idempotency_key: str) -> Around:
        """Return what is known of a key, durably, and how many tasks its client has open, at most the limit."""
        return await self._waiting.add((client, idempotency_key))

    def counted(self, client: Address) -> int | None:
        """Return how many tasks a client has open by what is known; None where they are to be counted now."""
        known = self._counts.get(client)
        due = must_count(known, limit=self._open_tasks_max, now_ms=self._clock.now_ms())
        return None if due or known is None else known.at_most

    def note_accepted(self, client: Address) -> None:
        """A task of the client was written down by this gateway."""
        known = self._counts.get(client)
        if known is not None:
            self._counts[client] = replace(known, accepted=known.accepted + 1)

    async def _look(self, asked: list[tuple[Address, str]]) -> Sequence[Around]:
        now_ms = self._clock.now_ms()
        counts = {client: self._counts.get(client) for client, _ in asked}
        due = {
            client for client, known in counts.items() if must_count(known, limit=self._open_tasks_max, now_ms=now_ms)
        }
        counting = []
        for client, _ in asked:
            counting.append(client in due)
            due.discard(client)  # one count serves all requests of a client that came together
        async with self._database.connection(Urgency.ADMISSION) as connection:
            rows = await connection.fetch(
                LOOK_AROUND,
                clients=[client for client, _ in asked],
                idempotency_keys=[key for _, key in asked],
                counting=counting,
                open_max=self._open_tasks_max,
            )
        for (client, _), row in zip(asked, rows, strict=True):
            if row.open_tasks is not None:
                counts[client] = self._remember(client, OpenCount(row.open_tasks, now_ms))
        return [
            Around(None if row.task_id is None else TaskId(row.task_id), row.request_digest, _at_most(counts[client]))
            for (client, _), row in zip(asked, rows, strict=True)
        ]

    def _remember(self, client: Address, count: OpenCount) -> OpenCount:
        self._counts[client] = count
        self._counts.move_to_end(client)
        if len(self._counts) > CLIENTS_MAX:
            self._counts.popitem(last=False)
        return count


def _at_most(count: OpenCount | None) -> int:
    return 0 if count is None else count.at_most
