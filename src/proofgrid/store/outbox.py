"""Transactions of the network on a chain, from the wish to the final block, with every version that was signed."""

from __future__ import annotations

from dataclasses import dataclass

from proofgrid.rules.chain.outbox import Stage
from proofgrid.store.queries import query


@dataclass(frozen=True, slots=True)
class OpenTransaction:
    """One that something is still to be done for."""

    intent: str  #: names the fact, so that nothing is done twice
    sender: str  #: who signed it
    target: str
    data: str  #: hex digits after 0x
    stage: Stage
    nonce: int | None
    signed_at: int  #: a block
    trouble: str
    gas_most: int  #: 0: as much as it needs


@dataclass(frozen=True, slots=True)
class RawTransaction:
    """One version of it, signed."""

    hash: str
    raw: str  #: hex digits after 0x
    fee: int  #: the most, in wei for each unit of gas
    tip: int
    sent_ms: int  #: 0: not yet, as far as we know


@dataclass(frozen=True, slots=True)
class Wish:
    """What a contract is to be asked."""

    target: str
    data: str  #: hex digits after 0x
    gas_most: int  #: 0: as much as it needs


WANT_TRANSACTION = query("want_transaction", None)
WANT_LIMITED_TRANSACTION = query("want_limited_transaction", None)
WANT_AGAIN = query("want_again", str)
OPEN_TRANSACTIONS = query("open_transactions", OpenTransaction)
NEXT_NONCE = query("next_nonce", int)
SIGN_TRANSACTION = query("sign_transaction", str)
SIGN_AGAIN = query("sign_again", str)
ADD_RAW = query("add_raw", None)
RAWS_OF = query("raws_of", RawTransaction)
NOTE_SENT = query("note_sent", None)
NOTE_STAGE = query("note_stage", str)
FORGET_RAWS = query("forget_raws", None)
NOTE_TROUBLE = query("note_trouble", None)
WISH_IN_TROUBLE = query("wish_in_trouble", Wish)
GIVE_UP_WISH = query("give_up_wish", str)
