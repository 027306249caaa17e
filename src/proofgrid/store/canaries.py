"""The network's own jobs as they are written down, and the provers that they may be sent to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from proofgrid.primitives.digests import Digest
from proofgrid.primitives.ids import Address, Lane
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
    units: int  #: of all its jobs
    lanes: Sequence[Lane]  #: in which they were sold first


@dataclass(frozen=True, slots=True)
class OperatorToTry:
    """An operator with a connected prover that hears what is sent to it, and is not paused."""

    operator: Address
    engines: Sequence[str]  #: that its provers offer
    stake: int  #: base units
    jobs_proven: int  #: by all its provers, ever


@dataclass(frozen=True, slots=True)
class CanarySpending:
    """What the canaries of an operator cost, in base units."""

    operator: Address
    spent: int


INSERT_CANARY = query("insert_canary", None)
LIST_CANARIES = query("list_canaries", RegisteredCanary)
READY_CANARIES = query("ready_canaries", ReadyCanary)
OPERATORS_TO_TRY = query("operators_to_try", OperatorToTry)
CANARY_SPENDING = query("canary_spending", CanarySpending)
