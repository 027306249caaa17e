"""`proofgrid simulate`: lists, runs, writes, and stops when asked to."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from proofgrid.cli.market import simulate
from proofgrid.simulation.attackers.attacks import ATTACKS
from proofgrid.simulation.presets import PRESETS, preset
from tests.cli.commands import proofgrid

SMALL = ("--provers", "20", "--jobs", "300", "--seed", "7", "--cases", "0")


def test_scenarios_are_listed_and_each_is_in_the_help(tmp_path: Path) -> None:
    listed = json.loads(proofgrid("simulate", "--list", "--json", home=tmp_path).stdout)
    shown = proofgrid("simulate", "--help", home=tmp_path).stdout

    assert [scenario["name"] for scenario in listed] == list(PRESETS)
    assert all(f"\n    {name} " in shown for name in PRESETS)
    assert all(name in shown for name in ATTACKS)


@pytest.mark.thorough
def test_the_same_seed_gives_the_same_bytes_and_the_report_names_its_command(tmp_path: Path) -> None:
    first, second = (proofgrid("simulate", "storm", *SMALL, "--json", home=tmp_path) for _ in range(2))

    assert first.returncode == 0, first.stderr
    assert first.stdout == second.stdout
    report = json.loads(first.stdout)
    again = proofgrid(*report["command"].split()[1:], "--json", home=tmp_path)
    assert again.stdout == first.stdout


@pytest.mark.thorough
def test_a_report_is_written_for_people_and_for_programs(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    arguments = ("--provers", "20", "--jobs", "300", "--load", "50", "--deadline", "200", "--cases", "1")
    attackers = ("--attackers", "junk-job,hoarding")
    done = proofgrid("simulate", "liars", *arguments, *attackers, "--out", str(tmp_path / "report"), home=tmp_path)

    assert done.returncode == 0, done.stderr
    assert "all accounts add up to 0" in done.stdout
    report = json.loads((tmp_path / "report" / simulate.REPORT_JSON).read_text())
    assert report["scenario"]["load_permille"] == 500
    assert {row["strategy"] for row in report["deviations"]} > {"shading", "lazy", "splitting"}
    assert [row["attacker"] for row in report["attackers"]] == ["junk-job", "hoarding"]
    assert report["command"].endswith("--cases 1 --attackers junk-job,hoarding")
    assert "clients lose" in done.stdout
    page = (tmp_path / "report" / simulate.REPORT_HTML).read_text()
    assert page.startswith("<!doctype html>")
    assert "takes eight times its slots" in page


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ((), "PG-101 [scenario]"),
        (("nope",), "PG-101 [scenario] no scenario 'nope'"),
        (("quiet", "--provers", "0"), "PG-101 [provers]"),
        (("quiet", "--load", "0"), "PG-101 [load_permille]"),
        (("quiet", "--attackers", "nobody"), "PG-101 [attackers] no attacker 'nobody'"),
        (("quiet", "--deadline", "0"), "PG-101 [deadline_ms]"),
    ],
)
def test_what_cannot_be_simulated_is_refused_with_its_name(
    arguments: tuple[str, ...], complaint: str, tmp_path: Path
) -> None:
    refused = proofgrid("simulate", *arguments, home=tmp_path)

    assert refused.returncode == 1
    assert refused.stderr.startswith(complaint)


def test_a_file_in_the_place_of_the_folder_is_refused_before_the_run(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    (tmp_path / "taken").write_text("")

    refused = proofgrid("simulate", "quiet", "--out", str(tmp_path / "taken"), home=tmp_path)

    assert refused.returncode == 1
    assert "is a file, not a folder" in refused.stderr


def test_ctrl_c_is_a_wish_and_the_second_one_an_order() -> None:
    with simulate._until_ctrl_c() as stop:
        signal.raise_signal(signal.SIGINT)
        assert stop.wanted
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_a_run_that_was_stopped_gives_a_report_that_says_so() -> None:
    report = simulate._simulate(preset("quiet"), 1, tuple(ATTACKS), simulate.Stop(wanted=True))

    assert not report["complete"]
    assert report["totals"]["rounds"] == 1
    assert report["money"]["sum"] == 0
