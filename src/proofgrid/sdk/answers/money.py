"""Accounts, statements and the ledger. Amounts are base units."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """Money that moved from one account to another."""

    transfer_id: str = ""
    debit: str = ""
    credit: str = ""
    amount: int = 0
    reason: str = ""
    task_id: str = ""
    job_id: str = ""
    at_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What an address owns."""

    address: str = ""
    balance: int = 0  #: as a client
    escrowed: int = 0  #: held for open tasks
    earned: int = 0  #: as an operator
    transfers: tuple[Transfer, ...] = ()  #: newest first
    low_balance: int = 0  #: below this your webhooks are told; 0: never
    is_low: bool = False  #: the balance is below it


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """How much there is of something. `limit` 0: none."""

    used: int = 0
    limit: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How much one may have a second, steadily, and at once after having had none for a while."""

    per_second: int = 0
    burst: int = 0
    left: int = 0  #: now


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySpend:
    """What an API key may spend; base units."""

    key_id: str = ""
    spent_today: int = 0  #: since midnight UTC
    spend_per_day: int = 0
    resets_ms: int = 0  #: the next midnight UTC, since the epoch


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """Every limit of yours and how much of it is used; builds, calls and paces at the gateway that answered."""

    stored_bytes: Use
    programs: Use  #: that you own
    open_tasks: Use
    builds: Use  #: under way or waiting
    calls: Use  #: under way
    api_keys: Use  #: that are good
    webhooks: Use
    requests: Pace
    sent_bytes: Pace  #: JSON counts sixteenfold
    key_spend: KeySpend | None = None  #: of the API key that asked; None: none did


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementOpening:
    """How a statement begins."""

    owner: str = ""
    from_ms: int = 0
    to_ms: int = 0
    balance: int = 0  #: of all accounts of the owner together


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """A transfer as one of the owner's accounts sees it. Between two accounts of one owner it is two movements."""

    at_ms: int = 0
    transfer_id: str = ""
    account: str = ""
    counter_account: str = ""
    amount: int = 0  #: below zero: the money left
    balance: int = 0  #: of all accounts of the owner, after it
    reason: str = ""
    task_id: str = ""
    job_id: str = ""
    lane: str = ""
    round: int = 0
    units: int = 0  #: of the job
    price: int = 0  #: per unit, of a proof's payment and of its surplus


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonSum:
    """What moved for one reason."""

    reason: str = ""
    amount: int = 0
    movements: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementClosing:
    """How a statement ends; one without it is not complete."""

    balance: int = 0
    movements: int = 0
    sums: tuple[ReasonSum, ...] = ()  #: by reason, in the order of their names
    next_cursor: str = ""  #: behind which it goes on; empty: this is its end


StatementPart = StatementOpening | Movement | StatementClosing


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerCheck:
    """Whether all accounts add up."""

    balanced: bool = False
    sum: int = 0  #: of all accounts, `mint` included: must be 0
    minted: int = 0  #: deposits so far
    held: int = 0  #: sum of all accounts but `mint`
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Treasury:
    """The network's own money."""

    balance: int = 0
