"""Canaries: when the network sends a job of its own, to whom, what it pays, and how much of that in a day.

A canary is a bid like others. It is directed by its constraints, which accept one operator, so it stands in a lane of
its own and moves nobody else's; it bids the reference price of the lane that its jobs would be sold in, never more.
Nothing that a prover sees tells it from a client's job. Keys name the occasion, not the sender: of several gateways
with the same thought one task comes out.

Names cost nothing, so what may be spent adds up over an operator's names, and over all operators:

    all operators in 24 hours     budget
    one operator in 24 hours      budget / 8, and where bonds are asked for no more than its bond carries
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from proofgrid.primitives.digests import digest_of
from proofgrid.primitives.ids import Address
from proofgrid.rules.jobs.constraints import Constraints
from proofgrid.rules.jobs.engines import version_of

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
LIFE_MS = 600_000  #: a canary that nobody takes in this time is dropped, and refunded
NEWCOMER_PROOFS = 8  #: with so many verified jobs an operator is new no more, and neither is a prover
ENGINE_CHARS = 8  #: of its digest, in keys
OPERATOR_SHARE = 8  #: one operator is sent at most one part in so many of a day's budget


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An operator with connected provers that could be sent a canary."""

    operator: Address
    engines: frozenset[str]  #: that its provers offer
    jobs_proven: int  #: by all its provers, ever
    carries: int | None = None  #: what its bond carries, in base units; None: nobody needs a bond
    spent: int = 0  #: base units of its canaries in the last 24 hours, those included that still run


def interval_ms(canaries_per_hour: int) -> int:
    """Return how far apart canaries are on average."""
    return max(1, HOUR_MS // canaries_per_hour)


def due_ms(occasion: int, *, interval: int, draw: int) -> int:
    """Return when the canary of an occasion is sent: somewhere in its interval, so nobody can wait for it."""
    return occasion * interval + draw % interval


def occasion_key(occasion: int, *, interval: int, engine: str) -> str:
    """Name the occasion, for all gateways of an engine alike: each version is sent canaries of its own."""
    key = f"canary:{interval}:{occasion}"
    return f"{key}:{digest_of(engine.encode())[:ENGINE_CHARS]}" if version_of(engine) else key


def newcomer_key(candidate: Candidate, *, now_ms: int) -> str:
    """Name the next canary of a new operator: one for every job it has proven, again when nothing came of it."""
    return f"canary:new:{candidate.jobs_proven}:{now_ms // LIFE_MS}:{candidate.operator}"


def newcomers(candidates: Sequence[Candidate], *, engine: str) -> list[Candidate]:
    """Return the operators that are new: their names add up, so another name is nobody new."""
    return [one for one in able(candidates, engine=engine) if one.jobs_proven < NEWCOMER_PROOFS]


def choose(candidates: Sequence[Candidate], *, engine: str, draw: int) -> Candidate | None:
    """Draw who is sent a canary: somebody without a verified job as long as there is one, else anybody."""
    found = able(candidates, engine=engine)
    unknown = [one for one in found if not one.jobs_proven]
    drawn_from = unknown or found
    return drawn_from[draw % len(drawn_from)] if drawn_from else None


def able(candidates: Sequence[Candidate], *, engine: str) -> list[Candidate]:
    """Return who runs this engine at all."""
    return [one for one in candidates if engine in one.engines]


def directed_at(target: Candidate) -> Constraints:
    """Return the constraints of a canary: the target's provers may have it, and nobody sits out for it."""
    return Constraints(allowed_operators=frozenset([target.operator]))


def limit_price(references: Sequence[int]) -> int:
    """Return what a canary bids per unit, of the reference prices of the lanes of its jobs: the least of them."""
    return min(references)


def budget_of(candidate: Candidate, *, budget: int) -> int:
    """Return how much of a day's budget, in base units, may go to one operator."""
    share = budget // OPERATOR_SHARE
    return share if candidate.carries is None else min(share, candidate.carries)


def is_affordable(cost: int, target: Candidate, *, spent: int, budget: int) -> bool:
    """May a canary of this cost be sent, when so much was `spent` on all operators? All in base units."""
    left = min(budget - spent, budget_of(target, budget=budget) - target.spent)
    return cost <= left
