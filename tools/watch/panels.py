"""The dashboards: what each of them shows, panel by panel."""

from __future__ import annotations

from dataclasses import dataclass

from tools.watch.objectives import OBJECTIVES


@dataclass(frozen=True, slots=True)
class Panel:
    """`queries`: expressions with how each of their series is called."""

    title: str
    unit: str  #: of Grafana
    queries: tuple[tuple[str, str], ...]
    says: str = ""
    is_number: bool = False  #: the latest value instead of a line


@dataclass(frozen=True, slots=True)
class Dashboard:
    """A page of panels."""

    name: str
    title: str
    panels: tuple[Panel, ...]


def one(title: str, unit: str, query: str, legend: str = "", *, says: str = "") -> Panel:
    """Return a panel of one query, as lines."""
    return Panel(title, unit, ((query, legend),), says)


def number(title: str, unit: str, query: str) -> Panel:
    """Return a panel of one number."""
    return Panel(title, unit, ((query, ""),), is_number=True)


def quantiles(title: str, metric: str, by: str = "") -> Panel:
    """Return a panel of a histogram's median, p95 and p99."""
    labels = f"le, {by}" if by else "le"
    return Panel(
        title,
        "s",
        tuple(
            (
                f"histogram_quantile({quantile}, sum by ({labels}) (rate({metric}_bucket[5m])))",
                f"p{round(quantile * 100)}{f' {{{{{by}}}}}' if by else ''}",
            )
            for quantile in (0.5, 0.95, 0.99)
        ),
    )


NETWORK = Dashboard(
    "network",
    "Proofgrid: network",
    (
        number("Gateways", "none", "max(proofgrid_gateways)"),
        number("Serving provers", "none", 'max(proofgrid_provers{state="serving"})'),
        number("Free slots", "none", 'max(proofgrid_prover_slots{state="free"})'),
        number("Oldest wait", "s", "max(proofgrid_lane_oldest_wait_seconds)"),
        number("Open incidents", "none", "sum(max by (kind) (proofgrid_open_incidents)) or vector(0)"),
        number("Acts in a day", "none", "sum(increase(proofgrid_incident_acts_total[1d])) or vector(0)"),
        number("Age of these facts", "s", "min(proofgrid_facts_age_seconds)"),
        one("Oldest waiting job by lane", "s", "max by (lane) (proofgrid_lane_oldest_wait_seconds)", "{{lane}}"),
        one(
            "Waiting, at or above the lowest ask",
            "none",
            "max by (lane) (proofgrid_lane_affordable_units)",
            "{{lane}}",
            says="In PU. What waits below it waits for its own price.",
        ),
        one("Waiting, all", "none", "max by (lane) (proofgrid_lane_waiting_units)", "{{lane}}", says="In PU."),
        one("Waiting jobs", "none", "max by (lane) (proofgrid_lane_waiting_jobs)", "{{lane}}"),
        one("Running", "none", "max by (lane) (proofgrid_lane_running_units)", "{{lane}}", says="In PU."),
        one("Running jobs", "none", "max by (lane) (proofgrid_lane_running_jobs)", "{{lane}}"),
        one("Sold", "none", "sum by (lane) (rate(proofgrid_sold_units_total[5m]))", "{{lane}}", says="PU a second."),
        one("Jobs sold", "ops", "sum by (lane) (rate(proofgrid_jobs_sold_total[5m]))", "{{lane}}"),
        Panel(
            "Price and lowest ask",
            "none",
            (
                ("max by (lane) (proofgrid_lane_price_base_units)", "price {{lane}}"),
                ("min by (lane) (proofgrid_lane_lowest_ask_base_units)", "ask {{lane}}"),
            ),
            "Base units per PU.",
        ),
        one("Provers", "none", "max by (state) (proofgrid_provers)", "{{state}}"),
        one("Slots", "none", "max by (state) (proofgrid_prover_slots)", "{{state}}"),
        one("Open tasks", "none", "max by (state) (proofgrid_open_tasks)", "{{state}}"),
        one("Open jobs", "none", "max by (state) (proofgrid_open_jobs)", "{{state}}"),
        Panel(
            "Tasks",
            "ops",
            (
                ("sum(rate(proofgrid_tasks_accepted_total[5m]))", "accepted"),
                ("sum by (end) (rate(proofgrid_tasks_ended_total[5m]))", "{{end}}"),
            ),
        ),
        one("Failed tasks by code", "ops", "sum by (code) (rate(proofgrid_tasks_failed_total[5m]))", "{{code}}"),
        quantiles("Acceptance to lease", "proofgrid_queue_wait_seconds"),
        quantiles("Acceptance to bundle", "proofgrid_task_seconds"),
        one(
            "Leases by end and reason",
            "ops",
            "sum by (end, reason) (rate(proofgrid_leases_ended_total[5m])) > 0",
            "{{end}} {{reason}}",
        ),
        one("Hedges", "ops", "sum(rate(proofgrid_hedges_total[5m]))", "second leases"),
        one("Proofs", "ops", "sum by (verdict) (rate(proofgrid_proofs_verified_total[5m]))", "{{verdict}}"),
        one("Money", "none", "max by (account) (proofgrid_balance_base_units)", "{{account}}", says="Base units."),
        one("Slashes", "none", "max by (kind) (proofgrid_slashes_total)", "{{kind}}"),
        one("Slashed", "none", "max(proofgrid_slashed_base_units_total)", "base units"),
        one("Ledger checks", "none", "sum by (found) (increase(proofgrid_ledger_checks_total[1h]))", "{{found}}"),
        one("Settlement stopped", "none", "max(proofgrid_settlement_stopped)", "stopped"),
        one("Repairs that wait", "none", "max(proofgrid_store_repairs_waiting)", "artifacts"),
        one("Repairs done", "ops", "sum by (copy) (rate(proofgrid_store_repairs_total[5m]))", "{{copy}}"),
        Panel(
            "Audit log",
            "none",
            (
                ("max(proofgrid_audit_entries_total)", "placed"),
                ("max(proofgrid_audit_waiting_entries)", "waiting"),
            ),
        ),
        Panel(
            "Webhooks",
            "none",
            (
                ("max(proofgrid_webhook_waiting_deliveries)", "waiting"),
                ("max(proofgrid_webhook_oldest_wait_seconds)", "oldest, seconds"),
            ),
        ),
    ),
)

