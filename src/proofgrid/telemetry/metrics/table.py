"""Every metric there is, by name: what is shown, documented, drawn and watched."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType

from proofgrid.telemetry.metrics import of_gateway, of_network, of_process, of_prover
from proofgrid.telemetry.metrics.kinds import Counter, Gauge, Histogram

AnyMetric = Counter | Gauge | Histogram

SECTIONS: tuple[ModuleType, ...] = (of_network, of_gateway, of_prover, of_process)


def of_section(section: ModuleType) -> Iterator[AnyMetric]:
    """Yield the metrics that a module declares, in its order."""
    for one in vars(section).values():
        if isinstance(one, Counter | Gauge | Histogram):
            yield one


METRICS: dict[str, AnyMetric] = {one.name: one for section in SECTIONS for one in of_section(section)}
