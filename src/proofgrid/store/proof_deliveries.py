"""Proofs that are brought to contracts: on which terms, for which tasks, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from proofgrid.primitives.digests import Digest
from proofgrid.primitives.ids import Address
from proofgrid.rules.chain.delivering import DeliveryState, DeliveryTerms
from proofgrid.rules.chain.outbox import Stage
from proofgrid.rules.jobs.lifecycle import TaskState
from proofgrid.store.connection import Connection
from proofgrid.store.queries import query


@dataclass(frozen=True, slots=True)
class ProofDelivery:
    """A task's, as its client sees it."""

    task_id: UUID
    target: Address
    state: DeliveryState
    price: int  #: that was paid, in base units
    detail: str  #: why not
    hash: str  #: of the transaction, once it is final
    block: int
    gas: int


@dataclass(frozen=True, slots=True)
class DeliveryToSpell:
    """One whose task is over."""

    task_id: UUID
    target: Address
    task_state: TaskState
    program_digest: Digest


@dataclass(frozen=True, slots=True)
class DeliveryToBring:
    """One whose proof is spelled as a call."""

    task_id: UUID
    target: Address
    state: DeliveryState
    call: bytes
    price: int
    client: Address
    program_digest: Digest
    stage: Stage | None  #: of its transaction; None: nobody wants one yet
    trouble: str | None
    sender: str | None  #: who signed it


@dataclass(frozen=True, slots=True)
class HandedOut:
    """What a task ends in."""

    proofs: int
    slices: int  #: of its program


SET_DELIVERY_TERMS = query("set_delivery_terms", None)
GET_DELIVERY_TERMS = query("get_delivery_terms", DeliveryTerms)
WANT_DELIVERY = query("want_delivery", UUID)
GET_PROOF_DELIVERY = query("get_proof_delivery", ProofDelivery)
PROOFS_HANDED_OUT = query("proofs_handed_out", HandedOut)
IS_TO_SPELL = query("is_to_spell", bool)
CLAIM_TO_SPELL = query("claim_to_spell", DeliveryToSpell)
NOTE_CALL = query("note_call", UUID)
DELIVERIES_TO_BRING = query("deliveries_to_bring", DeliveryToBring)
NOTE_DELIVERY_STATE = query("note_delivery_state", UUID)


async def delivery_terms(connection: Connection) -> DeliveryTerms:
    """Return the terms of the network; none where it brings proofs nowhere."""
    return await connection.first(GET_DELIVERY_TERMS) or DeliveryTerms()


async def note_delivery(
    connection: Connection,
    task_id: UUID,
    *,
    was: DeliveryState,
    state: DeliveryState,
    price: int = 0,
    detail: str = "",
    hash_: str = "",
    block: int = 0,
    gas: int = 0,
) -> bool:
    """Write down how far a delivery is; tell whether it was still in the state before."""
    noted = await connection.fetch(
        NOTE_DELIVERY_STATE,
        task_id=task_id,
        was=was.value,
        state=state.value,
        price=price,
        detail=detail,
        hash=hash_,
        block=block,
        gas=gas,
    )
    return bool(noted)
