"""What only the database knows: one gateway of a network reads it now and then, and shows it (roles/census)."""

from __future__ import annotations

from proofgrid.rules.jobs.lifecycle import JOB_OPEN, TaskState
from proofgrid.rules.ledger.accounts import OWNED_KINDS
from proofgrid.rules.staking.slashing import SlashReason
from proofgrid.telemetry.metrics.kinds import Counter, Gauge, capped, closed

LANES_MAX = 200
PROVER_STATES = ("serving", "silent", "draining", "paused")
BALANCES = (*OWNED_KINDS, "treasury", "minted")

_LANE = capped("lane", LANES_MAX)

FACTS_AGE = Gauge(
    "proofgrid_facts_age_seconds",
    "How long ago the facts of the network were read; only at the gateway that reads them.",
    unit="seconds",
    merge="max",
)
LANE_OLDEST_WAIT = Gauge(
    "proofgrid_lane_oldest_wait_seconds",
    "For how long the oldest job that may be sold now has been waiting.",
    _LANE,
    unit="seconds",
    merge="max",
)
LANE_WAITING = Gauge(
    "proofgrid_lane_waiting_units", "Of jobs that wait to be sold, in PU.", _LANE, unit="PU", merge="max"
)
LANE_WAITING_JOBS = Gauge("proofgrid_lane_waiting_jobs", "Jobs that wait to be sold.", _LANE, unit="jobs", merge="max")
LANE_AFFORDABLE = Gauge(
    "proofgrid_lane_affordable_units",
    "Of jobs that wait and whose limit price is at or above the lowest ask of a prover that serves the lane, in PU.",
    _LANE,
    unit="PU",
    merge="max",
)
LANE_LOWEST_ASK = Gauge(
    "proofgrid_lane_lowest_ask_base_units",
    "The lowest ask per PU of the provers that serve the lane, busy or not; nothing where nobody does.",
    _LANE,
    unit="base units per PU",
    merge="max",
)
LANE_PRICE = Gauge(
    "proofgrid_lane_price_base_units",
    "The reference price of the lane's next round per PU, made of what the latest sales cost.",
    _LANE,
    unit="base units per PU",
    merge="max",
)
LANE_RUNNING = Gauge(
    "proofgrid_lane_running_units", "Of jobs that are leased now, in PU.", _LANE, unit="PU", merge="max"
)
LANE_RUNNING_JOBS = Gauge("proofgrid_lane_running_jobs", "Jobs that are leased now.", _LANE, unit="jobs", merge="max")
OPEN_TASKS = Gauge(
    "proofgrid_open_tasks",
    "Tasks that have not ended, by state.",
    closed("state", (TaskState.OPEN, TaskState.COMBINING)),
    unit="tasks",
    merge="max",
)
OPEN_JOBS = Gauge(
    "proofgrid_open_jobs",
    "Jobs of tasks that have not ended, by state.",
    closed("state", JOB_OPEN),
    unit="jobs",
    merge="max",
)
PROVERS = Gauge(
    "proofgrid_provers",
    "Connected provers: serving, or why nothing is sold to them.",
    closed("state", PROVER_STATES),
    unit="provers",
    merge="max",
)
PROVER_SLOTS = Gauge(
    "proofgrid_prover_slots",
    "Slots of connected provers that serve.",
    closed("state", ("free", "busy")),
    unit="slots",
    merge="max",
)
GATEWAYS = Gauge("proofgrid_gateways", "Gateways that were seen in the last seconds.", unit="gateways", merge="max")
BALANCE = Gauge(
    "proofgrid_balance_base_units",
    "What the accounts of a kind hold, read once a minute; minted: what came in and did not go out.",
    closed("account", BALANCES),
    unit="base units",
    merge="max",
)
INCIDENTS = Gauge(
    "proofgrid_open_incidents",
    "Incidents that nobody has closed, by what was found.",
    capped("kind", 50),
    unit="incidents",
    merge="max",
)
SETTLEMENT_STOPPED = Gauge(
    "proofgrid_settlement_stopped", "1 while an incident stops settlement.", unit="0 or 1", merge="max"
)
SLASHES = Counter(
    "proofgrid_slashes_total",
    "Bonds that were slashed so far, by why.",
    closed("kind", SlashReason),
    unit="slashes",
    merge="max",
)
SLASHED = Counter("proofgrid_slashed_base_units_total", "What was slashed so far.", unit="base units", merge="max")
REPAIRS_WAITING = Gauge(
    "proofgrid_store_repairs_waiting",
    "Artifacts with one copy only, which wait for their second one.",
    unit="artifacts",
    merge="max",
)
AUDIT_ENTRIES = Counter(
    "proofgrid_audit_entries_total", "Entries of the audit log that have their place.", unit="entries", merge="max"
)
AUDIT_WAITING = Gauge(
    "proofgrid_audit_waiting_entries", "Entries of the audit log without a place yet.", unit="entries", merge="max"
)
WEBHOOK_WAITING = Gauge(
    "proofgrid_webhook_waiting_deliveries",
    "Deliveries of webhooks that have not arrived yet; nothing where there are no webhooks.",
    unit="deliveries",
    merge="max",
)
WEBHOOK_OLDEST_WAIT = Gauge(
    "proofgrid_webhook_oldest_wait_seconds",
    "For how long the oldest delivery of a webhook that has not arrived has been waiting.",
    unit="seconds",
    merge="max",
)
