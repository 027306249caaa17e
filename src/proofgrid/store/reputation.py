"""How provers stand, as it is written down and as everybody may see it."""

from __future__ import annotations

from dataclasses import dataclass

from proofgrid.primitives.ids import Address, ProverId
from proofgrid.rules.reputation.breaker import Breaker
from proofgrid.rules.reputation.counters import Counters
from proofgrid.rules.reputation.standing import Standing
from proofgrid.store.queries import query


@dataclass(frozen=True, slots=True)
class StandingProver:
    """How a prover stands, as it is written down."""

    prover_id: ProverId
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
class ShownProver(StandingProver):
    """A prover with how it stands, whose it is, whether it is connected, and how fast it is."""

    operator: Address
    jobs_proven: int
    jobs_failed: int
    connected: bool
    #: proof system, class, verified units, the time of all leases in ms, proofs
    speeds: tuple[tuple[str, str, int, int, int], ...] | None


LOCK_PROVERS = query("lock_provers", StandingProver)
GET_PROVER = query("get_prover", StandingProver)
NEW_PROVERS_BESIDE = query("new_provers_beside", ProverId)
NOTE_WORK = query("note_work", None)
NOTE_STANDINGS = query("note_standings", None)
TELL_PROVERS = query("tell_provers", None)
STANDINGS = query("standings", ShownProver)
