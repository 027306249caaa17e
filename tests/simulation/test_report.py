"""The report for people and for programs."""

from __future__ import annotations

import json
import re
from xml.etree import ElementTree

import pytest

from proofgrid.simulation import plots
from proofgrid.simulation.html import html_of
from proofgrid.simulation.lies import Lies
from proofgrid.simulation.pairs import compare
from proofgrid.simulation.plots import PlotsMissing, check_plots, plots_of
from proofgrid.simulation.report import Report, report_of
from proofgrid.simulation.scenario import Strategy
from proofgrid.simulation.windows import Windows
from proofgrid.simulation.world import World
from tests.simulation.worlds import a_run, a_scenario


@pytest.fixture(scope="module")
def report() -> Report:
    scenario = a_scenario(strategies={Strategy.LAZY: 100}, flood_permille=200)
    lies = Lies(seed=1, every=5)
    world = a_run(scenario, watch=Windows(every=5))
    a_run(a_scenario(), watch=lies)
    comparisons = compare(scenario, cases=2, strategies=(Strategy.SHADING, Strategy.COLLUDING))
    return report_of(world, comparisons=comparisons, lies=lies, cases=2)


def test_a_report_says_what_happened(report: Report) -> None:
    assert report == json.loads(json.dumps(report))
    assert report["complete"]
    assert report["command"].endswith("--seed 1 --cases 2")
    assert report["money"]["sum"] == 0
    assert report["money"]["checked_rounds"] == report["totals"]["rounds"]
    assert sum(row["jobs"] for row in report["classes"]) == sum(report["totals"]["jobs"].values())
    assert [row["who"] for row in report["clients"]] == ["flooding client", "all others"]
    assert {row["strategy"] for row in report["strategies"]} == {"honest", "lazy"}
    for row in report["classes"]:
        assert 0 < row["utilisation"] <= 1
        assert row["waiting_ms"]["p50"] <= row["waiting_ms"]["p90"] <= row["waiting_ms"]["p99"]
        assert row["buy_price_mean"] >= row["sell_price_mean"]


def test_no_round_is_better_than_the_best(report: Report) -> None:
    assert report["welfare"]["windows"] > 5
    for *_, got, best in report["welfare"]["rows"]:
        assert got <= best


def test_every_deviation_is_told_with_its_cases(report: Report) -> None:
    rows = report["deviations"]

    assert [row["strategy"] for row in rows] == ["shading", "colluding"]
    for row in rows:
        assert [seed for seed, *_ in row["pairs"]] == [1, 2]
        assert 0 <= row["pays_share"] <= 1


def test_the_report_of_a_stopped_run_says_so() -> None:
    world = World(a_scenario())
    complete = world.run(should_stop=lambda: True)

    report = report_of(world, complete=complete)

    assert not report["complete"]
    assert report["totals"]["jobs_open"] > 0
    assert "this report is partial" in html_of(report, {})


@pytest.mark.thorough
def test_the_page_needs_nothing_but_itself(report: Report) -> None:
    pytest.importorskip("matplotlib")
    drawn = plots_of(report)
    page = html_of(report, drawn)

    assert set(drawn) == {"utilisation", "prices", "waiting", "welfare", "deviations", "treasury"}
    for svg in drawn.values():
        ElementTree.fromstring(svg)  # noqa: S314 - our own text
        assert svg in page
    assert "<script" not in page
    assert not re.search(r"(src|href)=\"(?!#)", page.replace("xlink:href", "href"))
    assert plots_of(report) == drawn  # the same report is the same page
    for heading in ("Whole runs in pairs", "Lies in one round", "Griefing", "Who earned what", "Money", "Settings"):
        assert heading in page


def test_without_matplotlib_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plots, "find_spec", lambda _name: None)

    with pytest.raises(PlotsMissing, match="matplotlib") as caught:
        check_plots()

    assert "pip install 'proofgrid[plots]'" in caught.value.hint
