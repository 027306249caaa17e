"""The metrics of all processes of a gateway as one: what a dead one counted stays, what there was of it goes."""

from __future__ import annotations

from proofgrid.telemetry.metrics.snapshot import Snapshot, that_lasts, together


class NumbersOfAll:
    """Kept by the supervisor, who does not work and so always answers."""

    def __init__(self) -> None:
        self._living: dict[int, Snapshot] = {}
        self._gone: Snapshot = {}  #: counters never go back, or rates would be wrong

    def hear(self, number: int, told: Snapshot) -> None:
        """Note what a process said last."""
        self._living[number] = told

    def gone(self, number: int) -> None:
        """Note that a process has ended."""
        last = self._living.pop(number, None)
        if last is not None:
            self._gone = together([self._gone, that_lasts(last)])

    def read(self) -> Snapshot:
        """Return the numbers of all."""
        return together([self._gone, *self._living.values()])
