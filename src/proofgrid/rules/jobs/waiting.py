"""Why an open job waits: each reason to wait is one of a fixed list, told with its numbers and what to do about it.

    reason      what holds it up                                          who can change it
    blocked     the jobs before it                                        time
    put_off     it came back, or who may have it failed it a moment ago   time
    unserved    no connected prover meets a demand of it (`Demand`)       the client: demand less
    too_cheap   nobody asks so little, or it is below the lane's floor    the client: raise the limit
    busy        all who may have it at that price have their hands full   time, or a higher limit
    outbid      the latest round's price came to its limit, or above it   the client: raise the limit
    share       its client's other jobs have what one bid may take        time
    due         nothing that is known: the next round looks at it         time

`rules/market/why_waiting.py` decides which, when somebody asks: most of them change by the second. Rounds write
`unserved` and `too_cheap` into the timeline (events.NoSale): they last until somebody does something about them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from proofgrid.primitives.ids import Address
from proofgrid.primitives.money import format_price, typed_price
from proofgrid.rules.jobs.confinement import Confinement
from proofgrid.rules.jobs.constraints import Constraints

TOLD_MAX = 16  #: events of one task and lane that say why it waits: who flaps for ever is not written for ever


class WaitReason(StrEnum):
    """What holds a job up."""

    BLOCKED = "blocked"
    PUT_OFF = "put_off"
    UNSERVED = "unserved"
    TOO_CHEAP = "too_cheap"
    BUSY = "busy"
    OUTBID = "outbid"
    SHARE = "share"
    DUE = "due"


class Demand(StrEnum):
    """What a prover must have for a job."""

    PROOF_SYSTEM = "proof_system"
    CLASS = "class"
    OPERATOR = "operator"
    STAKE = "stake"
    REGION = "region"
    CONFINEMENT = "confinement"
    SEALED = "sealed"
    SIZE = "size"
    BOND = "bond"
    NO_FAILURE = "no_failure"


_UNMET: dict[Demand, str] = {
    Demand.PROOF_SYSTEM: "a prover of its proof system, in the version that built the program",
    Demand.CLASS: "hardware of its class",
    Demand.OPERATOR: "an operator that you allow",
    Demand.STAKE: "the stake that you demand",
    Demand.REGION: "a region that you name",
    Demand.CONFINEMENT: "the confinement that you demand",
    Demand.SEALED: "a key that the inputs are sealed for",
    Demand.SIZE: "memory and speed for a job of its size",
    Demand.BOND: "a bond that carries a job of its size",
    Demand.NO_FAILURE: "a prover that has not failed it for good",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """Why one job waits. What a reason does not need is 0 or empty; prices are base units per PU."""

    reason: WaitReason
    price: int = 0  #: too_cheap: the least that could buy it; outbid: that of the latest round
    price_max: int = 0  #: too_cheap: where every ask is above it, the most that the lane admits; else 0
    unmet: tuple[Demand, ...] = ()  #: unserved: what the nearest prover lacks
    after_ms: int = 0  #: put_off, busy: from now, about; 0: nobody knows
    jobs: int = 0  #: share: of the same client, in flight in the lane


class Told(Protocol):
    """`Waits`, or what a client heard of it from a gateway that may be newer."""

    @property
    def reason(self) -> str: ...
    @property
    def price(self) -> int: ...
    @property
    def price_max(self) -> int: ...
    @property
    def unmet(self) -> Sequence[str]: ...
    @property
    def after_ms(self) -> int: ...
    @property
    def jobs(self) -> int: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    says: Callable[[Told], str]
    todo: str  #: empty: nothing


def _too_cheap(waits: Told) -> str:
    if waits.price_max:
        most = format_price(waits.price_max)
        return f"no admitted ask: the cheapest is {_price(waits)} per million PU, the lane admits {most} at present"
    return f"no admitted ask below your limit: {_price(waits)} per million PU is the least that could buy it"


def _busy(waits: Told) -> str:
    free = f"; the next is free in about {_span(waits.after_ms)}" if waits.after_ms else ""
    return f"every prover that may have it at your limit is busy{free}"


def _put_off(waits: Told) -> str:
    return f"another try in {_span(waits.after_ms)}"


def unserved(unmet: Sequence[str]) -> str:
    """Say that nobody has what a job needs; `unmet`: members of `Demand`, or what a newer gateway says."""
    return f"no connected prover has {_listed([_unmet(one) for one in unmet])}"


def _unmet(demand: str) -> str:
    return _UNMET[Demand(demand)] if demand in list(Demand) else demand  # a newer gateway knows more


#: reason -> its sentence, and what its client can do
REASONS: dict[WaitReason, _Row] = {
    WaitReason.BLOCKED: _Row(says=lambda _: "the jobs before it are not proven yet", todo=""),
    WaitReason.PUT_OFF: _Row(says=_put_off, todo="`proofgrid watch` tells why it came back"),
    WaitReason.UNSERVED: _Row(
        says=lambda waits: unserved(waits.unmet),
        todo="demand less, or wait for such a prover; `proofgrid status` lists who is there",
    ),
    WaitReason.TOO_CHEAP: _Row(says=_too_cheap, todo="submit with a higher --limit-price, or with --raise and --up-to"),
    WaitReason.BUSY: _Row(says=_busy, todo="wait, or bid more: dearer provers may be free"),
    WaitReason.OUTBID: _Row(
        says=lambda waits: f"the latest round came to {_price(waits)} per million PU, and your limit is not above it",
        todo="submit with a higher --limit-price, or wait until fewer bid",
    ),
    WaitReason.SHARE: _Row(
        says=lambda waits: (
            f"your share is full: {waits.jobs} of your jobs are being proven there, "
            "and one bid takes at most half of what is free"
        ),
        todo="wait: the next rounds take more of them",
    ),
    WaitReason.DUE: _Row(says=lambda _: "not looked at yet: a round is due", todo=""),
}


def unmet_by(
    constraints: Constraints,
    *,
    operator: Address,
    region: str,
    stake: int,
    confinement: Confinement = Confinement.UNKNOWN,
    prover: str = "",
) -> tuple[Demand, ...]:
    """Return what a client demands that a prover with these facts lacks; `stake` of its operator, base units."""
    allowed = constraints.allowed_operators
    found = []
    if (allowed and operator not in allowed) or operator in constraints.denied_operators:
        found.append(Demand.OPERATOR)
    if stake < constraints.min_stake:
        found.append(Demand.STAKE)
    if constraints.regions and region not in constraints.regions:
        found.append(Demand.REGION)
    if not confinement.is_at_least(constraints.confinement):
        found.append(Demand.CONFINEMENT)
    if constraints.provers and prover not in constraints.provers:
        found.append(Demand.SEALED)
    return tuple(found)


def nearest(lacks: Iterable[tuple[Demand, ...]]) -> tuple[Demand, ...]:
    """Return what the prover lacks that lacks least; of nobody: a prover of the proof system."""
    return min(lacks, key=lambda lacked: (len(lacked), lacked), default=(Demand.PROOF_SYSTEM,))


def sentence(waits: Told) -> str:
    """Say why a job waits; a reason of a newer gateway is named, no more."""
    row = _row(waits.reason)
    return waits.reason if row is None else row.says(waits)


def what_to_do(reason: str) -> str:
    """Return what a client can do about it; empty: nothing but to wait."""
    row = _row(reason)
    return "" if row is None else row.todo


def briefly(waits: Told) -> str:
    """Return the reason in few words, for a line with a bar."""
    match waits.reason:
        case WaitReason.TOO_CHEAP:
            return f"no sale: the least is {typed_price(waits.price)}"
        case WaitReason.OUTBID:
            return f"outbid: the price came to {typed_price(waits.price)}"
        case WaitReason.UNSERVED:
            return unserved(waits.unmet)
        case WaitReason.BUSY:
            return "all are busy" + (f", free in {_span(waits.after_ms)}" if waits.after_ms else "")
        case WaitReason.PUT_OFF:
            return f"again in {_span(waits.after_ms)}"
        case WaitReason.BLOCKED:
            return "waits for the slices before it"
        case WaitReason.SHARE:
            return "your share is full"
        case WaitReason.DUE:
            return "waits for a round"
    return waits.reason


def _row(reason: str) -> _Row | None:
    return REASONS[WaitReason(reason)] if reason in list(WaitReason) else None


def _price(waits: Told) -> str:
    return format_price(waits.price)


def _span(milliseconds: int) -> str:
    seconds = -(-milliseconds // 1_000)
    return f"{seconds} s" if seconds < 120 else f"{-(-seconds // 60)} min"


def _listed(words: Sequence[str]) -> str:
    return " and ".join(words) or "nothing that is known"
