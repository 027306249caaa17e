"""When a part of a bond is taken, and who gets it: one table.

reason            share of the lease's value     burnt   client   rescuer     evidence that anybody can verify
missed_deadline    100 ‰                          500      250      250       none: only clocks saw it
invalid_proof      500 ‰                          500      250      250       the signed result and its proof
refuted            100 ‰                          500      250      250       none: what it said was not signed
equivocation      1000 ‰                          500      250      250       two signed results that contradict

The value is units x the operator's price. A slash is never more than the bond; shares are rounded up, what cannot be
split is burnt. A half is always burnt, so nobody gains by slashing himself through a second name. An invalid proof
that nobody signed is slashed as a missed deadline: what cannot be shown to others costs no more than silence.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from proofgrid.primitives.errors import InvalidField
from proofgrid.rules.jobs.retry import ReturnReason
from proofgrid.rules.staking.bonds import PERMILLE


class SlashReason(StrEnum):
    MISSED_DEADLINE = "missed_deadline"
    INVALID_PROOF = "invalid_proof"
    REFUTED = "refuted"  #: it said that an input cannot be proven, and it can
    EQUIVOCATION = "equivocation"


@dataclass(frozen=True, slots=True, kw_only=True)
class SlashRule:
    """What one reason costs, and how that is split; all in 1/1000."""

    share: int  #: of the lease's value
    client: int = 250  #: of the slash
    rescuer: int = 250  #: of the slash; the rest is burnt


@dataclass(frozen=True, slots=True, kw_only=True)
class Slash:
    """What is taken, in base units."""

    reason: SlashReason
    burnt: int
    client: int
    rescuer: int
    short: int = 0  #: what the bond does not cover

    @property
    def amount(self) -> int:
        """All of it."""
        return self.burnt + self.client + self.rescuer


SLASH_RULES: dict[SlashReason, SlashRule] = {
    SlashReason.MISSED_DEADLINE: SlashRule(share=100),
    SlashReason.INVALID_PROOF: SlashRule(share=500),
    SlashReason.REFUTED: SlashRule(share=100),
    SlashReason.EQUIVOCATION: SlashRule(share=1_000),
}

#: Why leases end that cost their operators something. What is not here is nobody's fault, or honest: a prover that
#: says early that it cannot go on is not punished for saying so.
_REASONS = {
    ReturnReason.PROVER_LOST: SlashReason.MISSED_DEADLINE,
    ReturnReason.TIMED_OUT: SlashReason.MISSED_DEADLINE,
    ReturnReason.BAD_PROOF: SlashReason.INVALID_PROOF,
    ReturnReason.REFUTED: SlashReason.REFUTED,
}


def slash_reason(reason: ReturnReason, *, signed: bool, gateway_at_fault: bool) -> SlashReason | None:
    """Return what a lease that ended is slashed for, if anything.

    `signed`: its result carries its operator's signature. `gateway_at_fault`: the gateway that should have heard
    of its prover died, or has its result already; then no word and no result is not the prover's fault.
    """
    found = _REASONS.get(reason)
    if found is SlashReason.INVALID_PROOF:
        return found if signed else SlashReason.MISSED_DEADLINE
    return None if gateway_at_fault and found is SlashReason.MISSED_DEADLINE else found


def may_be_slashed(reason: ReturnReason) -> bool:
    """Is there any case in which this costs something?"""
    return reason in _REASONS


def slash(reason: SlashReason, *, value: int, bond: int, taken: int = 0, can_be_rescued: bool = True) -> Slash:
    """Return what is taken of a bond for one lease; `taken`: what the same lease cost already.

    Without anybody who may still rescue the job, the rescuer's part is the client's.
    """
    if value < 0 or bond < 0 or taken < 0:
        raise InvalidField("value, bond and what was taken are not negative", field="slash")
    rule = SLASH_RULES[reason]
    wanted = max(0, -(-value * rule.share // PERMILLE) - taken)
    amount = min(bond, wanted)
    client, rescuer = (amount * part // PERMILLE for part in (rule.client, rule.rescuer))
    burnt = amount - client - rescuer
    if not can_be_rescued:
        client, rescuer = client + rescuer, 0
    return Slash(reason=reason, burnt=burnt, client=client, rescuer=rescuer, short=wanted - amount)
