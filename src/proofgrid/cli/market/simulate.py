"""`proofgrid simulate`: the network's own rules in a world made of chance, with a report."""

from __future__ import annotations

import itertools
import json as jsonlib
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from proofgrid.cli.kit.console import complain, print_json, print_table, say, stderr
from proofgrid.cli.kit.failures import EXIT_INTERRUPTED
from proofgrid.cli.kit.options import JsonOption
from proofgrid.primitives.errors import InvalidField

if TYPE_CHECKING:
    from proofgrid.simulation.report import Report
    from proofgrid.simulation.scenario import Scenario

CASES = 8
SMALL_PROVERS, SMALL_JOBS = 60, 4_000  #: the world whose sealed books are cleared again with liars
REPORT_JSON, REPORT_HTML = "report.json", "report.html"


def add_to(cli: typer.Typer) -> None:
    cli.command("simulate", short_help="Run the rules in a simulated market, with a report.")(run)


ScenarioArgument = Annotated[str, typer.Argument(metavar="[SCENARIO]", help="A name below, or of --list.")]
Provers = Annotated[int | None, typer.Option("--provers", metavar="N", help="How many machines.")]
Jobs = Annotated[int | None, typer.Option("--jobs", metavar="N", help="How many jobs.")]
Clients = Annotated[int | None, typer.Option("--clients", metavar="N", help="How many clients.")]
Seed = Annotated[int | None, typer.Option("--seed", metavar="N", help="The same seed, the same report.")]
Load = Annotated[
    int | None, typer.Option("--load", metavar="N", help="Work that clients want, in % of what provers can do.")
]
Deadline = Annotated[
    int | None, typer.Option("--deadline", metavar="SECONDS", help="How long clients wait for a proof, on average.")
]
Cases = Annotated[
    int, typer.Option("--cases", min=0, metavar="N", help="Pairs of small runs per strategy; 0: no liars.")
]
Attackers = Annotated[
    str, typer.Option("--attackers", metavar="NAMES", help="all, none, or some of those below, with commas.")
]
Out = Annotated[Path | None, typer.Option("--out", metavar="DIR", help=f"Write {REPORT_JSON} and {REPORT_HTML} there.")]


def run(
    scenario: ScenarioArgument = "",
    show: Annotated[bool, typer.Option("--list", help="List the scenarios and end.")] = False,
    provers: Provers = None,
    jobs: Jobs = None,
    clients: Clients = None,
    seed: Seed = None,
    load: Load = None,
    deadline: Deadline = None,
    cases: Cases = CASES,
    attackers: Attackers = "all",
    out: Out = None,
    json: JsonOption = False,
) -> None:
    """Simulate a market: machines, failures, clients and liars around the same rules that the network runs.

    A report tells utilisation, waiting times, prices, welfare against the exact optimum, what liars earn against
    honesty, and where all the money is. The same seed gives the same report to the byte. Ctrl-C ends the run early
    and still reports what happened until then.

    Attackers are tried in small live markets, as many as there are cases: the report tells what each earns against the
    same owner being honest, and what honest clients and operators lose by it. Scenarios:

    \b
      market-day  demand swings like day and night, everybody is honest
      quiet       few jobs for many provers
      scarce      a third more work than anybody can do
      bursts      half of all jobs in four bursts, heavy-tailed sizes
      liars       one prover in three lies, in seven ways
      griefing    a buyer tries to block every round
      flood       one client sends half of all jobs
      storm       machines fail, run late, join and leave

    Attackers:

    \b
      junk-job, junk-exclusions, hopeless-bids, paid-lane   a client's junk
      phantom-supply, sybil-names, hoarding                 slots that are not there
      blame-store, blame-network, declining                 leases handed back
      shading, patience                                     waiting for a better price

    The HTML report needs matplotlib: pip install 'proofgrid[plots]'.

    \b
    Example:
      proofgrid simulate --list
      proofgrid simulate market-day --out report/
      proofgrid simulate market-day --provers 10000 --jobs 1000000 --seed 7 --out report/
      proofgrid simulate quiet --attackers junk-job,hoarding --cases 20
      proofgrid simulate liars --cases 0 --json
    """
    from proofgrid.simulation.attackers.attacks import parse_attackers
    from proofgrid.simulation.presets import PRESETS

    if show:
        _list(PRESETS, as_json=json)
        return
    tried = parse_attackers(attackers)
    chosen = _chosen(scenario, provers=provers, jobs=jobs, clients=clients, seed=seed, load=load, deadline=deadline)
    _run(chosen, cases, tried, out, json=json)


