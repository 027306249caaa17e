"""The public record of a lane's rounds, as it is written down."""

from __future__ import annotations

from dataclasses import dataclass

from proofgrid.primitives.digests import Digest
from proofgrid.primitives.ids import Address, Lane
from proofgrid.store.queries import query


@dataclass(frozen=True, slots=True)
class RoundView:
    """A round, with its transcript; prices in base units per PU."""

    lane: Lane
    number: int
    buy_price: int
    sell_price: int
    units: int
    bids: int
    asks: int
    transcript_hash: Digest
    signature: str
    transcript: str
    at_ms: int
    next_reference: int | None
    is_blinded: bool  #: its transcript names nobody


@dataclass(frozen=True, slots=True)
class RoundSecret:
    """What opens a round's orders; None: it is from before orders were blinded."""

    transcript: str
    secret: bytes | None


@dataclass(frozen=True, slots=True)
class RoundsToExport:
    """How many public rounds there are, and which; None without one."""

    rounds: int
    first: int | None
    last: int | None


@dataclass(frozen=True, slots=True)
class PublicRound:
    """A round for anybody."""

    number: int
    transcript: str
    transcript_hash: Digest
    signature: str


LIST_ROUNDS = query("list_rounds", RoundView)
GET_ROUND = query("get_round", RoundSecret)
ROUNDS_OF_EXPORT = query("rounds_of_export", RoundsToExport)
PUBLIC_ROUNDS = query("public_rounds", PublicRound)
OWNER_OF_ORDER = query("owner_of_order", Address)
