"""`proofgrid admin engine`: which engines there are, the switch that stops one, and what was accepted of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from proofgrid.cli.kit.console import date_text, plain, print_answers, print_json, say
from proofgrid.cli.kit.engine_table import print_engines
from proofgrid.cli.kit.options import AdministratorOptions, with_administrator
from proofgrid.primitives.ids import short_prover
from proofgrid.primitives.money import format_amount

if TYPE_CHECKING:
    from proofgrid.sdk.answers.engines import Engine

group = typer.Typer(
    name="engine",
    help="Versions of proof systems: list them, stop one that is broken, see what was accepted of it.",
    no_args_is_help=True,
)

SystemArgument = Annotated[str, typer.Argument(metavar="SYSTEM", help="Such as groth16.")]
VersionArgument = Annotated[str, typer.Argument(metavar="VERSION", help="Such as gnark-0.14.0, as the list has it.")]


def add_to(admin: typer.Typer) -> None:
    admin.add_typer(group)


@group.command("list")
@with_administrator
def list_engines(options: AdministratorOptions) -> None:
    """List the engines of the network: who runs them, what they have to do, and which were stopped.

    \b
    Example:
      proofgrid admin engine list
    """
    engines = options.ask(lambda client: client.engines.known())
    print_engines(engines, json=options.json)
    if not options.json:
        for one in engines:
            for stop in one.stops:
                until = f", until {date_text(stop.resumed_ms)} by {stop.resumed_by}" if stop.resumed_ms else ""
                say(f"{one.engine}: stopped {date_text(stop.stopped_ms)} by {stop.stopped_by}{until}: {stop.reason}")


@group.command("stop")
@with_administrator
def stop_engine(
    options: AdministratorOptions,
    system: SystemArgument,
    version: VersionArgument,
    reason: Annotated[str, typer.Option("--reason", help="What is wrong with it; clients and operators read it.")],
) -> None:
    """Stop an engine: from now on nothing is built, submitted, sold or paid for by it.

    Its open tasks end with PG-513 and what they have not spent goes back; nobody is blamed for their leases.

    \b
    Example:
      proofgrid admin engine stop groth16 gnark-0.14.0 --reason "accepts forged proofs: CVE-2027-1234"
      proofgrid admin engine accepted groth16 gnark-0.14.0
    """
    _print(options.ask(lambda client: client.engines.stop(f"{system}@{version}", reason)), json=options.json)


@group.command("resume")
@with_administrator
def resume_engine(options: AdministratorOptions, system: SystemArgument, version: VersionArgument) -> None:
    """Let a stopped engine go on. Tasks that ended stay ended.

    \b
    Example:
      proofgrid admin engine resume groth16 gnark-0.14.0
    """
    _print(options.ask(lambda client: client.engines.resume(f"{system}@{version}")), json=options.json)


@group.command("accepted")
@with_administrator
def accepted(options: AdministratorOptions, system: SystemArgument, version: VersionArgument) -> None:
    """List every proof by an engine that was paid for: task, client, bundle, prover and what was paid, newest first.

    \b
    Example:
      proofgrid admin engine accepted groth16 gnark-0.14.0 --json > accepted.json
    """
    proofs = options.ask(lambda client: client.engines.accepted(f"{system}@{version}"))
    print_answers(
        proofs,
        ("task", "state", "slice>", "input>", "client", "prover", "paid>", "accepted (UTC)", "bundle"),
        lambda one: (
            one.task_id,
            one.task_state,
            one.slice,
            one.input,
            one.client,
            short_prover(one.prover_id),
            format_amount(one.paid),
            date_text(one.accepted_ms),
            one.bundle_digest,
        ),
        empty="nothing was accepted of it",
        json=options.json,
    )
    if proofs and not options.json:
        tasks, operators = {one.task_id for one in proofs}, {one.operator for one in proofs}
        total = format_amount(sum(one.paid for one in proofs))
        say(f"{len(proofs)} proofs of {len(tasks)} tasks, {total} tokens paid to {len(operators)} operators")


def _print(engine: Engine, *, json: bool) -> None:
    if json:
        print_json(plain(engine))
        return
    say(engine.engine, style="bold")
    if engine.stopped_ms:
        say(f"  stopped {date_text(engine.stopped_ms)} by {engine.stopped_by}: {engine.stopped_reason}")
        say(f"  {engine.tasks_open} open tasks are being ended and refunded")
        say(f"  what was accepted of it: proofgrid admin engine accepted {engine.engine.replace('@', ' ', 1)}")
    else:
        say(f"  goes on: {engine.provers} provers offer it")
