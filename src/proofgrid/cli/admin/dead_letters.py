"""`proofgrid admin dead-letters`: tasks that nobody could prove."""

from __future__ import annotations

from typing import Annotated

import typer

from proofgrid.cli.kit.console import plain, print_answer, print_answers, print_json, print_table, say
from proofgrid.cli.kit.options import AdministratorOptions, LimitOption, with_administrator

group = typer.Typer(
    name="dead-letters", help="Tasks that nobody could prove: list, show, replay.", no_args_is_help=True
)

TaskArgument = Annotated[str, typer.Argument(metavar="TASK", help="The task's id.")]


@group.command("list")
@with_administrator
def list_dead_letters(
    options: AdministratorOptions,
    limit: LimitOption = 100,
    all: Annotated[bool, typer.Option("--all", help="Also those that were replayed.")] = False,  # noqa: A002
) -> None:
    """List the tasks that ended because nobody could prove them.

    \b
    Example:
      proofgrid admin dead-letters list
    """
    print_answers(
        options.ask(lambda client: client.admin.dead_letters(limit=limit, replayed=all)),
        ("task", "code", "reason", "replayed as"),
        lambda letter: (letter.task_id, letter.code, letter.detail, letter.replayed_as),
        empty="no dead letters",
        json=options.json,
    )


@group.command("show")
@with_administrator
def show_dead_letter(options: AdministratorOptions, task: TaskArgument) -> None:
    """Show why a task ended and who tried to prove it.

    \b
    Example:
      proofgrid admin dead-letters show 0197b2c4-6f00-7000-8000-000000000001
    """
    letter = options.ask(lambda client: client.admin.dead_letter(task))
    if options.json:
        print_json(plain(letter))
        return
    say(f"{letter.task_id}: {letter.code} {letter.detail}")
    if letter.replay_of:
        say(f"it was a replay of {letter.replay_of}")
    if letter.replayed_as:
        say(f"it was replayed as {letter.replayed_as}")
    rows = [(f"{one.slice}/{one.input}", one.prover, one.reason, one.detail) for one in letter.tries]
    print_table(("slice/input", "prover", "ended", "detail"), rows, empty="nobody tried")


@group.command("replay")
@with_administrator
def replay_dead_letter(options: AdministratorOptions, task: TaskArgument) -> None:
    """Make a new task of a dead one, with a new escrow of the same client. Twice is one new task.

    \b
    Example:
      proofgrid admin dead-letters replay 0197b2c4-6f00-7000-8000-000000000001
    """
    letter = options.ask(lambda client: client.admin.replay_dead_letter(task))
    print_answer(letter, f"{letter.task_id} is now task {letter.replayed_as}", json=options.json)
