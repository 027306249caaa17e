"""How provers stand, as it is written down and as everybody may see it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from proofgrid.primitives.ids import Address, ProverId
from proofgrid.rules.reputation.breaker import Breaker
from proofgrid.rules.reputation.counters import Counters
from proofgrid.rules.reputation.standing import Standing
from proofgrid.store.queries import query


class _Standing(Protocol):
    """The columns of a prover's row that say how it stands."""

    @property
    def proven_micro(self) -> int: ...
    @property
    def late_micro(self) -> int: ...
    @property
    def lost_micro(self) -> int: ...
    @property
    def crashed_micro(self) -> int: ...
    @property
    def invalid_micro(self) -> int: ...
    @property
    def facts_ms(self) -> int: ...
    @property
    def outcomes(self) -> str: ...
    @property
    def pauses(self) -> int: ...
    @property
    def paused_until_ms(self) -> int: ...
    @property
    def last_faults(self) -> str: ...


def _standing(row: _Standing) -> Standing:
    return Standing(
        counters=Counters(
            proven=row.proven_micro,
            late=row.late_micro,
            lost=row.lost_micro,
            crashed=row.crashed_micro,
            invalid=row.invalid_micro,
            at_ms=row.facts_ms,
        ),
        breaker=Breaker(outcomes=row.outcomes, pauses=row.pauses, paused_until_ms=row.paused_until_ms),
        last_faults=tuple(row.last_faults.splitlines()),
    )


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
        return _standing(self)


@dataclass(frozen=True, slots=True)
class ShownProver:
    """A prover with how it stands, whether it is connected, and how fast it is."""

    prover_id: ProverId
    operator: Address
    jobs_proven: int
    jobs_failed: int
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
    connected: bool
    #: proof system, class, verified units, the time of all leases in ms, proofs
    speeds: tuple[tuple[str, str, int, int, int], ...] | None

    @property
    def standing(self) -> Standing:
        return _standing(self)


LOCK_PROVERS = query("lock_provers", StandingProver)
GET_PROVER = query("get_prover", StandingProver)
NOTE_WORK = query("note_work", None)
TELL_PROVERS = query("tell_provers", None)
STANDINGS = query("standings", ShownProver)
