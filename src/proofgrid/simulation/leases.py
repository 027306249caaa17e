"""What becomes of sold jobs: when each lease begins and ends, and how. Luck is drawn by job and attempt.

A prover runs the jobs of a round in the order in which it won them, spread over its free slots; what does not fit at
once waits in its slot.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from proofgrid.rules.jobs.phases import PhasePolicy
from proofgrid.rules.jobs.retry import ReturnReason
from proofgrid.rules.market.columns import Column
from proofgrid.simulation.chance import Shares, shares
from proofgrid.simulation.population import CLASS_SPEED, Provers
from proofgrid.simulation.scenario import WHOLE_PERMILLE, Scenario

POLICY = PhasePolicy()
CRASH_OVER_CAPACITY_MS = 1_000  #: a machine that promised slots it does not have fails their jobs at once
NO_JOB = -1


class Outcome(IntEnum):
    """How a lease ends."""

    PROVEN = 0
    CRASHED = 1
    TIMED_OUT = 2
    LOST = 3


REASONS = {
    Outcome.CRASHED: ReturnReason.CHILD_CRASHED,
    Outcome.TIMED_OUT: ReturnReason.TIMED_OUT,
    Outcome.LOST: ReturnReason.PROVER_LOST,
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Leases:
    """Sold jobs, one row each; NO_JOB is capacity that a griefing buyer bought and that stands idle until its end."""

    job: Column
    prover: Column
    units: Column
    buy_price: Column
    sell_price: Column
    outcome: Column
    begin_ms: Column
    end_ms: Column
    worked_permille: Column  #: of the units, for which the machine has costs

    def __len__(self) -> int:
        return len(self.job)

    def rows(self, chosen: np.typing.NDArray[np.bool_] | Column) -> Leases:
        """Return some of them."""
        return Leases(**{name: getattr(self, name)[chosen] for name in self.__dataclass_fields__})


def run(
    scenario: Scenario,
    provers: Provers,
    *,
    job: Column,
    prover: Column,
    units: Column,
    buy_price: Column,
    sell_price: Column,
    attempt: Column,
    free_slots: Column,
    real_free_slots: Column,
    now_ms: int,
) -> tuple[Leases, Column, Column]:
    """Return the leases of a round, and of every slot that they take: its prover, and when it is free again."""
    order = np.argsort(prover, kind="stable")
    job, prover, units = job[order], prover[order], units[order]
    place = _places_in_groups(prover)
    slot = place % free_slots[prover]
    took, worked, outcome = _luck(scenario, provers, job, prover, units, attempt[order])
    is_false_slot = slot >= real_free_slots[prover]
    took[is_false_slot], worked[is_false_slot] = CRASH_OVER_CAPACITY_MS, 0
    outcome[is_false_slot] = Outcome.CRASHED

    # Chains: leases of one slot, one after the other.
    chains = np.lexsort((place, slot, prover))
    chain_key = prover[chains] * (int(free_slots.max(initial=1)) + 1) + slot[chains]
    ends = np.empty_like(took)
    ends[chains] = now_ms + _sums_in_groups(took[chains], chain_key)
    begins = ends - took

    gone = ends > provers.leaves_ms[prover]
    left = np.maximum(provers.leaves_ms[prover], now_ms)
    worked[gone] = worked[gone] * np.clip(left - begins, 0, None)[gone] // np.maximum(took[gone], 1)
    ends[gone] = left[gone] + POLICY.silent_ms
    outcome[gone] = Outcome.LOST

    last = np.append(np.diff(chain_key) != 0, True) if len(chains) else np.zeros(0, dtype=np.bool_)
    leases = Leases(
        job=job,
        prover=prover,
        units=units,
        buy_price=buy_price[order],
        sell_price=sell_price[order],
        outcome=outcome,
        begin_ms=np.minimum(begins, ends),
        end_ms=ends,
        worked_permille=worked,
    )
    return leases, prover[chains][last], ends[chains][last]


def by_moment(moments_ms: Column, *, round_ms: int) -> Iterator[tuple[int, Column]]:
    """Yield the rounds in which something is noticed, and which rows are noticed then."""
    if not len(moments_ms):
        return
    noticed = -(-moments_ms // round_ms) * round_ms
    order = np.argsort(noticed, kind="stable")
    starts = np.flatnonzero(np.diff(noticed[order])) + 1
    for rows in np.split(order, starts):
        yield int(noticed[rows[0]]), rows


def lease_limit_ms(units: Column, lane: Column) -> Column:
    """Return how long a lease may take: the policy's slack over the usual speed of the prover's class."""
    usual_ms = np.ceil(units / np.array(CLASS_SPEED)[lane]).astype(np.int64)
    return np.asarray(POLICY.start_ms + usual_ms * POLICY.slack_permille // WHOLE_PERMILLE)


def _luck(
    scenario: Scenario, provers: Provers, job: Column, prover: Column, units: Column, attempt: Column
) -> tuple[Column, Column, Column]:
    """Return how long each lease takes its slot, how much of the work is done, and how it ends."""
    seed = scenario.seed
    fails, late, moment = (shares(seed, purpose, job, attempt) for purpose in ("failure", "late", "moment"))
    # Late leases take two to five times as long.
    is_late = late < scenario.late_permille / WHOLE_PERMILLE
    slowness = np.where(is_late, 2.0 + 3.0 * moment, 1.0)
    took = np.ceil(units / provers.speed[prover] * slowness).astype(np.int64) + provers.latency_ms[prover]
    worked = np.full(len(job), WHOLE_PERMILLE, dtype=np.int64)
    outcome = np.full(len(job), Outcome.PROVEN, dtype=np.int64)

    crashed = fails < provers.failure[prover]
    worked[crashed] = (moment[crashed] * WHOLE_PERMILLE).astype(np.int64)
    took[crashed] = np.maximum(1, (took[crashed] * moment[crashed]).astype(np.int64))
    outcome[crashed] = Outcome.CRASHED

    limit = lease_limit_ms(units, provers.lane[prover])
    too_long = took > limit
    worked[too_long] = worked[too_long] * limit[too_long] // took[too_long]
    took[too_long], outcome[too_long] = limit[too_long], Outcome.TIMED_OUT

    idle = ~provers.works[prover]
    took[idle], worked[idle], outcome[idle] = limit[idle], 0, Outcome.TIMED_OUT
    # A griefing buyer's leases are time that was bought, nothing more.
    bought = job == NO_JOB
    took[bought] = np.ceil(units[bought] / provers.speed[prover[bought]]).astype(np.int64)
    worked[bought], outcome[bought] = 0, Outcome.PROVEN
    return took, worked, outcome


def _places_in_groups(sorted_keys: Column) -> Column:
    """Return 0, 1, 2, ... within each run of equal keys."""
    numbers = np.arange(len(sorted_keys), dtype=np.int64)
    if not len(sorted_keys):
        return numbers
    starts = np.append(True, np.diff(sorted_keys) != 0)
    return numbers - np.maximum.accumulate(np.where(starts, numbers, 0))


def _sums_in_groups(values: Column, keys: Column) -> Column:
    """Return running sums that start anew with each run of equal keys."""
    sums = np.cumsum(values)
    if not len(values):
        return sums
    starts = np.append(True, np.diff(keys) != 0)
    before = np.where(starts, sums - values, 0)
    return sums - np.maximum.accumulate(before)


__all__ = ["NO_JOB", "REASONS", "Leases", "Outcome", "Shares", "by_moment", "lease_limit_ms", "run"]
