"""A transaction from the wish to the block that is final: one table, and what is to be done next.

    wanted --a dry run passes; nonce, fees, signature are written down--> signed --in a block--> mined --final--> final
      ^ `--the dry run is refused: it waits, with the reason              ^ |   `--it reverted--> failed
      |                                                                   | `--its block is gone--> signed
      `----------------- the nonce was used by another transaction -------'

A nonce is given once, in the transaction that stores the signed bytes, so whoever sends twice sends the same bytes. One
that is not mined for PATIENCE_BLOCKS is signed again with the same nonce and higher fees, up to the cap; every version
stays valid, and any of them may be mined. Blocks decide, never clocks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from proofgrid.primitives.errors import InvalidField

PATIENCE_BLOCKS = 3  #: without being mined before the fees are raised
RAISE_PERMILLE = 1_125  #: nodes take a replacement from 1.1 times on
BASE_FEE_TIMES = 2  #: the base fee may double before a transaction has to wait
TIP_WEI = 1_000_000_000


class Stage(StrEnum):
    WANTED = "wanted"
    SIGNED = "signed"
    MINED = "mined"
    FINAL = "final"
    FAILED = "failed"


#: What may follow a stage.
AFTER: Mapping[Stage, frozenset[Stage]] = {
    Stage.WANTED: frozenset({Stage.SIGNED}),
    Stage.SIGNED: frozenset({Stage.MINED, Stage.WANTED}),
    Stage.MINED: frozenset({Stage.SIGNED, Stage.FINAL, Stage.FAILED}),
    Stage.FINAL: frozenset(),
    Stage.FAILED: frozenset({Stage.WANTED}),  # by whoever still wants it
}
OPEN = (Stage.WANTED, Stage.SIGNED, Stage.MINED)  #: something is still to be done


@dataclass(frozen=True, slots=True, kw_only=True)
class Fees:
    """Of one version of a transaction, in wei for each unit of gas (EIP-1559)."""

    most: int
    tip: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A transaction that was signed, and what the chain says of it."""

    nonce: int
    signed_at: int  #: the newest block when its last version was signed
    fees: Fees
    mined_in: int | None  #: a block; None: it is in none
    succeeded: bool
    account_nonce: int  #: how many of its sender's transactions are in blocks that are final


class Step(StrEnum):
    """What is done next for a transaction that was signed."""

    WAIT = "wait"
    SEND = "send"  #: the same bytes again: harmless if they are known
    RAISE = "raise"  #: sign it with higher fees
    NOTE_MINED = "note_mined"
    NOTE_GONE = "note_gone"  #: its block is gone
    NOTE_FINAL = "note_final"
    NOTE_FAILED = "note_failed"
    NOTE_REPLACED = "note_replaced"  #: another transaction has its nonce


def first_fees(*, base_fee: int, cap: int) -> Fees | None:
    """Return the fees of a first version; None: the base fee is above the cap, and it has to wait."""
    if base_fee < 0 or cap < 1:
        raise InvalidField("a fee is not negative, its cap at least 1", field="fee_cap")
    if base_fee > cap:
        return None
    most = min(cap, BASE_FEE_TIMES * base_fee + TIP_WEI)
    return Fees(most=most, tip=min(TIP_WEI, most - base_fee))


def raised_fees(fees: Fees, *, base_fee: int, cap: int) -> Fees | None:
    """Return the fees of the next version, which a node takes instead of the last one; None: that is above the cap."""
    most = max(-(-fees.most * RAISE_PERMILLE // 1_000), BASE_FEE_TIMES * base_fee + TIP_WEI)
    tip = -(-fees.tip * RAISE_PERMILLE // 1_000)
    least = max(-(-fees.most * RAISE_PERMILLE // 1_000), tip)
    if least > cap:
        return None
    return Fees(most=min(cap, max(most, least)), tip=tip)


def next_step(stage: Stage, sent: Sent, *, newest: int, final: int, is_fresh: bool = False) -> Step:
    """Return what to do for a transaction that was signed or mined. `is_fresh`: nobody has sent it yet, as we know."""
    if sent.mined_in is not None:
        if sent.mined_in > final:
            return Step.NOTE_MINED if stage is Stage.SIGNED else Step.WAIT
        if stage is Stage.SIGNED:
            return Step.NOTE_MINED
        return Step.NOTE_FINAL if sent.succeeded else Step.NOTE_FAILED
    if stage is Stage.MINED:
        return Step.NOTE_GONE
    if sent.account_nonce > sent.nonce:
        return Step.NOTE_REPLACED
    if not is_fresh and newest - sent.signed_at >= PATIENCE_BLOCKS:
        return Step.RAISE
    return Step.SEND


#: What nodes say of bytes that they know already, or that cannot be needed any more; then receipts decide.
HARMLESS = (
    "already imported",
    "already known",
    "known transaction",
    "nonce too low",
    "underpriced",
    "less than block base fee",
    "already exists",
)


def is_harmless(said: str) -> bool:
    """Does a node's refusal to take a transaction mean nothing? Nodes have no common codes, so words are looked for."""
    lower = said.lower()
    return any(words in lower for words in HARMLESS)
