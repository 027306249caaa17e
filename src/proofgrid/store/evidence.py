"""Evidence as it is written down, and the appeals against it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from proofgrid.primitives.digests import Digest
from proofgrid.primitives.ids import Address, ProverId
from proofgrid.rules.staking.slashing import SlashReason
from proofgrid.store.queries import query


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a slash is based on, and what became of it; amounts are base units."""

    evidence_id: UUID
    kind: SlashReason
    lease_id: UUID
    task_id: UUID
    job_id: UUID
    operator: Address
    prover_id: ProverId
    program_digest: Digest
    slice: int
    detail: str
    amount: int
    burnt: int
    to_client: int
    to_rescuer: int
    at_ms: int
    state: str  #: stands, appealed, upheld, overturned
    appeal: str
    answer: str
    given_back: int
    can_be_verified: bool  #: by anybody: a claim was signed


@dataclass(frozen=True, slots=True)
class EvidenceToSeal:
    """What shows a lie to others."""

    kind: SlashReason
    network: Address
    operator: Address
    claim: str
    signature: str
    other_claim: str
    other_signature: str
    public: str
    facts: str
    manifest: Mapping[str, Any] | None
    proof: bytes | None
    proof_digest: Digest | None


@dataclass(frozen=True, slots=True)
class LockedEvidence:
    """Evidence under its row lock; amounts are base units."""

    state: str
    appeal: str
    operator: Address
    amount: int
    burnt: int


LIST_EVIDENCE = query("list_evidence", Evidence)
GET_EVIDENCE = query("get_evidence", Evidence)
EVIDENCE_TO_SEAL = query("evidence_to_seal", EvidenceToSeal)
LOCK_EVIDENCE = query("lock_evidence", LockedEvidence)
APPEAL = query("appeal", None)
RESOLVE_APPEAL = query("resolve_appeal", None)
