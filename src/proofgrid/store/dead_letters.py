"""Dead letters as they are written down."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from proofgrid.primitives.digests import Digest
from proofgrid.primitives.ids import Address, ProverId
from proofgrid.store.queries import query


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A task that failed for good, as administrators see it."""

    task_id: UUID
    client: Address
    program_digest: Digest
    failure_code: str
    failure_detail: str
    finished_ms: int
    replay_of: UUID | None  #: the task that this one was a replay of
    replayed_as: UUID | None  #: the task that this one was replayed as


@dataclass(frozen=True, slots=True)
class FailedTry:
    """A lease that ended without a proof."""

    slice: int
    input: int
    prover_id: ProverId
    operator: Address
    reason: str  #: rules/jobs/retry.py
    detail: str
    ended_ms: int | None


LIST_DEAD_LETTERS = query("list_dead_letters", DeadLetter)
GET_DEAD_LETTER = query("get_dead_letter", DeadLetter)
TRIES_OF_TASK = query("tries_of_task", FailedTry)
