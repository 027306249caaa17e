"""How operators and provers stand, what bonds they hold, and what was taken of them. Amounts are base units."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class FactCounts:
    """Decayed counts of verified facts, thousandths."""

    proven_milli: int = 0
    late_milli: int = 0
    lost_milli: int = 0
    crashed_milli: int = 0
    invalid_milli: int = 0
    success_share_permille: int = 0  #: with a bound for few samples


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredSpeed:
    """How fast a prover was seen to be, in one proof system and class."""

    proof_system: str = ""
    class_: str = ""
    units_per_second_milli: int = 0
    samples: int = 0
    confidence_permille: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ProverStanding:
    """How a prover stands, and why."""

    prover_id: str = ""
    counts: FactCounts
    bucket: int = 0  #: 0 is best
    reasons: tuple[str, ...] = ()
    breaker: str = ""  #: closed, open, half_open
    paused_until_ms: int = 0
    last_faults: tuple[str, ...] = ()  #: newest first
    speeds: tuple[MeasuredSpeed, ...] = ()
    connected: bool = False
    jobs_proven: int = 0  #: ever
    jobs_failed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorStanding:
    """How an operator stands, by all its provers together; rounds rank each prover by its own."""

    operator: str = ""
    counts: FactCounts
    bucket: int = 0
    reasons: tuple[str, ...] = ()
    provers: tuple[ProverStanding, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Standings:
    """How operators stand."""

    operators: tuple[OperatorStanding, ...] = ()
    half_life_days: int = 0  #: counts halve in this time
    next_cursor: str = ""  #: behind which they go on; empty: these were the last


@dataclass(frozen=True, slots=True, kw_only=True)
class Unbonding:
    """A part of a bond on its way out."""

    unbonding_id: str = ""
    amount: int = 0  #: what is left of it
    ready_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainDebt:
    """What a slash could not take of a bond, and a chain is asked for; amounts are base units."""

    evidence_id: str = ""
    amount: int = 0
    state: str = ""  #: owed, dropped, proposed, vetoed, executed, final, short
    taken: int = 0
    number: int = -1  #: of the proposal in the contract; -1: in no block yet
    executable_at: int = 0  #: a block; 0: not known yet


@dataclass(frozen=True, slots=True, kw_only=True)
class Stake:
    """An operator's bond."""

    operator: str = ""
    bond: int = 0
    bound: int = 0  #: by leases that are held
    removable: int = 0  #: of the bond, now
    unbonding: int = 0  #: can still be slashed
    ready: int = 0  #: of that: may be withdrawn
    unbondings: tuple[Unbonding, ...] = ()
    earned: int = 0  #: what can be paid in
    stake_permille: int = 0
    overcommit: int = 0
    staked: int = 0  #: what stake on a chain adds to the bond
    debts: tuple[ChainDebt, ...] = ()  #: newest first


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One slash: for what, who got how much, and what became of the appeal."""

    evidence_id: str = ""
    kind: str = ""  #: missed_deadline, invalid_proof, equivocation, refuted
    operator: str = ""
    prover: str = ""
    lease_id: str = ""
    task_id: str = ""
    job_id: str = ""
    program_digest: str = ""
    slice: int = 0
    detail: str = ""
    amount: int = 0
    burnt: int = 0
    to_client: int = 0
    to_rescuer: int = 0
    at_ms: int = 0
    state: str = ""  #: stands, appealed, upheld, overturned
    appeal: str = ""
    answer: str = ""
    given_back: int = 0
    can_be_verified: bool = False  #: by anybody: it carries what the operator signed
