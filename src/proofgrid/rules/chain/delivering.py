"""A task's proof, brought to a contract that verifies it: who may ask for which, and one table of what becomes of it.

    wanted --the task is done; its proof is spelled as a call--> ready --a dry run passes, and it is paid--> sending
      |                                                           |                                            |
      `--no proof, or none that a contract takes--> refused <-----'--the dry run says no, or nobody pays       |
                                                       ^                                                       |
                                                       '--refused before it was signed: paid back--------------|
                                        delivered <--final in a block--'--in a block, and reverted--> failed <-'

The network pays gas, so it brings proofs to contracts that its anchor names and to no others, with a limit of gas, for
a price of the ledger. A dry run that says no costs nothing. What was signed is paid for, whether it reverts or not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from proofgrid.primitives.errors import InvalidField, InvalidRequest
from proofgrid.primitives.ids import Address
from proofgrid.primitives.signatures import parse_address

SCHEME = "chain:"
HINT = "like chain:0x52908400098527886E0F7030069857D2E4169EE7"
CALL_BYTES_MAX = 64 << 10  #: of a proof as a contract takes it; UltraHonk's has 8 KiB


class NotDelivered(InvalidRequest):
    """The network does not bring proofs to this contract, or to none, or not this proof."""

    code = "PG-570"


class DeliveryState(StrEnum):
    WANTED = "wanted"
    READY = "ready"
    SENDING = "sending"
    DELIVERED = "delivered"
    REFUSED = "refused"
    FAILED = "failed"


#: What may follow a state.
AFTER: Mapping[DeliveryState, frozenset[DeliveryState]] = {
    DeliveryState.WANTED: frozenset({DeliveryState.READY, DeliveryState.REFUSED}),
    DeliveryState.READY: frozenset({DeliveryState.SENDING, DeliveryState.REFUSED}),
    DeliveryState.SENDING: frozenset({DeliveryState.DELIVERED, DeliveryState.FAILED, DeliveryState.REFUSED}),
    DeliveryState.DELIVERED: frozenset(),
    DeliveryState.REFUSED: frozenset(),
    DeliveryState.FAILED: frozenset(),
}


@dataclass(frozen=True, slots=True)
class DeliveryTerms:
    """To which contracts the network brings proofs, and for how much."""

    chain_id: int = 0
    submitter: str = ""  #: whose transaction it is: what a proof names that nobody else may bring
    contracts: tuple[str, ...] = ()  #: none: the network brings no proofs anywhere
    price: int = 0  #: base units of the ledger, to the treasury
    gas_most: int = 0


def parse_target(text: str) -> Address:
    """Return the contract that `chain:ADDRESS` names; raise InvalidField."""
    if not text.startswith(SCHEME):
        raise InvalidField("a proof is brought to a contract of a chain", field="deliver", hint=HINT)
    return parse_address(text.removeprefix(SCHEME), field="deliver")


def check_target(target: Address, terms: DeliveryTerms) -> None:
    """Raise NotDelivered unless the network brings proofs to this contract."""
    if target not in terms.contracts:
        known = ", ".join(terms.contracts)
        raise NotDelivered(
            f"this network brings no proofs to {target}",
            hint=f"it does to {known}" if known else "its administrators have named no contract",
        )


def check_proofs(proofs: int, slices: int) -> None:
    """Raise NotDelivered for a task of several proofs of a program of one slice: no contract takes them together.

    Those of several slices one may: whether the proof system writes such is seen when they are spelled, for nothing.
    """
    if proofs != 1 and slices == 1:
        raise NotDelivered(
            f"a contract takes one proof, the task has {proofs}",
            hint="one input in each request; or one proof of all inputs, where the program makes such",
        )


def name_of_task(task_id: UUID) -> bytes:
    """Return a task as contracts name it: 32 bytes, the last half of them its id."""
    return bytes(16) + task_id.bytes


def intent_of(task_id: UUID) -> str:
    """Return by which a task's delivery is wished for once."""
    return f"deliver:{task_id}"
