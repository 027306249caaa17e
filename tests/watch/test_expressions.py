"""Every panel, rule and alert asks for what there is; each alert's page names commands that exist."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import typer

from proofgrid.cli.main import whole_command_line
from proofgrid.telemetry.metrics.table import METRICS
from tools.watch.alerts import ALERTS
from tools.watch.objectives import OBJECTIVES, WINDOWS
from tools.watch.panels import DASHBOARDS
from tools.watch.promql import faults_of, selectors_of

RECORDED = frozenset(one.errors_in(window) for one in OBJECTIVES for window in WINDOWS)


def expressions() -> Iterator[tuple[str, str]]:
    """Yield every expression, with where it stands."""
    for board in DASHBOARDS:
        for panel in board.panels:
            yield from ((f"{board.name}: {panel.title}", query) for query, _ in panel.queries)
    yield from ((one.name, one.expression) for one in ALERTS)
    yield from ((one.errors_in(window), one.record(window)) for one in OBJECTIVES for window in WINDOWS)


def test_every_expression_asks_for_metrics_labels_values_and_buckets_that_there_are() -> None:
    faults = [f"{where}: {fault}" for where, expression in expressions() for fault in faults_of(expression, RECORDED)]
    assert faults == []


@pytest.mark.parametrize(
    ("expression", "fault"),
    [
        ("sum(proofgrid_lane_price)", "is no metric"),
        ("rate(proofgrid_hedges_total_total[5m])", "is no metric"),
        ("proofgrid_hedges_total_bucket", "is no metric"),
        ('proofgrid_provers{lane="x"}', "has no label lane"),
        ('proofgrid_provers{state="asleep"}', "state of proofgrid_provers is never asleep"),
        ('proofgrid_tasks_ended_total{end=~"done|lost"}', "is never lost"),
        ('rate(proofgrid_submit_seconds_bucket{le="0.3"}[5m])', "has no bucket 0.3"),
        ('rate(proofgrid_submit_seconds_bucket{le="1"}[5m])', "has no bucket 1"),
        ("rate(proofgrid_submit_seconds[5m])", "_bucket, _sum or _count"),
        ("rate(proofgrid_open_tasks[5m])", "goes up and down"),
        ("sum by (lane) (proofgrid_provers)", "nothing in it has the label lane"),
        ("proofgrid:submit:errors_ratio_rate7m", "recorded by no rule"),
    ],
)
def test_what_is_not_there_is_told(expression: str, fault: str) -> None:
    assert any(fault in one for one in faults_of(expression, RECORDED)), faults_of(expression, RECORDED)


def test_every_metric_is_drawn_or_watched() -> None:
    asked = {selector.partition("{")[0] for _, expression in expressions() for selector in selectors_of(expression)}
    bare = asked | {re.sub("_(bucket|sum|count)$", "", name) for name in asked}
    assert sorted(set(METRICS) - bare) == []


def test_names_of_alerts_and_panels_stand_once() -> None:
    names = [one.name for one in ALERTS]
    assert sorted(set(names)) == sorted(names)
    for board in DASHBOARDS:
        titles = [panel.title for panel in board.panels]
        assert sorted(set(titles)) == sorted(titles)


def test_every_command_that_a_runbook_names_exists() -> None:
    words = [
        word
        for alert in ALERTS
        for text in (*alert.look, *alert.act)
        for word in re.findall("`proofgrid ([^`]+)`", text)
    ]
    assert words
    root = typer.main.get_command(whole_command_line())
    for command in words:
        where: object = root
        for word in command.split():
            if word.startswith("-") or word.isupper():
                continue
            found = getattr(where, "commands", {})
            assert word in found, f"proofgrid {command}"
            where = found[word]
