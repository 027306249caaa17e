"""What requests would cost and take, and promises of it. Amounts are base units, prices base units per PU."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class FirmTerms:
    """On which a request is promised."""

    units: int = 0
    cost: int = 0  #: for the bundle, fixed
    premium: int = 0  #: for the holding, to the provers that keep slots free, whatever happens
    penalty: int = 0  #: paid to the client, with the cost, when those provers do not deliver in time
    hold_ms: int = 0
    within_ms: int = 0  #: from submit to the bundle


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneQuote:
    """The part of a request that one lane gets."""

    lane: str = ""
    jobs: int = 0
    units: int = 0
    memory_bytes_max: int = 0
    price_now: int = 0  #: 0: nobody would sell now
    prices: Mapping[int, int] = field(default_factory=dict)  #: chance of a sale in percent -> limit price
    provers: int = 0  #: that may serve it
    free_slots: int = 0
    wait_ms: int = 0
    prove_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """What a request would cost and take now."""

    lanes: tuple[LaneQuote, ...] = ()
    units: int = 0
    price_now: int = 0  #: the highest of the lanes; 0: somewhere nobody would sell now
    cost_now: int = 0  #: all jobs at their lanes' prices; 0 as above
    prices: Mapping[int, int] = field(default_factory=dict)  #: chance of a sale in percent -> limit price
    expected_ms: int = 0  #: from submit to the last proof
    firm: FirmTerms | None = None  #: on which provers would sell a firm quote now; None: none do


@dataclass(frozen=True, slots=True, kw_only=True)
class FirmQuote:
    """A promise that was bought."""

    quote_id: str = ""
    state: str = ""  #: rules/market/firm_quote.py
    program_digest: str = ""
    inputs: int = 0  #: how many
    terms: FirmTerms
    created_ms: int = 0
    held_until_ms: int = 0
    ended_ms: int = 0  #: 0: not yet
    task_id: str = ""  #: that it was redeemed for
