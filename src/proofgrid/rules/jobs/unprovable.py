"""Who says that a program cannot prove an input, and what that costs the client.

    one prover says so ------------------------------------> its word alone: tried again with other operators
    the gateway tried it itself: it cannot ----------------> charged
    so many different operators as agree on it ------------> a proven prover of another one is drawn for the last word
    that one agrees ---------------------------------------> charged
    every operator of the lane, and nobody was drawn ------> stopped, nothing is charged
    somebody's proof verifies, or the gateway can ---------> refuted: whoever said so was wrong, and pays for it

Charged is the work that the input caused: of the leases that said so, and of those of the task that are stopped with
it, a share of what each shows (speed.py), at most what its own job has in escrow. The rest goes back.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from proofgrid.primitives.errors import InvalidField
from proofgrid.rules.jobs.speed import WHOLE_PERMILLE


class UnprovableVerdict(StrEnum):
    OPEN = "open"
    ASK = "ask"  #: a proven prover outside of those who said so
    STOP = "stop"
    CHARGE = "charge"
    REFUTED = "refuted"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnprovablePolicy:
    """How many must agree before somebody else has the last word, and what they are paid."""

    operators_needed: int = 3
    claims_needed: int = 2  #: even where one operator is all there is
    last_word_ms: int = 120_000  #: so long the job is for whoever was drawn alone
    share_permille: int = 500  #: of the price; less than an honest proof, so that agreeing on a lie is poor business

    def __post_init__(self) -> None:
        if self.operators_needed < 2 or self.claims_needed < 1:
            raise InvalidField("one operator's word is worth nothing", field="operators_needed")
        if not 0 <= self.share_permille <= WHOLE_PERMILLE:
            raise InvalidField("a share lies between 0 and 1000 permille", field="share_permille")


@dataclass(frozen=True, slots=True, kw_only=True)
class UnprovableClaim:
    """A lease whose prover said that the job cannot be proven."""

    lease_id: str
    operator: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WastedWork:
    """A lease that worked for nothing because of the input."""

    lease_id: str
    operator: str
    units: int
    sell_price: int
    shown_permille: int


def judge_unprovable(
    claims: Iterable[UnprovableClaim],
    *,
    client: str,
    lane_operators: Iterable[str],
    can_be_proven: bool | None,
    policy: UnprovablePolicy,
    proven_operators: Iterable[str] = (),
    drawn: str = "",
    waits_for_drawn: bool = False,
) -> UnprovableVerdict:
    """Return whose word counts. `can_be_proven`: what the gateway found when it tried itself; None: it did not.

    `lane_operators`: those that serve the job's lane at present; `proven_operators`: those of them that have shown
    that they prove. `drawn`: who has the last word; it is waited for as long as `waits_for_drawn`. The client's own
    claims count for nothing.
    """
    if can_be_proven is not None:
        return UnprovableVerdict.REFUTED if can_be_proven else UnprovableVerdict.CHARGE
    counted = {claim.lease_id: claim.operator for claim in claims if claim.operator != client}
    agreeing = set(counted.values())
    enough = len(agreeing - {drawn}) >= policy.operators_needed
    if enough and drawn in agreeing:
        return UnprovableVerdict.CHARGE
    if enough and waits_for_drawn:
        return UnprovableVerdict.OPEN
    if enough and set(proven_operators) - agreeing - {client}:
        return UnprovableVerdict.ASK
    others = set(lane_operators) - {client}
    if others <= agreeing and len(counted) >= policy.claims_needed:
        return UnprovableVerdict.STOP
    return UnprovableVerdict.OPEN


def draw_last_word(proven_operators: Iterable[str], *, claimants: Iterable[str], client: str, draw: int) -> str:
    """Return the operator that has the last word, drawn among the proven ones that have said nothing."""
    others = sorted(set(proven_operators) - set(claimants) - {client})
    return others[draw % len(others)]


def wasted_shares(works: Sequence[WastedWork], *, left: int, policy: UnprovablePolicy) -> dict[str, int]:
    """Return lease -> amount for all that worked on one job, together at most `left` of its escrow.

    When it is not enough for all, each gets the same part of its share.
    """
    wanted = {work.lease_id: _share(work, policy) for work in works}
    total = sum(wanted.values())
    if total <= left:
        return wanted
    return {lease_id: max(0, left) * amount // total for lease_id, amount in wanted.items()}


def _share(work: WastedWork, policy: UnprovablePolicy) -> int:
    shown = max(0, min(work.shown_permille, WHOLE_PERMILLE))
    return work.sell_price * work.units * shown * policy.share_permille // (WHOLE_PERMILLE * WHOLE_PERMILLE)
