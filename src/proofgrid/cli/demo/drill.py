"""`proofgrid admin drill`: causes an incident in a scratch network, and measures how soon it is acted upon."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from proofgrid.cli.kit.console import complain, print_json, say
from proofgrid.cli.kit.failures import EXIT_FAILED
from proofgrid.cli.kit.options import JsonOption
from proofgrid.primitives.errors import InvalidField, ProofgridError
from proofgrid.primitives.event_loop import run_async

if TYPE_CHECKING:
    from proofgrid.cli.demo.drills.drill import Drill


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
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]…", help="Which; without: a list of them.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Every one.")] = False,
    at_once: Annotated[int, typer.Option("--at-once", min=1, help="So many at a time, each in its network.")] = 1,
    json: JsonOption = False,
) -> None:
    """Cause an incident for real, in a network that is made for it and removed, and measure from its signal to its act.

    Nobody's network is touched: each drill starts a gateway with a database of its own. Exit code 1 when an act took
    longer than its goal (five seconds), or did not hold.

    \b
    Example:
      proofgrid admin drill
      proofgrid admin drill audit-log
      proofgrid admin drill --all --at-once 2 --json
    """
    from proofgrid.cli.demo.drills.every import DRILLS

    if not names and not every:
        say("\n".join(f"{one:<16}{drill.kind}" for one, drill in DRILLS.items()))
        return
    for name in names or []:
        if name not in DRILLS:
            raise InvalidField(f"there is no drill {name!r}", field="name", hint=", ".join(DRILLS))
    wanted = {name: DRILLS[name] for name in (DRILLS if every else names or [])}
    outcomes = run_async(_all_drilled(wanted, at_once=at_once, quiet=json))
    reports = [one for one in outcomes if isinstance(one, Report)]
    failures = [one for one in outcomes if isinstance(one, Exception)]
    if json:
        print_json([{**asdict(one), "in_time": one.in_time} for one in reports])
    if failures:
        raise failures[0]
    if not all(one.in_time for one in reports):
        raise typer.Exit(EXIT_FAILED)


async def _all_drilled(drills: Mapping[str, Drill], *, at_once: int, quiet: bool) -> list[Report | Exception]:
    """Let one that fails stop no other."""
    turns = asyncio.Semaphore(at_once)

    async def drilled(name: str, drill: Drill) -> Report | Exception:
        async with turns:
            try:
                return await _drilled(name, drill, quiet=quiet)
            except (ProofgridError, TimeoutError) as error:
                complain(f"{name}: {error or 'it took too long'}", style="red")
                return error if isinstance(error, ProofgridError) else ProofgridError(f"drill {name} took too long")

    return list(await asyncio.gather(*(drilled(name, drill) for name, drill in drills.items())))


async def _drilled(name: str, drill: Drill, *, quiet: bool) -> Report:
    from proofgrid.cli.demo.drills.drill import GOAL_MS
    from proofgrid.cli.demo.drills.scratch import scratch_network

    async with scratch_network(*drill.flags) as scratch:
        at_ms = await drill.cause(scratch)
        incident = await scratch.acted(drill.kind)
        acted_ms, act = await scratch.times(incident.incident_id)
        if drill.is_felt:
            acted_ms = await scratch.felt_ms(drill.kind)
        await drill.holds(scratch)
        await drill.mend(scratch)
        await scratch.end(incident.incident_id)
    report = Report(drill=name, kind=drill.kind, acted_in_ms=acted_ms - at_ms, act=act, goal_ms=GOAL_MS)
    if not quiet:
        say(
            f"{name}: acted after {report.acted_in_ms / 1_000:.2f} s: {act}", style="green" if report.in_time else "red"
        )
    return report
