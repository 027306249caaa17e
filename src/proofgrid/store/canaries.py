"""The network's own jobs as they are written down, and the provers that they may be sent to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from proofgrid.primitives.digests import Digest
from proofgrid.rules.jobs.lifecycle import TaskState
from proofgrid.store.queries import query


@dataclass(frozen=True, slots=True)
class RegisteredCanary:
    """A canary, with how it is doing."""

    canary_id: UUID
    program_digest: Digest
    inputs: list[Any]
    inputs_digest: Digest
    first_task: UUID  #: proves it first
    added_ms: int
    proof_system: str
    state: TaskState  #: of its first task
    failure_detail: str
    sent: int  #: how often


@dataclass(frozen=True, slots=True)
class ReadyCanary:
    """A canary that was proven once and may be sent."""

    canary_id: UUID
    program_digest: Digest
    inputs: list[Any]
    inputs_digest: Digest
    proof_system: str


@dataclass(frozen=True, slots=True)
class ProverToTry:
    """A connected prover that hears what is sent to it."""

    prover_id: str
    asks: Mapping[str, int]  #: proof system -> least price per PU
    jobs_proven: int
    paused: bool


INSERT_CANARY = query("insert_canary", None)
LIST_CANARIES = query("list_canaries", RegisteredCanary)
READY_CANARIES = query("ready_canaries", ReadyCanary)
PROVERS_TO_TRY = query("provers_to_try", ProverToTry)
REFERENCE_OF_SYSTEM = query("reference_of_system", int, optional=True)
