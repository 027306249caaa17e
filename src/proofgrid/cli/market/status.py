"""`proofgrid status`: what the network is doing now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from proofgrid.cli.kit.console import plain, print_json, print_table, say
from proofgrid.cli.kit.options import ClientOptions, with_client
from proofgrid.cli.kit.tables import print_subnetworks
from proofgrid.cli.kit.waiting import waiting_lines
from proofgrid.primitives.errors import NotAllowed, UnknownKey
from proofgrid.primitives.event_loop import run_async
from proofgrid.primitives.ids import short_prover
from proofgrid.primitives.money import format_price

if TYPE_CHECKING:
    from proofgrid.sdk.answers.network import NetworkStatus
    from proofgrid.sdk.answers.operators import ProverStanding, Standings
    from proofgrid.sdk.answers.work import Task
    from proofgrid.sdk.client import Client

OPEN_TASKS_MAX = 10  #: of the caller, that are looked at


def add_to(cli: typer.Typer) -> None:
    cli.command("status", short_help="Show what the network is doing.")(run)


@with_client
def run(options: ClientOptions) -> None:
    """Show the provers, the lanes with their reference prices, and how many tasks and jobs are in which state.

    Of your own open tasks, the newest first, it tells why their jobs wait and what you can do about it.

    \b
    Example:
      proofgrid status --gateway grpcs://gateway.example:7400
    """
    run_async(_show(options))


async def _show(options: ClientOptions) -> None:
    async with options.client() as client:
        status, facts, subnetworks = await client.status(), await client.facts(), await client.subnetworks()
        standings = await client.operators()
        waiting = await _waiting_tasks(client)
    if options.json:
        paused = {p.prover_id: p.paused_until_ms for p in _paused(standings)}
        more = {"subnetworks": [plain(one) for one in subnetworks], "paused_until_ms": paused}
        more["waiting"] = [one for task in waiting for one in _waiting_json(task)]
        print_json({"network": plain(facts), **plain(status), **more})
        return
    say(f"network {facts.address}, proofgrid {facts.version}", style="bold")
    if facts.srs_for_development:
        say("the SRS is for development: its maker could forge proofs", style="yellow")
    limits = facts.operator_limits
    say(
        f"an operator has at most {limits.provers} provers connected with {limits.slots} slots in all;"
        f" its new ones share {limits.newcomer_slots} slots, twice as many with every verified job"
    )
    _print_tables(status)
    if len(subnetworks) > 1:
        print_subnetworks(subnetworks)
    _print_paused(standings)
    _print_waiting(waiting)


async def _waiting_tasks(client: Client) -> list[Task]:
    """Return the caller's newest open tasks with their jobs; of somebody who is no client none."""
    try:
        tasks = await client.tasks(state="open", limit=OPEN_TASKS_MAX)
        return [await client.task(task.task_id) for task in tasks]
    except (NotAllowed, UnknownKey):
        return []


def _waiting_json(task: Task) -> list[dict[str, object]]:
    return [
        {
            "task_id": task.task_id,
            "slice": job.slice,
            "input": job.input,
            **plain(job.waiting),
            "sentence": job.waiting.sentence(),
            "what_to_do": job.waiting.what_to_do(),
        }
        for job in task.jobs
        if job.waiting is not None
    ]


def _print_waiting(tasks: Sequence[Task]) -> None:
    for task in tasks:
        for line in waiting_lines((job.slice, job.waiting) for job in task.jobs if job.waiting is not None):
            say(f"task {task.task_id}: {line}")


def _paused(standings: Standings) -> list[ProverStanding]:
    return [p for o in standings.operators for p in o.provers if p.connected and p.breaker != "closed"]


def _print_paused(standings: Standings) -> None:
    for prover in _paused(standings):
        say(f"{short_prover(prover.prover_id)} is paused: {prover.reasons[0]}", style="yellow")


def _print_tables(status: NetworkStatus) -> None:
    provers = [
        (
            short_prover(p.prover_id),
            p.state,
            ", ".join(p.proof_systems),
            f"{p.busy}/{p.slots}",
            format_price(p.ask_price),
            p.jobs_proven,
            p.jobs_failed,
            p.region,
            p.confinement,
        )
        for p in status.provers
    ]
    columns = ("prover", "state", "proof systems", "busy>", "ask, /M>", "proven>", "failed>", "region", "confinement")
    print_table(columns, provers, empty="no provers are connected")
    lanes = [(one.lane, format_price(one.reference_price), one.rounds, one.ready_units) for one in status.lanes]
    print_table(("lane", "reference price, /M>", "rounds>", "ready PU>"), lanes, empty="no lane has had a round yet")
    for name, counts in (("tasks", status.tasks_by_state), ("jobs", status.jobs_by_state)):
        say(f"{name}: " + (", ".join(f"{count} {state}" for state, count in sorted(counts.items())) or "none"))