def _run(chosen: Scenario, cases: int, attackers: Sequence[str], out: Path | None, *, json: bool) -> None:
    if out is not None:
        _prepare(out)
    with _until_ctrl_c() as stop:
        report = _simulate(chosen, cases, attackers, stop)
    if out is not None:
        _write(report, out)
    if json:
        print_json(report)
    else:
        _tell(report, out)
    if stop.wanted:
        complain("Interrupted: the report is partial, and says so.")
        raise typer.Exit(EXIT_INTERRUPTED)


def _chosen(name: str, *, load: int | None, deadline: int | None, **changes: int | None) -> Scenario:
    """Return the scenario of this name with what was given on the command line."""
    from proofgrid.simulation.presets import preset

    if not name:
        raise InvalidField("which scenario?", field="scenario", hint="see proofgrid simulate --list")
    changes["load_permille"] = None if load is None else load * 10
    changes["deadline_ms"] = None if deadline is None else deadline * 1_000
    wanted: dict[str, Any] = {one: value for one, value in changes.items() if value is not None}
    return replace(preset(name), **wanted)


def _list(presets: dict[str, Scenario], *, as_json: bool) -> None:
    if as_json:
        print_json([scenario.as_json() for scenario in presets.values()])
        return
    rows = [
        (one.name, f"{one.provers:,}", f"{one.jobs:,}", f"{one.load_permille // 10}%", one.summary)
        for one in presets.values()
    ]
    print_table(("scenario", "provers>", "jobs>", "load>", "what it shows"), rows, empty="")


def _simulate(scenario: Scenario, cases: int, attackers: Sequence[str], stop: Stop) -> Report:
    from proofgrid.simulation.attackers.earnings import attack_earnings, plays_of
    from proofgrid.simulation.lies import Lies
    from proofgrid.simulation.pairs import compare, runs_of
    from proofgrid.simulation.report import report_of
    from proofgrid.simulation.windows import Windows
    from proofgrid.simulation.world import World

    world = World(scenario, watch=Windows())
    with _bar("market", scenario.jobs, unit="events/s") as show:
        complete = world.run(
            should_stop=lambda: stop.wanted,
            progress=lambda now: show(scenario.jobs - now.open_jobs, now.clock.facts),
        )
    if not cases or not complete:
        return report_of(world, cases=cases, attackers=attackers, complete=complete)

    small = replace(scenario, provers=min(scenario.provers, SMALL_PROVERS), jobs=min(scenario.jobs, SMALL_JOBS))
    small = replace(small, strategies={}, griefing=False, shading_clients_permille=0)
    lies = Lies(seed=scenario.seed)
    with _bar("lies", small.jobs, unit="events/s") as show:
        other = World(small, watch=lies)
        complete = other.run(
            should_stop=lambda: stop.wanted, progress=lambda now: show(small.jobs - now.open_jobs, now.clock.facts)
        )
    with _bar("pairs", runs_of(cases), unit="runs/s") as show:
        comparisons = compare(scenario, cases=cases, should_stop=lambda: stop.wanted, progress=_counting(show))
    with _bar("attacks", plays_of(attackers, cases), unit="markets/s") as show:
        attacks = attack_earnings(
            attackers,
            seed=scenario.seed,
            cases=cases,
            should_stop=lambda: stop.wanted,
            progress=_counting(show),
        )
    return report_of(
        world,
        comparisons=comparisons,
        lies=lies,
        attacks=attacks,
        cases=cases,
        attackers=attackers,
        complete=complete and not stop.wanted,
    )


def _counting(show: Callable[[int, int], None]) -> Callable[[], None]:
    """Return what is called for each of many things that are done."""
    numbers = itertools.count(1)

    def another() -> None:
        done = next(numbers)
        show(done, done)

    return another


# --- output ------------------------------------------------------------------------------------------


def _prepare(out: Path) -> None:
    """Find out before a long run that its report cannot be written."""
    from proofgrid.simulation.plots import check_plots

    check_plots()
    try:
        out.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise InvalidField(f"{out} is a file, not a folder", field="out") from None


def _write(report: Report, out: Path) -> None:
    from proofgrid.simulation.html import html_of
    from proofgrid.simulation.plots import plots_of

    (out / REPORT_JSON).write_text(jsonlib.dumps(report, indent=1) + "\n", encoding="utf-8")
    (out / REPORT_HTML).write_text(html_of(report, plots_of(report)), encoding="utf-8")


