"""Tasks whose proofs are all there, on their way to a bundle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from proofgrid.primitives.digests import Digest
from proofgrid.primitives.ids import Address, JobId, Lane, ProverId, TaskId
from proofgrid.store.queries import query


@dataclass(frozen=True, slots=True)
class ClaimedTask:
    """A task that this gateway combines; its escrow in base units."""

    task_id: TaskId
    client: Address
    program_digest: Digest
    created_ms: int
    escrow: int
    quote_id: UUID | None
    size_bytes: int | None  #: about, of its bundle without the program's files; None: some proofs are artifacts


@dataclass(frozen=True, slots=True)
class ProvenJob:
    """A job with its proof, the lease that was settled and the round that sold it; prices in base units per PU."""

    task_id: TaskId
    statement: Mapping[str, Any] | None  #: of the task, with its first job only
    job_id: JobId
    position: int
    slice: int
    input: int
    units: int
    proof_digest: Digest
    small_proof: bytes | None  #: None: it is an artifact
    public: Mapping[str, Any]
    now_ms: int
    operator: Address
    prover_id: ProverId
    lane: Lane
    round: int
    buy_price: int
    sell_price: int
    transcript_hash: Digest


CLAIM_COMBINING = query("claim_combining", ClaimedTask)
OLDEST_UNSEALED = query("oldest_unsealed", int)
PROOFS_OF_TASKS = query("proofs_of_tasks", ProvenJob)
FINISH_TASKS = query("finish_tasks", TaskId)
