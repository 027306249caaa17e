"""Proofs that another version of their engine verifies once more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from proofgrid.primitives.digests import Digest
from proofgrid.primitives.ids import Engine, LeaseId
from proofgrid.store.queries import query


@dataclass(frozen=True, slots=True)
class LeaseToLookAt:
    """A proof that was accepted by one engine, and the one that is to verify it too."""

    lease_id: LeaseId
    accepted_by: Engine
    looking: Engine
    proof_digest: Digest
    small_proof: bytes | None  #: None: it is an artifact
    public: Mapping[str, object]


LEASES_TO_LOOK_AT = query("leases_to_look_at", LeaseToLookAt)
NOTE_SECOND_LOOK = query("note_second_look", str)
