"""What a prover does."""

from __future__ import annotations

from proofgrid.telemetry.metrics.kinds import Counter, Gauge, Histogram, capped, closed
from proofgrid.telemetry.metrics.of_gateway import PATIENT

_SYSTEM = capped("proof_system", 30)

JOBS_PROVEN = Counter("proofgrid_prover_jobs_proven_total", "Results that were accepted.", unit="jobs")
JOBS_FAILED = Counter(
    "proofgrid_prover_jobs_failed_total",
    "Jobs that came to nothing here, by why.",
    capped("reason", 50),
    unit="jobs",
)
PROVE_SECONDS = Histogram(
    "proofgrid_prover_prove_seconds",
    "How long children took for jobs that they proved.",
    _SYSTEM,
    unit="seconds",
    bounds=PATIENT,
)
EARNED = Counter(
    "proofgrid_prover_earned_base_units_total", "What was paid for results, before fees.", unit="base units"
)
SLOTS = Gauge(
    "proofgrid_prover_own_slots", "Slots of this prover.", closed("state", ("free", "busy")), unit="slots", merge="sum"
)
CONNECTED = Gauge("proofgrid_prover_connected", "1 while a gateway has welcomed it.", unit="0 or 1", merge="max")
KEYS = Gauge("proofgrid_prover_keys", "Proving keys that are kept for later jobs.", unit="keys", merge="sum")
KEYS_BYTES = Gauge("proofgrid_prover_keys_bytes", "What kept proving keys take.", unit="bytes", merge="sum")
WARM_CHILDREN = Gauge(
    "proofgrid_prover_warm_children", "Children that wait for another job.", unit="children", merge="sum"
)
WARM_BYTES = Gauge("proofgrid_prover_warm_bytes", "What children that wait take.", unit="bytes", merge="sum")
