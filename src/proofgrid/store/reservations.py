"""Bytes that are promised before they are stored, as facts with an expiry; see rules/access/quotas.py."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from proofgrid.primitives.digests import Digest
from proofgrid.rules.access.quotas import HeldBytes
from proofgrid.store.queries import query


@dataclass(frozen=True, slots=True)
class BytesOf:
    """What counts for somebody now, in all and under one lease."""

    stored: int
    reserved: int
    lease_stored: int
    lease_reserved: int
    holds_lease: bool

    @property
    def in_all(self) -> HeldBytes:
        return HeldBytes(self.stored, self.reserved)

    @property
    def under_lease(self) -> HeldBytes:
        return HeldBytes(self.lease_stored, self.lease_reserved)


LOCK_BYTES_OF = query("lock_bytes_of", None)
BYTES_OF = query("bytes_of", BytesOf)
RESERVE_BYTES = query("reserve_bytes", None)
EXTEND_RESERVATION = query("extend_reservation", UUID)
SETTLE_RESERVATION = query("settle_reservation", UUID)
GIVE_BACK_RESERVATION = query("give_back_reservation", None)
CHARGED_ALREADY = query("charged_already", Digest)
