"""The files that are made of the table of metrics, with their text."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from tools.prose import in_form
from tools.watch.alerts import ALERTS, Alert
from tools.watch.grafana import dashboard_text
from tools.watch.page import with_table
from tools.watch.panels import DASHBOARDS
from tools.watch.prometheus import alertmanager_text, prometheus_text, rules_text, runbook_text
from tools.watch.promises import objectives_text

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "metrics.md"
DEPLOY = ROOT / "deploy"
RUNBOOKS = ROOT / "docs" / "runbooks"


def generated() -> dict[Path, str]:
    """Return the text of each file."""
    pages: dict[str, list[Alert]] = defaultdict(list)
    for alert in ALERTS:
        pages[alert.runbook].append(alert)
    return {
        PAGE: in_form(with_table(PAGE.read_text(encoding="utf-8"))),
        ROOT / "docs" / "objectives.md": in_form(objectives_text()),
        DEPLOY / "prometheus" / "rules.yml": rules_text(),
        DEPLOY / "prometheus" / "prometheus.yml": prometheus_text(),
        DEPLOY / "alertmanager" / "alertmanager.yml": alertmanager_text(),
        **{DEPLOY / "grafana" / f"{board.name}.json": dashboard_text(board) for board in DASHBOARDS},
        **{RUNBOOKS / f"{name}.md": in_form(runbook_text(alerts)) for name, alerts in pages.items()},
    }
