"""How a process is watched: where its metrics are read, and where its traces go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from proofgrid.settings.declared import Settings, setting


@dataclass(frozen=True, kw_only=True)
class Watching(Settings):
    """Where metrics are read, and by whom; where traces go."""

    panel: ClassVar[str] = "Metrics and traces"

    metrics: str = setting(
        "", "host:port where Prometheus reads /metrics; docs/metrics.md.", told="nowhere", metavar="HOST:PORT"
    )
    metrics_token: str = setting("", "Who sends it as a bearer token may read metrics.", is_secret=True)
    metrics_open: bool = setting(
        False, "Whoever reaches that address may read metrics, without a token; for networks of your own.", told="no"
    )
    traces: str = setting(
        "",
        "OTLP collector that gets the traces of tasks, such as http://127.0.0.1:4318; needs proofgrid[traces].",
        told="nowhere",
        metavar="URL",
    )
    traces_sample: int = setting(
        1_000,
        "So many of a thousand tasks are traced. Their ids say which: give all gateways and provers the same number.",
        least=0,
        most=1_000,
    )
