"""What a chain is asked for because a bond did not cover it: debts of single slashes, and proposals of several."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from proofgrid.primitives.ids import Address
from proofgrid.rules.staking.chain_slashes import DebtState
from proofgrid.store.queries import query


@dataclass(frozen=True, slots=True)
class OwedDebt:
    """A debt that nobody was asked for yet, in units of the ledger."""

    evidence_id: str
    operator: Address
    amount: int
    age_ms: int


@dataclass(frozen=True, slots=True)
class OpenProposal:
    """What the contract is asked for, in units of the ledger."""

    proposal_id: UUID
    cold: str
    amount: int
    evidence_root: str  #: hex digits after 0x
    state: DebtState
    number: int | None  #: in the contract
    executable_at: int  #: a block; 0: not known yet
    taken: int
    overturned: bool  #: a slash behind it was overturned since: somebody has to veto it


@dataclass(frozen=True, slots=True)
class ProposedDebt:
    """A debt behind a proposal."""

    evidence_id: str
    operator: Address
    amount: int
    client: Address
    task_id: UUID
    evidence_state: str


@dataclass(frozen=True, slots=True)
class DebtOfOperator:
    """A debt as its operator sees it."""

    evidence_id: str
    amount: int
    state: DebtState
    taken: int
    number: int | None
    executable_at: int | None


OWED_DEBTS = query("owed_debts", OwedDebt)
DROP_OVERTURNED = query("drop_overturned", str)
ADD_PROPOSAL = query("add_proposal", UUID)
PROPOSE_DEBTS = query("propose_debts", str)
OPEN_PROPOSALS = query("open_proposals", OpenProposal)
NOTE_PROPOSAL = query("note_proposal", UUID)
NOTE_DEBTS = query("note_debts", None)
DEBTS_OF_PROPOSAL = query("debts_of_proposal", ProposedDebt)
DEBTS_OF_OPERATOR = query("debts_of_operator", DebtOfOperator)
