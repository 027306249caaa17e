"""Provers that inputs can be sealed for."""

from __future__ import annotations

from dataclasses import dataclass

from proofgrid.primitives.ids import Address, ProverId
from proofgrid.store.queries import query


@dataclass(frozen=True, slots=True)
class SealingProver:
    """A connected prover, its key to seal for, and what clients may demand of it."""

    prover_id: ProverId
    operator: Address
    region: str
    confinement: str  #: as it told
    stake: int  #: of its operator, base units
    key: bytes
    until_ms: int
    signature: str  #: by its operator's key


SEALING_PROVERS = query("sealing_provers", SealingProver)
