"""Proofs that were to be brought to contracts."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofDelivery:
    """A task's."""

    task_id: str = ""
    contract: str = ""
    state: str = ""  #: wanted, ready, sending, delivered, refused, failed
    price: int = 0  #: base units, that was paid
    detail: str = ""  #: why not
    transaction: str = ""  #: its hash, once its block is final
    block: int = 0
    gas: int = 0  #: that it used