GATEWAYS = Dashboard(
    "gateways",
    "Proofgrid: gateways",
    (
        one("Serving", "none", "proofgrid_serving", "{{instance}}"),
        one("Connected provers", "none", "proofgrid_connected_provers", "{{instance}}"),
        quantiles("Submit", "proofgrid_submit_seconds"),
        quantiles("Normalise", "proofgrid_normalise_seconds", "proof_system"),
        quantiles("Rounds", "proofgrid_round_seconds"),
        one("Rounds held", "ops", "sum by (lane) (rate(proofgrid_rounds_total[5m]))", "{{lane}}"),
        quantiles("Sale to its prover told", "proofgrid_lease_told_seconds"),
        quantiles("Verify", "proofgrid_verify_seconds", "proof_system"),
        quantiles("Seal", "proofgrid_seal_seconds"),
        one("Calls", "ops", "sum by (method) (rate(proofgrid_call_seconds_count[5m]))", "{{method}}"),
        one(
            "Calls, p95",
            "s",
            "histogram_quantile(0.95, sum by (le, method) (rate(proofgrid_call_seconds_bucket[5m])))",
            "{{method}}",
        ),
        one("Refused calls", "ops", "sum by (code) (rate(proofgrid_calls_refused_total[5m]))", "{{code}}"),
        one("Failed calls", "ops", "sum by (method) (rate(proofgrid_calls_failed_total[5m]))", "{{method}}"),
        one("Transactions", "ops", "sum by (name) (rate(proofgrid_transaction_seconds_count[5m]))", "{{name}}"),
        one(
            "Transactions, p95",
            "s",
            "histogram_quantile(0.95, sum by (le, name) (rate(proofgrid_transaction_seconds_bucket[5m])))",
            "{{name}}",
        ),
        one("Failed transactions", "ops", "sum by (name) (rate(proofgrid_transactions_failed_total[5m]))", "{{name}}"),
        one(
            "Time in turns",
            "percentunit",
            "sum by (name) (rate(proofgrid_loop_seconds_sum[5m]))",
            "{{name}}",
            says="Of what roles do again and again; waiting included.",
        ),
        one("Turns that met trouble", "ops", "sum by (name) (rate(proofgrid_loops_failed_total[5m]))", "{{name}}"),
        one(
            "Batch sizes, mean",
            "none",
            "sum by (of) (rate(proofgrid_batch_size_items_sum[5m]))"
            " / sum by (of) (rate(proofgrid_batch_size_items_count[5m]) > 0)",
            "{{of}}",
        ),
        one("Event loop lag", "s", "proofgrid_event_loop_lag_seconds", "{{instance}}"),
        one(
            "Oldest wait for a connection",
            "s",
            "max by (instance, urgency) (proofgrid_pool_wait_seconds)",
            "{{instance}} {{urgency}}",
        ),
        one(
            "Waits for a connection, p95",
            "s",
            "histogram_quantile(0.95, sum by (le, urgency) (rate(proofgrid_pool_waits_seconds_bucket[5m])))",
            "{{urgency}}",
        ),
        one("Submission window", "none", "proofgrid_admission_window_places", "{{instance}}"),
        one("Submissions in line", "none", "proofgrid_admission_waiting_calls", "{{instance}}"),
        one("Pressure", "none", "proofgrid_admission_pressure_ratio", "{{instance}}", says="Above 1 less is let in."),
        one("Processes", "none", "proofgrid_processes", "{{instance}}"),
        one("Processor", "none", "rate(proofgrid_process_cpu_seconds_total[5m])", "{{instance}}", says="Cores."),
        one("Memory", "bytes", "proofgrid_process_resident_bytes", "{{instance}}"),
        one("Open files", "none", "proofgrid_process_open_files", "{{instance}}"),
        Panel(
            "Certificates",
            "s",
            (
                ("proofgrid_certificate_left_seconds", "left {{instance}}"),
                ("proofgrid_certificate_age_seconds", "age {{instance}}"),
            ),
        ),
    ),
)

