"""How provers stand, as it is written down and as everybody may see it."""

from __future__ import annotations

from dataclasses import dataclass

from proofgrid.primitives.ids import Address, ProverId
from proofgrid.rules.reputation.breaker import Breaker
from proofgrid.rules.reputation.canaries import NEWCOMER_PROOFS
from proofgrid.rules.reputation.counters import Counters
from proofgrid.rules.reputation.standing import Standing
from proofgrid.store.queries import query


@dataclass(frozen=True, slots=True)
class Stands:
    """How a prover, or an operator, stands, as it is written down."""

    prover_id: ProverId  #: or the operator's address
    proven_micro: int
    late_micro: int
    lost_micro: int
    crashed_micro: int
    invalid_micro: int
    facts_ms: int
    outcomes: str
    pauses: int
    paused_until_ms: int
    last_faults: str
    now_ms: int

    @property
    def standing(self) -> Standing:
        return Standing(
            counters=Counters(
                proven=self.proven_micro,
                late=self.late_micro,
                lost=self.lost_micro,
                crashed=self.crashed_micro,
                invalid=self.invalid_micro,
                at_ms=self.facts_ms,
            ),
            breaker=Breaker(outcomes=self.outcomes, pauses=self.pauses, paused_until_ms=self.paused_until_ms),
            last_faults=tuple(self.last_faults.splitlines()),
        )


@dataclass(frozen=True, slots=True)
class Standings(Stands):
    """The same of several, of both kinds."""

    operator: Address
    jobs_proven: int | None  #: None: the row is the operator's

    @property
    def is_new(self) -> bool:
        """Is it a prover for which its operator stands?"""
        return self.jobs_proven is not None and self.jobs_proven < NEWCOMER_PROOFS


@dataclass(frozen=True, slots=True)
class ShownProver(Stands):
    """A prover with how it stands, whose it is, whether it is connected, and how fast it is."""

    operator: Address
    jobs_proven: int
    jobs_failed: int
    connected: bool
    #: proof system, class, verified units, the time of all leases in ms, proofs
    speeds: tuple[tuple[str, str, int, int, int], ...] | None

    @property
    def is_new(self) -> bool:
        """Is it one for which its operator stands?"""
        return self.jobs_proven < NEWCOMER_PROOFS


LOCK_PROVERS = query("lock_provers", Standings)
GET_STANDINGS = query("get_standings", Standings)
NOTE_WORK = query("note_work", None)
TELL_PROVERS = query("tell_provers", None)
STANDINGS = query("standings", ShownProver)
