"""When somebody is told, and what they should know then: the rule and its runbook page are one entry."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tools.watch.incident_alerts import OF_INCIDENTS
from tools.watch.objectives import BURNS, OBJECTIVES, Burn, Objective


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """`expression` holds for `holds`, then `severity` says how: page (now) or ticket (today)."""

    name: str
    expression: str
    holds: str
    severity: str
    summary: str  #: one line, with {{ $labels.… }} and {{ $value }}
    means: str
    look: tuple[str, ...]
    act: tuple[str, ...]
    page: str = ""  #: the runbook page, where several alerts share one

    @property
    def runbook(self) -> str:
        """The name of its page below docs/runbooks."""
        return self.page or self.name


_LIST = (
    Alert(
        name="ProofgridGatewayDown",
        expression='up{job="proofgrid"} == 0',
        holds="1m",
        severity="page",
        summary="{{ $labels.instance }} answers no scrape.",
        means="The process is gone, hangs, or cannot be reached from Prometheus.",
        look=(
            "`proofgrid gateway --check` with its settings.",
            "The end of its log; exit code 75: its database or a sibling died again and again (PG-302, PG-303).",
        ),
        act=(
            "Start it again; what was accepted is in the database.",
            "Provers and clients go to the other gateways meanwhile.",
        ),
    ),
    Alert(
        name="ProofgridNotServing",
        expression="proofgrid_serving == 0",
        holds="1m",
        severity="page",
        summary="{{ $labels.instance }} cannot serve: its database is away, or it closes.",
        means="Calls are told to try again (PG-301); nothing is lost, and leases wait for the database.",
        look=(
            "`not_serving` in the log, with the reason.",
            "PostgreSQL: is it up, are connections left, is its disk full?",
        ),
        act=("Bring the database back; the gateway goes on by itself.",),
    ),
    Alert(
        name="ProofgridFactsMissing",
        expression="absent(proofgrid_facts_age_seconds) or min(proofgrid_facts_age_seconds) > 120",
        holds="5m",
        severity="ticket",
        summary="No gateway has counted the network for minutes: lanes, provers and money are not watched.",
        means="The census of every gateway fails, takes longer than ten seconds, or none runs with --metrics.",
        look=("`census_postponed` in the logs.", "Does every gateway have `--metrics`, and is each of them scraped?"),
        act=("Run `VACUUM ANALYZE jobs, leases, accounts` where statements are slow.",),
    ),
    Alert(
        name="ProofgridLaneStarves",
        expression=(
            "max by (lane) (proofgrid_lane_oldest_wait_seconds) > 600"
            " and max by (lane) (proofgrid_lane_affordable_units) > 0"
        ),
        holds="5m",
        severity="page",
        summary="A job of {{ $labels.lane }} that pays what is asked waits {{ $value | humanizeDuration }}.",
        means="Somebody serves the lane at the price, and nothing is sold: all are busy, or nobody can have the job.",
        look=(
            "`proofgrid watch TASK` of the oldest task says what its jobs wait for.",
            "Free slots on the dashboard of the network; `proofgrid status` for provers that are paused or silent.",
        ),
        act=(
            "Bring more provers, or larger ones.",
            "Where provers were paused, see why: `proofgrid operators`.",
        ),
    ),
    Alert(
        name="ProofgridLaneUnserved",
        expression=(
            "max by (lane) (proofgrid_lane_waiting_jobs) > 0"
            " unless max by (lane) (proofgrid_lane_lowest_ask_base_units) > 0"
        ),
        holds="15m",
        severity="ticket",
        summary="Jobs wait in {{ $labels.lane }}, which nobody serves.",
        means="No connected prover proves this system and class in this subnetwork.",
        look=("`proofgrid status`: who is connected, and what do they offer?",),
        act=("Start a prover that offers it, or tell the clients.",),
    ),
    Alert(
        name="ProofgridSettlementStopped",
        expression="max(proofgrid_settlement_stopped) > 0",
        holds="0m",
        severity="page",
        summary="The ledger does not add up: nothing is paid until an administrator closes the incident.",
        means="The ledger check found money that was made or lost; proofs wait, and their provers say them again.",
        look=("`proofgrid admin incident list`, and `proofgrid admin check-ledger`.",),
        act=(
            "Find the cause before anything else; take a backup.",
            "`proofgrid admin incident close` once it is mended.",
        ),
    ),
    Alert(
        name="ProofgridLedgerUnchecked",
        expression="sum(increase(proofgrid_ledger_checks_total[1h])) < 1",
        holds="15m",
        severity="page",
        summary="Nobody has looked at the ledger for an hour.",
        means="No gateway with the role settlement runs, or its look fails.",
        look=("The log: `ledger_check` and its reasons.", "`--roles` of the gateways."),
        act=("Start a gateway with the role settlement.",),
    ),
    Alert(
        name="ProofgridOpenIncident",
        expression="max by (kind) (proofgrid_open_incidents) > 0",
        holds="5m",
        severity="ticket",
        summary="An incident of kind {{ $labels.kind }} is open.",
        means="The network found something that an administrator has to look at and close.",
        look=("`proofgrid admin incident list`.",),
        act=("Mend what it names, then `proofgrid admin incident close`.",),
    ),
    *[
        Alert(
            name=name,
            expression=f'max by (kind) (proofgrid_open_incidents{{kind=~"{kinds}"}}) > 0',
            holds="0m",
            severity=severity,
            summary=summary,
            means=means,
            look=("`proofgrid admin incident list`: which, since when, what was done, and when it ends.", *look),
            act=act,
        )
        for name, kinds, severity, summary, means, look, act in OF_INCIDENTS
    ],
    Alert(
        name="ProofgridInvalidProofs",
        expression='sum(rate(proofgrid_proofs_verified_total{verdict="invalid"}[10m])) * 600 > 10',
        holds="0m",
        severity="page",
        summary="{{ $value | humanize }} proofs in ten minutes did not verify.",
        means="A prover lies or its engine is broken; each of them was refused and none was paid.",
        look=(
            "`result_refused` in the logs: one prover, or one engine version at many operators?",
            "`proofgrid admin evidence list`.",
        ),
        act=(
            "One operator: take its role.",
            "One version of an engine everywhere: `proofgrid admin engine stop`, which refunds its open tasks.",
        ),
    ),
    Alert(
        name="ProofgridProversLost",
        expression=(
            'sum(rate(proofgrid_leases_ended_total{reason="prover_lost"}[10m]))'
            " / (sum(rate(proofgrid_leases_ended_total[10m])) > 0) > 0.2"
        ),
        holds="10m",
        severity="ticket",
        summary="{{ $value | humanizePercentage }} of leases end because their prover went silent.",
        means="Provers or the way to them fail: a region, a network, a release.",
        look=("Which provers and regions: `lease_ended` in the logs, `proofgrid status`.",),
        act=("Nothing is lost: the jobs are sold again.", "Ask the operators."),
    ),
    Alert(
        name="ProofgridNoProver",
        expression='max(proofgrid_provers{state="serving"}) == 0 and max(proofgrid_open_jobs{state="ready"}) > 0',
        holds="2m",
        severity="page",
        summary="Jobs wait, and no prover serves.",
        means="All provers are gone, silent, paused or draining.",
        look=(
            "`proofgrid status`.",
            "Did all of them leave at once? Then look at the network and at what was rolled out.",
        ),
        act=("Start provers.",),
    ),
    Alert(
        name="ProofgridRefusesWork",
        expression='sum(rate(proofgrid_calls_refused_total{code="PG-429"}[5m])) > 1',
        holds="10m",
        severity="ticket",
        summary="{{ $value | humanize }} calls a second are told that the gateway is busy.",
        means="More comes than the gateway can take; it lets in what it can serve in time.",
        look=("What is late: pressure, event loop, waits for connections, workers (dashboard of gateways).",),
        act=("More processes (`--processes auto`), more workers, another gateway.",),
    ),
    Alert(
        name="ProofgridCallsFail",
        expression="sum by (method) (rate(proofgrid_calls_failed_total[5m])) > 0",
        holds="10m",
        severity="ticket",
        summary="Calls of {{ $labels.method }} end with a mistake of ours.",
        means="An error that no caller can cause by rule; the caller was told that the log says why.",
        look=("`call_failed` in the log, with its trace.",),
        act=("Report it with the trace.",),
    ),
    Alert(
        name="ProofgridEventLoopLate",
        expression="max by (instance) (max_over_time(proofgrid_event_loop_lag_seconds[5m])) > 1",
        holds="10m",
        severity="ticket",
        summary="The event loop of {{ $labels.instance }} was {{ $value | humanizeDuration }} late.",
        means="The process gets too little processor time, or something blocks it.",
        look=("Load of the machine.", "`proofgrid_process_cpu_seconds_total`: one core is all that a process can use."),
        act=("`--processes auto`, or fewer neighbours on the machine.",),
    ),
    Alert(
        name="ProofgridPoolExhausted",
        expression="max by (instance, urgency) (proofgrid_pool_wait_seconds) > 5",
        holds="2m",
        severity="ticket",
        summary="{{ $labels.urgency }} at {{ $labels.instance }} waits {{ $value | humanizeDuration }} for its turn.",
        means="All connections of the process are in use by what is as urgent, or PostgreSQL answers slowly.",
        look=("Slow transactions on the dashboard of gateways; `pg_stat_activity`.",),
        act=("`--database-connections`; PostgreSQL's own disk and processor.",),
    ),
    Alert(
        name="ProofgridRepairsWait",
        expression="max(proofgrid_store_repairs_waiting) > 100",
        holds="30m",
        severity="ticket",
        summary="{{ $value | humanize }} artifacts have one copy only.",
        means="The second store is away, or slower than what comes.",
        look=("`second_copy_postponed` and `repair_postponed` in the logs.",),
        act=("Bring the second store back; copies are made by themselves.",),
    ),
    Alert(
        name="ProofgridAuditWaits",
        expression="max(proofgrid_audit_waiting_entries) > 1000",
        holds="10m",
        severity="ticket",
        summary="{{ $value | humanize }} entries of the audit log have no place yet.",
        means="Nobody gives them places: no checkpoint covers them.",
        look=("`audit_log` in the logs.",),
        act=("Start a gateway again; any of them does it.",),
    ),
    Alert(
        name="ProofgridCertificateEnds",
        expression="min by (instance, certificate) (proofgrid_certificate_left_seconds) < 14 * 86400",
        holds="1h",
        severity="ticket",
        summary="The certificate of {{ $labels.instance }} ends in {{ $value | humanizeDuration }}.",
        means="Afterwards nobody can connect.",
        look=("The file of `--tls-certificate`, and who renews it.",),
        act=("Renew it, and put the new one and its key in the place of the old ones: the next connection gets it.",),
    ),
    Alert(
        name="ProofgridWebhooksWait",
        expression="max(proofgrid_webhook_oldest_wait_seconds) > 3600",
        holds="10m",
        severity="ticket",
        summary="A webhook waits for {{ $value | humanizeDuration }} to arrive.",
        means="A receiver is away, or no gateway delivers.",
        look=("Whose: the deliveries of the endpoint.",),
        act=("One receiver: its owner has to act. All: start a gateway again.",),
    ),
)


def _burning(objective: Objective, burn: Burn) -> Alert:
    words = objective.name.title().replace("_", "")
    return Alert(
        name=f"Proofgrid{words}Burns{burn.long}",
        expression=burn.expression(objective),
        holds="2m" if burn.severity == "page" else "15m",
        severity=burn.severity,
        summary=f"Objective {objective.name} fails {burn.said}.",
        means=f"{objective.says} Its error budget of {DAYS_TEXT} burns too fast.",
        look=(
            "The dashboard of objectives: since when, and which of them?",
            "What changed then: releases, provers that left, a burst of submissions.",
        ),
        act=(
            "See the other alerts that fire; they name the cause.",
            "Where the promise is wrong, change it in `tools/watch/objectives.py`.",
        ),
        page=f"Proofgrid{words}Burns",
    )


DAYS_TEXT = "30 days"


def _all() -> Iterator[Alert]:
    yield from _LIST
    for objective in OBJECTIVES:
        for burn in BURNS:
            yield _burning(objective, burn)


ALERTS: tuple[Alert, ...] = tuple(_all())
