"""The catalogue of a task's timeline: every kind of event, its data, who may see it, and its sentence.

A role writes what is in here and nothing else; the command line and the SDK take their sentences from here.
What is there is JSON in the database and on the wire: a name stays, and what comes later is optional.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

from proofgrid.primitives.ids import short_prover
from proofgrid.primitives.last_words import without_last_words
from proofgrid.primitives.money import format_amount, format_price
from proofgrid.rules.jobs import delivery_events  # noqa: F401 - so that they are known
from proofgrid.rules.jobs.event_kinds import OWNER, Event, Names, Tone, Weight, event, read_event
from proofgrid.rules.jobs.waiting import unserved


def sentence(kind: str, data: Mapping[str, Any], *, people: Mapping[str, str], batch: bool = False) -> str:
    """Say what happened; `people` are names for operators' addresses. A kind of a newer gateway is named, no more."""
    names = Names(people=people, batch=batch)
    known = read_event(kind, data)
    if known is not None:
        return known.sentence(names)
    return f"{kind} {names.job(data['slice'], data.get('input', 0))}" if "slice" in data else kind


@dataclass(frozen=True, slots=True, kw_only=True)
class _OfJob(Event):
    """Something that happened to a job, or to a lease of it."""

    slice: int
    input: int

    def job(self, names: Names) -> str:
        return names.job(self.slice, self.input)


# --- the task ------------------------------------------------------------------------------------------------


class AcceptedJob(TypedDict):
    slice: int
    input: int
    units: int


class AcceptedQuote(TypedDict):
    """The firm quote that a task was redeemed with; amounts in base units."""

    quote_id: str
    cost: int
    penalty: int
    within_ms: int


@event("accepted", seen_by=OWNER, weight=Weight.TURN)
class Accepted(Event):
    """The task is durable, and its escrow is held."""

    program: str
    jobs: Sequence[AcceptedJob]
    units: int
    limit_price: int  #: base units per PU
    limit_price_max: int | None = None  #: where its ladder ends
    estimate: int | None = None  #: base units per PU that the market said, where the client named no limit price
    escrow: int
    constraints: Mapping[str, Any] | None = None  #: as `Constraints.to_json` says them
    quote: AcceptedQuote | None = None
    subnetwork: str | None = None  #: None: the common one
    replay_of: str | None = None  #: the task that is tried again
    sizes: Sequence[int] | None = None  #: numbers of the corrections that its units come out of; None: of none

    def sentence(self, names: Names) -> str:
        what = f"accepted: {len(self.jobs)} jobs, {self.units} PU"
        if self.quote is not None:
            return (
                f"{what}, for {format_amount(self.quote['cost'])} by your"
                f" firm quote; if it is not there within {self.quote['within_ms'] / 1000:g} s you get that back and"
                f" {format_amount(self.quote['penalty'])} on top"
            )
        demanded = _demanded(self.constraints, names.people) if self.constraints else ""
        said = "" if self.estimate is None else f", as the market says {format_price(self.estimate)} and you named none"
        return (
            f"{what}, at most {format_price(self.limit_price)} per million PU{said};"
            f" {format_amount(self.escrow)} held in escrow{demanded}"
        )


def _demanded(constraints: Mapping[str, Any], people: Mapping[str, str]) -> str:
    parts = []
    for key, words in (("allowed_operators", "only provers of"), ("denied_operators", "none of")):
        if constraints[key]:
            parts.append(f"{words} {', '.join(short_prover(one, people) for one in constraints[key])}")
    if constraints["min_stake"]:
        parts.append(f"stake at least {format_amount(constraints['min_stake'])}")
    if constraints["regions"]:
        parts.append(f"only in {', '.join(constraints['regions'])}")
    if constraints.get("confinement"):
        parts.append(f"confinement at least {constraints['confinement']}")
    return "; " + "; ".join(parts)


@event("no_sale", seen_by=OWNER, tone=Tone.TROUBLE, weight=Weight.NEWS)
class NoSale(Event):
    """A round of the lane sold nothing to the task: it bids too little, or nobody meets its constraints."""

    lane: str
    cheapest_ask: int | None = None  #: per PU; None: nobody meets them
    nobody: bool | None = None
    unmet: Sequence[str] | None = None  #: `waiting.Demand`: what the nearest prover lacks, where nobody meets them
    limit_price: int

    def sentence(self, names: Names) -> str:
        if self.nobody and self.unmet:
            return f"no sale in {self.lane}: {unserved(self.unmet)}"
        if self.nobody:
            return f"no sale in {self.lane}: no connected prover meets the task's constraints"
        ask, limit = format_price(self.cheapest_ask or 0), format_price(self.limit_price)
        return f"no sale in {self.lane}: the cheapest ask is {ask} per million PU, your limit {limit}"