def _tell(report: Report, out: Path | None) -> None:
    totals, welfare, money = report["totals"], report["welfare"], report["money"]
    endings = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in totals["jobs"].items())
    say(f"{report['scenario']['name']}: {endings}; {totals['rounds']:,} rounds, {totals['events']:,} events.")
    rows = [
        (
            row["class"],
            row["provers"],
            row["jobs"],
            row["proven"],
            f"{row['utilisation']:.0%}",
            *(_seconds(row["waiting_ms"][share]) for share in ("p50", "p90", "p99")),
            row["buy_price_mean"],
            row["sell_price_mean"],
        )
        for row in report["classes"]
    ]
    columns = ("class", "provers>", "jobs>", "proven>", "in use>", "wait p50>", "p90>", "p99>", "price>", "operators>")
    print_table(columns, rows, empty="")
    if welfare["windows"]:
        say(f"Welfare: {welfare['of_all_windows_together']:.1%} of the best, in {welfare['windows']} books.")
    if report["deviations"]:
        say("One machine changes its strategy, the rest of the world stays the same (share of what honesty earns):")
        deviations = [
            (
                row["strategy"],
                row["cases"],
                *_gain(row),
                f"{row['pays_share']:.0%}",
            )
            for row in report["deviations"]
        ]
        print_table(("strategy", "cases>", "earns beyond>", "95%>", "pays in>"), deviations, empty="")
    _tell_attackers(report)
    for row in report["griefing"]:
        say(f"Griefing, {row['rule']}: {row['stopped']} of {row['rounds']} rounds stopped.")
    say(f"Money: all accounts add up to {money['sum']}, checked in {money['checked_rounds']:,} rounds.")
    if out is not None:
        say(f"Report: {out / REPORT_HTML} and {out / REPORT_JSON}", style="bold")
    say(f"Again: {report['command']}")


def _gain(row: Mapping[str, Any]) -> tuple[str, str]:
    """Return a share and its confidence as two cells; no confidence where there are too few cases."""
    confidence = row["gain_share_95"]
    return f"{row['gain_share']:+.1%}", "" if confidence is None else f"± {confidence:.1%}"


def _tell_attackers(report: Report) -> None:
    if not report["attackers"]:
        return
    say("One owner attacks small live markets (shares of what it, and the others, have while it is honest):")
    rows = [
        (
            row["attacker"],
            row["cases"],
            *_gain(row),
            f"{row['clients_lose_share']:+.1%}",
            f"{row['operators_lose_share']:+.1%}",
            row["jobs_ended_unproven"],
        )
        for row in report["attackers"]
    ]
    columns = ("attacker", "cases>", "earns beyond>", "95%>", "clients lose>", "operators lose>", "jobs ended>")
    print_table(columns, rows, empty="")


def _seconds(milliseconds: int | None) -> str:
    return "" if milliseconds is None else f"{milliseconds / 1_000:.1f} s"


# --- while it runs -----------------------------------------------------------------------------------


@dataclass(slots=True)
class Stop:
    """Whether somebody pressed Ctrl-C."""

    wanted: bool = False


@contextmanager
def _until_ctrl_c() -> Iterator[Stop]:
    """Turn Ctrl-C into a wish to stop, because a world that is interrupted anywhere would not add up; the second
    one ends the process at once."""
    stop = Stop()

    def note(_number: int, _frame: FrameType | None) -> None:
        stop.wanted = True
        signal.signal(signal.SIGINT, signal.default_int_handler)

    before = signal.signal(signal.SIGINT, note)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _bar(title: str, total: int, *, unit: str) -> Iterator[Callable[[int, int], None]]:
    """Show on a terminal how far it is, how fast, and how long it will take."""
    console = stderr()
    if not console.is_terminal:
        yield lambda _done, _count: None
        return
    from rich.progress import BarColumn, Progress, ProgressColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns: tuple[ProgressColumn, ...] = (
        TextColumn(f"{title:>7}"),
        BarColumn(bar_width=40),
        TaskProgressColumn(),
        TextColumn("{task.fields[speed]}"),
        TextColumn("ETA"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task(title, total=total, speed="")

        def show(done: int, count: int) -> None:
            elapsed = progress.tasks[0].elapsed or 0
            speed = f"{count / elapsed:,.0f} {unit}" if elapsed >= 1 else ""
            progress.update(bar, completed=done, speed=speed)

        yield show
