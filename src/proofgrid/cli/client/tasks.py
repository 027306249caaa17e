"""`proofgrid tasks` and `proofgrid task list|cancel|replay`: your tasks, many at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypedDict

import typer

from proofgrid.cli.kit.console import date_text, plain, print_answers, print_json, print_table, say
from proofgrid.cli.kit.options import ClientOptions, LimitOption, with_client
from proofgrid.cli.kit.reading import parse_duration_ms, parse_moment_ms
from proofgrid.primitives.clock import SystemClock
from proofgrid.primitives.money import format_amount, parse_price

if TYPE_CHECKING:
    from proofgrid.primitives.pages import Page
    from proofgrid.sdk.answers.work import ActedOnTasks, Task
    from proofgrid.sdk.client import Client

PAGE = 1_000

State = Annotated[str, typer.Option("--state", help="Only open, combining, done, failed or cancelled ones.")]
Tag = Annotated[str, typer.Option("--tag", metavar="TAG", help="Only with this tag, like nightly or env=prod.")]
Program = Annotated[str, typer.Option("--program", metavar="PROGRAM", help="Only of this program, or as it begins.")]
Since = Annotated[
    str, typer.Option("--since", metavar="WHEN", help="Only made since then: 2026-03-01, 2026-03-01T12:00 (UTC), 36h.")
]
Until = Annotated[str, typer.Option("--until", metavar="WHEN", help="Only made before then.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Change nothing: say how many there are, and which.")]
KeyId = Annotated[
    str | None, typer.Option("--key-id", metavar="ID", help="Idempotency key: the same one is the same act.")
]

group = typer.Typer(name="task", help="Your tasks, many at a time.", no_args_is_help=True)


class _Filter(TypedDict):
    state: str
    tag: str
    program: str
    since_ms: int
    until_ms: int


def add_to(cli: typer.Typer) -> None:
    cli.command("tasks", short_help="List your tasks.")(run)
    cli.add_typer(group)


@group.command("list")
@with_client
def run(
    options: ClientOptions,
    state: State = "",
    tag: Tag = "",
    program: Program = "",
    since: Since = "",
    until: Until = "",
    limit: LimitOption = 20,
    all_of_them: Annotated[bool, typer.Option("--all", help="All of them, whatever --limit says.")] = False,
) -> None:
    """List your tasks, newest first.

    \b
    Example:
      proofgrid tasks --state open
      proofgrid task list --tag nightly --since 36h --json
    """

    async def ask(client: Client) -> list[Task]:
        wanted = await _filter(client, state, tag, program, since, until)
        if not all_of_them:
            return await client.tasks(**wanted, limit=limit)
        from proofgrid.sdk.paging import every

        async def page(cursor: str) -> Page[Task]:
            return await client.tasks(**wanted, limit=PAGE, cursor=cursor)

        return [task async for task in every(page)]

    print_answers(
        options.ask(ask),
        ("task", "state", "program", "inputs>", "PU>", "escrow>", "created (UTC)", "tags"),
        lambda task: (
            task.task_id,
            task.state + (f" {task.failure_code}" if task.failure_code else ""),
            task.program_digest[:12],
            task.inputs,
            task.units,
            format_amount(task.escrow),
            date_text(task.created_ms)[:16],
            " ".join(task.tags),
        ),
        empty="no tasks",
        json=options.json,
    )


@group.command("cancel")
@with_client
def cancel(
    options: ClientOptions,
    state: State = "",
    tag: Tag = "",
    program: Program = "",
    since: Since = "",
    until: Until = "",
    limit: LimitOption = 100,
    dry_run: DryRun = False,
    key_id: KeyId = None,
) -> None:
    """Cancel all your open tasks that a filter finds, newest first; what is not spent comes back to your account.

    \b
    Example:
      proofgrid task cancel --tag nightly --dry-run
      proofgrid task cancel --program 3f2a --since 1h
    """

    async def ask(client: Client) -> ActedOnTasks:
        wanted = await _filter(client, state, tag, program, since, until)
        return await client.cancel_tasks(**wanted, limit=limit, dry_run=dry_run, idempotency_key=key_id)

    _print_acted(options.ask(ask), json=options.json)


@group.command("replay")
@with_client
def replay(
    options: ClientOptions,
    state: State = "",
    tag: Tag = "",
    program: Program = "",
    since: Since = "",
    until: Until = "",
    limit: LimitOption = 100,
    limit_price: Annotated[
        int | None,
        typer.Option(
            "--limit-price",
            parser=parse_price,
            metavar="PRICE",
            help="The most that each pays, like 1.5/M. Without it: 20% above what the market says now.",
            show_default=False,
        ),
    ] = None,
    dry_run: DryRun = False,
    key_id: KeyId = None,
) -> None:
    """Make new tasks of those that failed or were cancelled, with the same inputs and tags. Each is replayed once.

    \b
    Example:
      proofgrid task replay --state failed --since 2026-03-01 --dry-run
      proofgrid task replay --tag nightly --limit-price 1.5/M
    """

    async def ask(client: Client) -> ActedOnTasks:
        wanted = await _filter(client, state, tag, program, since, until)
        return await client.replay_tasks(
            **wanted, limit=limit, limit_price=limit_price or 0, dry_run=dry_run, idempotency_key=key_id
        )

    _print_acted(options.ask(ask), json=options.json)


async def _filter(client: Client, state: str, tag: str, program: str, since: str, until: str) -> _Filter:
    digest = (await client.program(program)).digest if program else ""
    return _Filter(
        state=state, tag=tag, program=digest, since_ms=_moment(since, "since"), until_ms=_moment(until, "until")
    )


def _moment(text: str, field: str) -> int:
    """Return a moment that is spelled as a date, or as how long ago it was; 0 for none."""
    if not text:
        return 0
    if text[:1].isdigit() and text[-1:] in "smhd" and "-" not in text:
        return SystemClock().now_ms() - parse_duration_ms(text, field=field)
    return parse_moment_ms(text, field=field)


def _print_acted(acted: ActedOnTasks, *, json: bool) -> None:
    if json:
        print_json(plain(acted))
        return
    rows = [
        (one.task_id, one.outcome.replace("_", " "), one.replayed_as or " ".join(filter(None, (one.code, one.detail))))
        for one in acted.tasks
    ]
    print_table(("task", "what became of it", "new task, or why"), rows, empty="no such tasks")
    if acted.matching > len(acted.tasks):
        say(f"{acted.matching} were found; ask again for the rest.", style="dim")