@event("raised", seen_by=OWNER)
class Raised(Event):
    """The task's ladder raised its limit price, per PU."""

    limit_price: int
    before: int
    limit_price_max: int

    def sentence(self, names: Names) -> str:
        return (
            f"nobody sold: the limit price goes from {format_price(self.before)} to {format_price(self.limit_price)},"
            f" at most {format_price(self.limit_price_max)} per million PU"
        )


@event("overflowed", seen_by=OWNER, tone=Tone.TROUBLE)
class Overflowed(Event):
    """Jobs waited too long in a subnetwork's lane and went on to the common one."""

    jobs: int
    from_: str
    to: str
    waited_ms: int  #: the longest of them

    def sentence(self, names: Names) -> str:
        return f"{self.jobs} jobs waited {self.waited_ms / 1000:.1f} s in {self.from_} and go on to {self.to}"


@event("combining", seen_by=OWNER, weight=Weight.TURN)
class Combining(Event):
    """The last job is proven."""

    def sentence(self, names: Names) -> str:
        return "all proven; linking and verifying the whole"


@event("done", seen_by=OWNER, tone=Tone.DONE, weight=Weight.NEWS)
class Done(Event):
    """The bundle is there; amounts in base units."""

    bundle: str  #: its digest
    refunded: int
    spent: int

    def sentence(self, names: Names) -> str:
        return f"done: spent {format_amount(self.spent)}, {format_amount(self.refunded)} given back"


@dataclass(frozen=True, slots=True, kw_only=True)
class _EndedWithout(Event):
    """The task ended without a bundle; amounts in base units."""

    code: str
    detail: str
    charged: int  #: for work without a proof
    refunded: int
    penalty: int | None = None  #: of a firm quote, to the client; None: it had none
    compensated: int | None = None  #: to the client, of what slashes had left for rescuers


@event("failed", seen_by=OWNER, tone=Tone.FAILED, weight=Weight.NEWS)
class Failed(_EndedWithout):
    """Nobody proved it, or its time was over."""

    def sentence(self, names: Names) -> str:
        charged = f"{format_amount(self.charged)} charged for the work shown, " if self.charged else ""
        penalty = f", and {format_amount(self.penalty)} on top as promised" if self.penalty else ""
        detail = without_last_words(self.detail)
        return f"failed: {self.code} {detail}; {charged}{format_amount(self.refunded)} given back{penalty}"


@event("cancelled", seen_by=OWNER, tone=Tone.TROUBLE, weight=Weight.NEWS)
class Cancelled(_EndedWithout):
    """Its client wants it no more."""

    def sentence(self, names: Names) -> str:
        return f"cancelled; {format_amount(self.refunded)} given back"


# --- a job and its leases ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sold(_OfJob):
    """A round sold a job; prices in base units per PU."""

    prover: str
    sell_price: int  #: what the operator gets
    lane: str
    round: int
    round_hash: str
    buy_price: int  #: what the client pays
    order: str  #: the task's name in the round's public record

    def prices(self) -> str:
        return (
            f"client pays {format_price(self.buy_price)}, operator gets {format_price(self.sell_price)} per million PU"
        )


@event("sold", seen_by=OWNER)
class Sold(_Sold):
    """A job has its lease; of round 0 by a firm quote, outside rounds."""

    def sentence(self, names: Names) -> str:
        if not self.round:
            prover = names.prover(self.prover)
            return f"{self.job(names)} handed to {prover}, whose slot your firm quote reserved; {self.prices()}"
        return (
            f"round {self.round} of {self.lane}: {self.job(names)} sold to {names.prover(self.prover)}; {self.prices()}"
        )


@event("hedged", seen_by=OWNER, weight=Weight.NEWS)
class Hedged(_Sold):
    """A slow job has a second lease."""

    def sentence(self, names: Names) -> str:
        return (
            f"round {self.round} of {self.lane}: {self.job(names)} sold a second time, to"
            f" {names.prover(self.prover)}, the first proof wins; {self.prices()}"
        )


@event("stage", seen_by=OWNER)
class Stage(_OfJob):
    """A prover says how far it is."""

    stage: str
    permille: int
    prover: str

    def sentence(self, names: Names) -> str:
        return f"{self.job(names)}: {self.stage} at {names.prover(self.prover)}"


