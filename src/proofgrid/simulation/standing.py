"""How a prover stands in the world: busy slots, and a coarse reputation out of what it did."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from proofgrid.rules.jobs.speed import SAMPLES_KEPT
from proofgrid.rules.market.columns import Column
from proofgrid.simulation.population import Provers

BUCKET_SHARES = (0.10, 0.25, 0.50)  #: failed leases from which on a prover stands in the next bucket
BENEFIT_OF_DOUBT = 5  #: leases without a failure that everybody is given


@dataclass(slots=True, eq=False)
class Standing:
    """One row per prover."""

    provers: Provers
    busy: Column
    proven: Column
    failed: Column

    @classmethod
    def of(cls, provers: Provers) -> Standing:
        return cls(provers, *(np.zeros(len(provers), dtype=np.int64) for _ in range(3)))

    def present(self, now_ms: int) -> np.typing.NDArray[np.bool_]:
        """Who is there."""
        return np.asarray((self.provers.joins_ms <= now_ms) & (now_ms < self.provers.leaves_ms))

    def free_slots(self, now_ms: int, bonds: Column) -> Column:
        """Return what each prover says is free; nothing without a bond."""
        offers = self.present(now_ms) & (bonds[self.provers.machine] > 0)
        free: Column = np.maximum(self.provers.offered - self.busy, 0) * offers
        return free

    def real_free_slots(self) -> Column:
        """Return what is really free."""
        free: Column = np.maximum(self.provers.slots - self.busy, 0)
        return free

    def utilisation(self, now_ms: int, lanes: int) -> list[float]:
        """Return the share of the present provers' slots that are taken, by class."""
        present = self.present(now_ms)
        lane = self.provers.lane[present]
        slots = np.bincount(lane, self.provers.slots[present], minlength=lanes)
        busy = np.bincount(lane, np.minimum(self.busy, self.provers.slots)[present], minlength=lanes)
        return [float(share) for share in busy / np.maximum(slots, 1)]

    def note(self, rows: Column, *, is_proven: np.typing.NDArray[np.bool_]) -> None:
        """Count how leases ended."""
        count = len(self.busy)
        self.proven += np.bincount(rows[is_proven], minlength=count)
        self.failed += np.bincount(rows[~is_proven], minlength=count)
        # As with speeds: the last months count, a year ago does not.
        many = self.proven + self.failed > SAMPLES_KEPT
        self.proven[many] //= 2
        self.failed[many] //= 2

    def buckets(self) -> Column:
        """Return reputation buckets, 0 is best."""
        share = self.failed / (self.proven + self.failed + BENEFIT_OF_DOUBT)
        return np.searchsorted(BUCKET_SHARES, share, side="right").astype(np.int64)
