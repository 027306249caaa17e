"""How much of a task bids at once, in slots: each of its jobs takes one, however long it is.

Everything here counts jobs, slots and who is admitted by the public price limits, never how high a price is. So a
winner that lies about its price changes nothing here, and the clearing stays truthful (dara.md, section 2, lemma).
"""

from __future__ import annotations

from collections.abc import Sequence

from proofgrid.rules.scheduling.demand_and_supply import JobDemand

COVER = (1, 2)  #: one bid covers at most this share of the round's capacity
ONE_JOB_IN = 4  #: one bid in so many, drawn by lot, covers one job only


def covered_jobs(jobs: Sequence[JobDemand], *, capacity: int, one_job: bool) -> tuple[JobDemand, ...]:
    """Return the jobs that a bid is for: the first, and the next ones while all stay at most half of the slots.

    The rest bids again in the next round, an interval later. A bid for all there is leaves nobody to give up, and a
    truthful auction cannot trade then (dara.md, section 1, steps 4e and 4f); and since provers are filled in rank
    order, it would put a whole task on the first of them.
    """
    count = 1 if one_job else max(1, capacity * COVER[0] // COVER[1])
    return tuple(jobs[:count])


def draws_one_job(rank_hash: str) -> bool:
    """Is this one of the bids that cover one job only?

    Half of the capacity is too much when the dearest prover holds most of it: it leaves, the bid no longer fits and
    is squeezed out, nothing trades, and the same orders would meet in the same way for ever. A bid for one job always
    fits, so a lot that no price moves breaks the circle. Measured over 1,500 small lanes whose limits all cross their
    asks: without it 84 never finish, with it none.
    """
    # The first digits decided the rank; the last one is independent of it.
    return int(rank_hash[-1], 16) % ONE_JOB_IN == 0