@event("slow", seen_by=OWNER, tone=Tone.TROUBLE, weight=Weight.NEWS)
class Slow(_OfJob):
    """A lease takes longer than most of its lane."""

    prover: str
    running_ms: int
    usual_ms: int

    def sentence(self, names: Names) -> str:
        return (
            f"{self.job(names)} is slow at {names.prover(self.prover)}: {self.running_ms / 1000:.1f} s so far,"
            f" {self.usual_ms / 1000:.1f} s are usual"
        )


@event("hedge_lost", seen_by=OWNER, weight=Weight.NEWS)
class HedgeLost(_OfJob):
    """The other lease of the job brought its proof first."""

    prover: str
    operator: str
    shown: int  #: permille of the job
    paid: int  #: base units

    def sentence(self, names: Names) -> str:
        return (
            f"{self.job(names)}: {names.prover(self.prover)} was overtaken and stopped;"
            f" paid {format_amount(self.paid)} for the {self.shown / 10:g}% that it shows"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _LeaseEnded(_OfJob):
    """A lease ended without a proof."""

    prover: str
    reason: str
    detail: str
    attempts: int  #: that count against the job

    def said(self, how: str, names: Names) -> str:
        prover = names.prover(self.prover)
        return f"{self.job(names)} {how} {prover}: {self.reason} {without_last_words(self.detail)}".rstrip()


@event("returned", seen_by=OWNER, tone=Tone.TROUBLE, weight=Weight.NEWS)
class Returned(_LeaseEnded):
    """The job is on the market again."""

    again_in_ms: int

    def sentence(self, names: Names) -> str:
        return self.said("came back from", names)


@event("carried_on", seen_by=OWNER, tone=Tone.TROUBLE, weight=Weight.NEWS)
class CarriedOn(_LeaseEnded):
    """The job's other lease goes on."""

    def sentence(self, names: Names) -> str:
        return self.said("goes on without", names)


@event("unprovable", seen_by=OWNER, tone=Tone.TROUBLE, weight=Weight.NEWS)
class SaidUnprovable(_OfJob):
    """A prover says that nobody can prove the job."""

    prover: str
    operators: int  #: that say so
    needed: int
    detail: str

    def sentence(self, names: Names) -> str:
        return (
            f"{names.prover(self.prover)} says that {self.job(names)} cannot be proven: {self.detail};"
            f" {self.operators} of {self.needed} operators agree"
        )


@event("slashed", seen_by=OWNER, tone=Tone.TROUBLE)
class Slashed(_OfJob):
    """An operator's bond paid for a lease; amounts in base units."""

    prover: str
    operator: str
    reason: str
    amount: int
    burnt: int
    to_client: int
    to_rescuer: int
    evidence: str  #: its id
    owed: int | None = None  #: what its bond did not cover and a chain is asked for; None: nothing

    def sentence(self, names: Names) -> str:
        slashed = (
            f"{names.prover(self.prover)} was slashed {format_amount(self.amount)} for {self.job(names)}"
            f" ({self.reason}): {format_amount(self.to_client)} to you,"
            f" {format_amount(self.to_rescuer)} for its rescuer"
        )
        return slashed if self.owed is None else f"{slashed}; {format_amount(self.owed)} is asked of its stake"


@event("rescued", seen_by=OWNER)
class Rescued(_OfJob):
    """What a slash left for a rescuer found its owner."""

    amount: int  #: base units
    to: str  #: an operator's address, or "client"

    def sentence(self, names: Names) -> str:
        whom = "you" if self.to == "client" else names.people.get(self.to, self.to)
        return f"{format_amount(self.amount)} of what was slashed for {self.job(names)} went to {whom}"


@event("proven", seen_by=OWNER, tone=Tone.GOOD)
class JobProven(_OfJob):
    """Its proof verified and is paid; prices in base units per PU."""

    prover: str
    operator: str
    units: int
    buy_price: int
    sell_price: int
    paid: int  #: base units
    wall_ms: int
    late: str | None = None  #: why its lease had been taken back, where the proof came after that

    def sentence(self, names: Names) -> str:
        return (
            f"{self.job(names)} proven by {names.prover(self.prover)} in {self.wall_ms / 1000:.1f} s and verified;"
            f" paid {format_amount(self.paid)} for {self.units} PU{', as it came late' if self.late else ''}"
        )
