"""Canaries: when the network sends a job of its own, to whom, and what it pays; and how new provers earn their slots.

A canary is directed by excluding everybody else, so nothing that a prover sees tells it from a client's job. Keys name
the occasion, not the sender: of several gateways with the same thought one task comes out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from proofgrid.rules.jobs.retry import FOREVER_MS

HOUR_MS = 3_600_000
LIFE_MS = 600_000  #: a canary that nobody takes in this time is dropped, and refunded
NEWCOMER_PROOFS = 8  #: with so many verified jobs a prover is new no more, and offers all its slots
LIMIT_OF_REFERENCE = 2  #: a canary bids this many times the reference price: enough to trade like a client's job


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A connected prover that could be sent a canary."""

    prover_id: str
    proof_systems: frozenset[str]
    jobs_proven: int


def interval_ms(canaries_per_hour: int) -> int:
    """Return how far apart canaries are on average."""
    return max(1, HOUR_MS // canaries_per_hour)


def due_ms(occasion: int, *, interval: int, draw: int) -> int:
    """Return when the canary of an occasion is sent: somewhere in its interval, so nobody can wait for it."""
    return occasion * interval + draw % interval


def occasion_key(occasion: int, *, interval: int) -> str:
    """Name the occasion, for all gateways alike."""
    return f"canary:{interval}:{occasion}"


def newcomer_key(candidate: Candidate, *, now_ms: int) -> str:
    """Name the next canary of a new prover: one for every job it has proven, again when nothing came of it."""
    return f"canary:new:{candidate.jobs_proven}:{now_ms // LIFE_MS}:{candidate.prover_id}"


def newcomers(candidates: Sequence[Candidate], *, proof_system: str) -> list[Candidate]:
    """Return the provers that still earn their capacity."""
    return [one for one in able(candidates, proof_system=proof_system) if one.jobs_proven < NEWCOMER_PROOFS]


def choose(candidates: Sequence[Candidate], *, proof_system: str, draw: int) -> Candidate | None:
    """Draw who is sent a canary: somebody without a verified job as long as there is one, else anybody."""
    found = able(candidates, proof_system=proof_system)
    unknown = [one for one in found if not one.jobs_proven]
    drawn_from = unknown or found
    return drawn_from[draw % len(drawn_from)] if drawn_from else None


def able(candidates: Sequence[Candidate], *, proof_system: str) -> list[Candidate]:
    """Return who proves this system at all."""
    return [one for one in candidates if proof_system in one.proof_systems]


def excluded_but(target: Candidate, candidates: Sequence[Candidate]) -> dict[str, int]:
    """Return the exclusions that leave only the target."""
    return {one.prover_id: FOREVER_MS for one in candidates if one.prover_id != target.prover_id}


def limit_price(reference: int) -> int:
    """Return what a canary bids per unit."""
    return max(1, LIMIT_OF_REFERENCE * reference)
