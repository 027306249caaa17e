"""`proofgrid admin drill`: causes an incident in a scratch network, and measures how soon it is acted upon."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from proofgrid.cli.kit.console import print_json, say
from proofgrid.cli.kit.failures import EXIT_FAILED
from proofgrid.cli.kit.options import JsonOption
from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.event_loop import run_async

if TYPE_CHECKING:
    from proofgrid.cli.demo.drills.every import Drill


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """How a drill went."""

    drill: str
    kind: str
    acted_in_ms: int  #: from the signal to the act; less than 0: before the last part of the signal
    act: str
    goal_ms: int

    @property
    def in_time(self) -> bool:
        return self.acted_in_ms <= self.goal_ms


def add_to(admin: typer.Typer) -> None:
    admin.command("drill", short_help="Cause an incident in a scratch network, and see it acted upon.")(run)


def run(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Which; without: a list of them.")] = None,
    every: Annotated[bool, typer.Option("--all", help="One after the other.")] = False,
    json: JsonOption = False,
) -> None:
    """Cause an incident for real, in a network that is made for it and removed, and measure from its signal to its act.

    Nobody's network is touched: each drill starts a gateway with a database of its own. Exit code 1 when an act took
    longer than its goal (five seconds), or did not hold.

    \b
    Example:
      proofgrid admin drill
      proofgrid admin drill audit-log
      proofgrid admin drill --all --json
    """
    from proofgrid.cli.demo.drills.every import DRILLS

    if name is None and not every:
        say("\n".join(f"{one:<16}{drill.kind}" for one, drill in DRILLS.items()))
        return
    if name is not None and name not in DRILLS:
        raise InvalidField(f"there is no drill {name!r}", field="name", hint=", ".join(DRILLS))
    reports = [run_async(_drilled(one, DRILLS[one], quiet=json)) for one in (DRILLS if every else [name or ""])]
    if json:
        print_json([{**asdict(one), "in_time": one.in_time} for one in reports])
    if not all(one.in_time for one in reports):
        raise typer.Exit(EXIT_FAILED)


async def _drilled(name: str, drill: Drill, *, quiet: bool) -> Report:
    from proofgrid.cli.demo.drills.scratch import scratch_network

    async with scratch_network(*drill.flags) as scratch:
        at_ms = await drill.cause(scratch)
        incident = await scratch.acted(drill.kind)
        acted_ms, act = await scratch.times(incident.incident_id)
        await drill.holds(scratch)
        await drill.mend(scratch)
        await scratch.end(incident.incident_id)
    report = Report(drill=name, kind=drill.kind, acted_in_ms=acted_ms - at_ms, act=act, goal_ms=drill.goal_ms)
    if not quiet:
        say(
            f"{name}: acted after {report.acted_in_ms / 1_000:.2f} s: {act}", style="green" if report.in_time else "red"
        )
    return report
