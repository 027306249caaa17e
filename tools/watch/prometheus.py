"""Rules and configuration as Prometheus and Alertmanager read them, and unit tests of the rules for promtool."""

from __future__ import annotations

import json
from collections.abc import Iterator

from tools.watch.alerts import ALERTS, Alert
from tools.watch.objectives import OBJECTIVES, WINDOWS

MADE = "# Made by `python -m tools.watch`.\n"
RUNBOOKS = "docs/runbooks"


def rules_text() -> str:
    """Return the recorded shares of bad events, and the alerts."""
    return MADE + "\n".join(_rules()) + "\n"


def _rules() -> Iterator[str]:
    yield "groups:"
    yield "  - name: proofgrid-objectives"
    yield "    interval: 30s"
    yield "    rules:"
    for objective in OBJECTIVES:
        for window in WINDOWS:
            yield f"      - record: {objective.errors_in(window)}"
            yield f"        expr: {_quoted(objective.record(window))}"
    yield "  - name: proofgrid-alerts"
    yield "    rules:"
    for alert in ALERTS:
        yield from _alert(alert)


def _alert(alert: Alert) -> Iterator[str]:
    yield f"      - alert: {alert.name}"
    yield f"        expr: {_quoted(alert.expression)}"
    yield f"        for: {alert.holds}"
    yield "        labels:"
    yield f"          severity: {alert.severity}"
    yield "        annotations:"
    yield f"          summary: {_quoted(alert.summary)}"
    yield f"          runbook: {RUNBOOKS}/{alert.runbook}.md"


def prometheus_text() -> str:
    """Return a configuration that scrapes a gateway and a prover of this machine."""
    return (
        MADE
        + """\
global:
  scrape_interval: 15s
  evaluation_interval: 30s
rule_files:
  - rules.yml
alerting:
  alertmanagers:
    - static_configs:
        - targets: ["127.0.0.1:9093"]
scrape_configs:
  - job_name: proofgrid
    # Beyond this machine: scheme: https, and authorization: {credentials_file: …} with PROOFGRID_METRICS_TOKEN in it.
    static_configs:
      - targets: ["127.0.0.1:9464"] # --metrics of each gateway
  - job_name: proofgrid-provers
    static_configs:
      - targets: ["127.0.0.1:9465"] # --metrics of each prover
"""
    )


def alertmanager_text() -> str:
    """Return a configuration in which what pages goes to one address and what can wait to another, a day's together."""
    return (
        MADE
        + """\
# Put your own addresses and relay in: these are for examples.
global:
  smtp_smarthost: 127.0.0.1:25
  smtp_from: proofgrid@example.org
  smtp_require_tls: false # of a relay on this machine
route:
  receiver: tickets
  group_by: [alertname, lane]
  group_wait: 30s
  group_interval: 5m
  repeat_interval: 24h
  routes:
    - receiver: on-call
      matchers: [severity="page"]
      repeat_interval: 1h
inhibit_rules:
  # A gateway that is gone is one page, not ten.
  - source_matchers: [alertname="ProofgridGatewayDown"]
    target_matchers: [alertname=~"ProofgridNotServing|ProofgridEventLoopLate|ProofgridPoolExhausted"]
    equal: [instance]
  # Of two that burn the same budget the faster one is told.
  - source_matchers: [severity="page"]
    target_matchers: [severity="ticket"]
    equal: [alertname]
receivers:
  - name: on-call
    email_configs:
      - to: on-call@example.org
        send_resolved: true
  - name: tickets
    email_configs:
      - to: operations@example.org
"""
    )


def runbook_text(alerts: list[Alert]) -> str:
    """Return the page of an alert, or of several that mean the same."""
    first = alerts[0]
    lines = [f"# {first.runbook}", "", MADE.strip("# \n"), "", first.means, ""]
    lines += ["| alert | fires while | for | how |", "|---|---|---|---|"]
    for alert in alerts:
        expression = alert.expression.replace("|", "\\|")
        lines.append(f"| {alert.name} | `{expression}` | {alert.holds} | {alert.severity} |")
    lines += ["", "## Look", "", *(f"* {one}" for one in first.look)]
    lines += ["", "## Act", "", *(f"* {one}" for one in first.act), ""]
    return "\n".join(lines)


def _quoted(text: str) -> str:
    return json.dumps(text)  # which YAML reads as well
