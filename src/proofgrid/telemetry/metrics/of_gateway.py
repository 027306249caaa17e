"""What a gateway does and how it feels: counted where it happens, by the process that does it."""

from __future__ import annotations

from proofgrid.primitives.turns import Urgency
from proofgrid.rules.incidents.kinds import Act
from proofgrid.rules.jobs.lifecycle import LeaseState, TaskEvent, TaskState
from proofgrid.rules.jobs.retry import ReturnReason
from proofgrid.telemetry.metrics.kinds import Counter, Gauge, Histogram, capped, closed

QUICK = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)  #: seconds, of what is to be quick
PATIENT = (0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0, 3_600.0)  #: seconds, of what waits
SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)

_SYSTEM = capped("proof_system", 30)
_URGENCY = closed("urgency", [one.name.lower() for one in Urgency])

CALL_SECONDS = Histogram(
    "proofgrid_call_seconds",
    "How long calls took until they were answered; streams: until they ended.",
    capped("method", 200),
    unit="seconds",
    bounds=QUICK,
)
CALLS_REFUSED = Counter(
    "proofgrid_calls_refused_total",
    "Calls that ended with an error for the caller, by its code.",
    capped("code", 150),
    unit="calls",
)
CALLS_FAILED = Counter(
    "proofgrid_calls_failed_total", "Calls that ended with a mistake of ours.", capped("method", 200), unit="calls"
)
TRANSACTION_SECONDS = Histogram(
    "proofgrid_transaction_seconds",
    "How long transactions took, waiting for a connection included.",
    capped("name", 100),
    unit="seconds",
    bounds=(0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10.0),
)
TRANSACTIONS_FAILED = Counter(
    "proofgrid_transactions_failed_total",
    "Transactions that were rolled back or lost.",
    capped("name", 100),
    unit="transactions",
)
LOOP_SECONDS = Histogram(
    "proofgrid_loop_seconds",
    "How long a turn of what a role does again and again took.",
    capped("name", 100),
    unit="seconds",
    bounds=(0.001, 0.01, 0.1, 1.0, 10.0),
)
LOOPS_FAILED = Counter(
    "proofgrid_loops_failed_total", "Turns that met passing trouble.", capped("name", 100), unit="turns"
)
SUBMIT_SECONDS = Histogram(
    "proofgrid_submit_seconds",
    "From a request to its durable task: checked, normalised, paid for and written down.",
    unit="seconds",
    bounds=QUICK,
)
NORMALISE_SECONDS = Histogram(
    "proofgrid_normalise_seconds",
    "How long the inputs of a request took to be normalised, waiting for a worker included.",
    _SYSTEM,
    unit="seconds",
    bounds=QUICK,
)
TASKS_ACCEPTED = Counter("proofgrid_tasks_accepted_total", "Tasks that were accepted.", unit="tasks")
TASKS_ENDED = Counter(
    "proofgrid_tasks_ended_total",
    "Tasks that ended, by how.",
    closed("end", (TaskState.DONE, TaskState.FAILED, TaskState.CANCELLED)),
    unit="tasks",
)
TASKS_FAILED = Counter(
    "proofgrid_tasks_failed_total",
    "Tasks that failed, by the code that their clients are told.",
    capped("code", 50),
    unit="tasks",
)
TASK_SECONDS = Histogram(
    "proofgrid_task_seconds", "From a task's acceptance to its bundle.", unit="seconds", bounds=PATIENT
)
ROUND_SECONDS = Histogram(
    "proofgrid_round_seconds",
    "How long a round of all lanes of a stack took, from its lock to its commit.",
    unit="seconds",
    bounds=QUICK,
)
ROUNDS = Counter("proofgrid_rounds_total", "Rounds of lanes that were cleared.", capped("lane", 200), unit="rounds")
JOBS_SOLD = Counter("proofgrid_jobs_sold_total", "Jobs that were sold in rounds.", capped("lane", 200), unit="jobs")
UNITS_SOLD = Counter(
    "proofgrid_sold_units_total", "Of jobs that were sold in rounds, in PU.", capped("lane", 200), unit="PU"
)
HEDGES = Counter("proofgrid_hedges_total", "Second leases that were sold for slow jobs.", unit="leases")
QUEUE_SECONDS = Histogram(
    "proofgrid_queue_wait_seconds",
    "From a task's acceptance to the lease of each of its jobs; jobs that wait for others or came back are left out.",
    unit="seconds",
    bounds=PATIENT,
)
LEASE_SECONDS = Histogram(
    "proofgrid_lease_told_seconds",
    "From the sale of a job until its prover is told.",
    unit="seconds",
    bounds=QUICK,
)
LEASES_ENDED = Counter(
    "proofgrid_leases_ended_total",
    "Leases that ended: settled, or how else, and for which reason.",
    closed("end", (LeaseState.SETTLED, LeaseState.EXPIRED, LeaseState.FAILED, LeaseState.STOPPED)),
    closed("reason", ["proven", "late", TaskEvent.GAVE_UP, TaskEvent.CANCELLED, *ReturnReason]),
    unit="leases",
)
VERIFY_SECONDS = Histogram(
    "proofgrid_verify_seconds",
    "How long a call that verifies proofs took, waiting for a worker included.",
    _SYSTEM,
    unit="seconds",
    bounds=QUICK,
)
PROOFS_VERIFIED = Counter(
    "proofgrid_proofs_verified_total",
    "Proofs that were verified, by what was found.",
    closed("verdict", ("valid", "invalid", "unknown")),
    unit="proofs",
)
SEAL_SECONDS = Histogram(
    "proofgrid_seal_seconds",
    "How long combining, sealing and verifying bundles took, a group at a time.",
    unit="seconds",
    bounds=PATIENT,
)
BATCH_SIZE = Histogram(
    "proofgrid_batch_size_items",
    "How many of what comes at the same time were carried out together.",
    closed("of", ("leases", "proofs", "payments", "tasks", "heartbeats", "progress", "other")),
    unit="items",
    bounds=SIZES,
)
EVENT_LOOP_LAG = Gauge(
    "proofgrid_event_loop_lag_seconds",
    "The worst lateness of the event loop in the last three seconds.",
    unit="seconds",
    merge="max",
)
POOL_WAIT = Gauge(
    "proofgrid_pool_wait_seconds",
    "For how long the oldest of each urgency has been waiting for a connection to the database.",
    _URGENCY,
    unit="seconds",
    merge="max",
)
POOL_WAITS = Histogram(
    "proofgrid_pool_waits_seconds",
    "How long those waited for a connection to the database that had to wait.",
    _URGENCY,
    unit="seconds",
    bounds=(0.001, 0.01, 0.1, 1.0, 10.0),
)
ADMISSION_WINDOW = Gauge(
    "proofgrid_admission_window_places",
    "How many submissions may be under way at once, as measured lateness allows.",
    unit="places",
    merge="sum",
)
ADMISSION_LINE = Gauge(
    "proofgrid_admission_waiting_calls", "Submissions that wait for their turn.", unit="calls", merge="sum"
)
PRESSURE = Gauge(
    "proofgrid_admission_pressure_ratio",
    "How late the latest part of the gateway is; above 1 less is let in.",
    unit="ratio",
    merge="max",
)
SESSIONS = Gauge(
    "proofgrid_connected_provers", "Provers that are connected to this gateway.", unit="provers", merge="sum"
)
SERVING = Gauge(
    "proofgrid_serving",
    "1 while this gateway can serve: its database answers, and it does not close.",
    unit="0 or 1",
    merge="max",
)
LEDGER_CHECKS = Counter(
    "proofgrid_ledger_checks_total",
    "Looks at the ledger, by what was found.",
    closed("found", ("nothing", "violation")),
    unit="looks",
)
INCIDENT_ACTS = Counter(
    "proofgrid_incident_acts_total",
    "What was done about incidents that were opened, by the act.",
    closed("act", Act),
    unit="acts",
)
REPAIRS = Counter(
    "proofgrid_store_repairs_total",
    "Copies of artifacts that were mended, by which.",
    closed("copy", ("first", "second", "impossible")),
    unit="artifacts",
)
CERTIFICATE_LEFT = Gauge(
    "proofgrid_certificate_left_seconds",
    "Until the certificate ends; below zero it has.",
    closed("certificate", ("gateway",)),
    unit="seconds",
    merge="max",
)
CERTIFICATE_AGE = Gauge(
    "proofgrid_certificate_age_seconds",
    "Since the certificate began to hold.",
    closed("certificate", ("gateway",)),
    unit="seconds",
    merge="max",
)
