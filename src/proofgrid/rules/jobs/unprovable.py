"""Who says that a program cannot prove an input, and what that costs the client.

    one prover says so ------------------------------------> its word alone: tried again with other operators
    the gateway tried it itself: it cannot ----------------> charged
    so many different operators as agree on it ------------> charged
    every operator of the lane, but fewer than that -------> stopped, nothing is charged
    somebody's proof verifies, or the gateway can ---------> refuted: whoever said so was wrong

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
    STOP = "stop"
    CHARGE = "charge"
    REFUTED = "refuted"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnprovablePolicy:
    """How many must agree, and what they are paid."""

    operators_needed: int = 3
    claims_needed: int = 2  #: even where one operator is all there is
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
) -> UnprovableVerdict:
    """Return whose word counts. `can_be_proven`: what the gateway found when it tried itself; None: it did not.

    `lane_operators`: those that serve the job's lane at present. The client's own claims count for nothing.
    """
    if can_be_proven is not None:
        return UnprovableVerdict.REFUTED if can_be_proven else UnprovableVerdict.CHARGE
    counted = {claim.lease_id: claim.operator for claim in claims if claim.operator != client}
    agreeing = set(counted.values())
    if len(agreeing) >= policy.operators_needed:
        return UnprovableVerdict.CHARGE
    others = set(lane_operators) - {client}
    if others <= agreeing and len(counted) >= policy.claims_needed:
        return UnprovableVerdict.STOP
    return UnprovableVerdict.OPEN


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
