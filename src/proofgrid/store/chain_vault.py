"""Money over the vault as it is written down: deposits, what was claimed, batches."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from proofgrid.primitives.ids import Address
from proofgrid.store.queries import query


class BatchState(StrEnum):
    """wanted --in a block--> posted --final--> final --after the delay--> in_force, or struck by the guardian.

    One that the contract refuses before it is signed is over.
    """

    WANTED = "wanted"
    POSTED = "posted"
    FINAL = "final"
    IN_FORCE = "in_force"
    STRUCK = "struck"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class VaultView:
    """Which vault, and how far it was read."""

    chain_id: int
    vault: Address
    token: str
    unit: int  #: base units of the token in one of the ledger
    delay_blocks: int
    silence_blocks: int
    final: int  #: 0: nothing was read
    newest: int
    last_posted: int  #: a block
    is_frozen: bool


@dataclass(frozen=True, slots=True)
class Payable:
    """What is payable to an account, and what it claimed in all, in units of the ledger."""

    account: Address
    payable: int
    claimed: int


@dataclass(frozen=True, slots=True)
class Owed:
    """What somebody would be owed if the network ended now; `owner` may be the treasury."""

    owner: str
    owed: int
    payable: int
    held: int  #: by all accounts of the ledger together


@dataclass(frozen=True, slots=True)
class RecordOfRound:
    """A round of the public record."""

    lane: str
    number: int
    transcript_hash: str


@dataclass(frozen=True, slots=True)
class StoredBatch:
    """A batch, without its file."""

    sequence: int
    payouts: str  #: root, hex digits after 0x
    balances: str
    deposits_seen: int
    payouts_total: int
    to_ms: int
    state: BatchState
    number: int | None  #: in the contract
    in_force_at: int  #: a block
    made_ms: int


@dataclass(frozen=True, slots=True)
class BatchFile:
    """A batch for everybody."""

    sequence: int
    file: str
    number: int
    in_force_at: int


@dataclass(frozen=True, slots=True)
class WantedFile:
    """The file of a batch that is not posted yet."""

    sequence: int
    file: str


@dataclass(frozen=True, slots=True)
class PayableOf:
    """What waits for one account."""

    payable: int
    claimed: int
    last_batch: int  #: -1: none yet


OPEN_VAULT_VIEW = query("open_vault_view", int)
GET_VAULT_VIEW = query("get_vault_view", VaultView)
LOCK_VAULT_VIEW = query("lock_vault_view", int)
VAULT_WAS_READ = query("vault_was_read", None)
NEXT_DEPOSIT = query("next_deposit", int)
NOTE_DEPOSIT = query("note_deposit", int)
PAYABLES = query("payables", Payable)
NOTE_CLAIM = query("note_claim", str)
OWED_TO_EVERYBODY = query("owed_to_everybody", Owed)
ROUNDS_BETWEEN = query("rounds_between", RecordOfRound)
RECORDS_SAID_TO = query("records_said_to", int)
LAST_BATCH = query("last_batch", StoredBatch)
OPEN_BATCHES = query("open_batches", StoredBatch)
CLOSED_NUMBERS = query("closed_numbers", int)
ADD_BATCH = query("add_batch", int)
NOTE_BATCH = query("note_batch", int)
WANTED_FILES = query("wanted_files", WantedFile)
FORGET_BATCH_FILES = query("forget_batch_files", None)
BATCH_TO_CLAIM_BY = query("batch_to_claim_by", BatchFile)
PAYABLE_OF = query("payable_of", PayableOf)
STOPS_BATCHES = query("stops_batches", bool)
