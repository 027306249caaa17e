"""Movements on the accounts of one owner, and what these held together."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from proofgrid.primitives.ids import AccountId
from proofgrid.store.queries import query


@dataclass(frozen=True, slots=True)
class StoredMovement:
    """One side of a transfer: negative where it leaves the account."""

    at_ms: int
    transfer_id: str
    account: AccountId
    counter: AccountId
    amount: int  #: base units
    reason: str
    task_id: UUID | None
    job_id: UUID | None
    lane: str | None
    round: int | None
    units: int | None  #: of the job


STATEMENT_OPENING = query("statement_opening", int)
STATEMENT_MOVEMENTS = query("statement_movements", StoredMovement)