PROVERS = Dashboard(
    "provers",
    "Proofgrid: your provers",
    (
        one("Connected", "none", "proofgrid_prover_connected", "{{instance}}"),
        one("Slots", "none", "sum by (state) (proofgrid_prover_own_slots)", "{{state}}"),
        one("Jobs proven", "ops", "sum by (instance) (rate(proofgrid_prover_jobs_proven_total[5m]))", "{{instance}}"),
        one("Jobs failed", "ops", "sum by (reason) (rate(proofgrid_prover_jobs_failed_total[5m]))", "{{reason}}"),
        quantiles("Time of proofs", "proofgrid_prover_prove_seconds", "proof_system"),
        one(
            "Earned",
            "none",
            "sum(increase(proofgrid_prover_earned_base_units_total[1h]))",
            "base units",
            says="In the last hour, before fees.",
        ),
        one("Kept keys", "none", "proofgrid_prover_keys", "{{instance}}"),
        one("Kept keys, bytes", "bytes", "proofgrid_prover_keys_bytes", "{{instance}}"),
        one("Warm children", "none", "proofgrid_prover_warm_children", "{{instance}}"),
        one("Warm children, bytes", "bytes", "proofgrid_prover_warm_bytes", "{{instance}}"),
    ),
)

OBJECTIVES_BOARD = Dashboard(
    "objectives",
    "Proofgrid: objectives",
    tuple(
        panel
        for objective in OBJECTIVES
        for panel in (
            Panel(
                f"{objective.name}: share of bad events",
                "percentunit",
                tuple((objective.errors_in(window), window) for window in ("5m", "1h", "6h", "1d")),
                objective.says,
            ),
            number(
                f"{objective.name}: budget left of 30 days",
                "percentunit",
                f"1 - {objective.errors_in('30d')} / {objective.budget:g}",
            ),
        )
    ),
)

DASHBOARDS = (NETWORK, GATEWAYS, PROVERS, OBJECTIVES_BOARD)
