"""`proofgrid account statement`: every movement of somebody's money."""

from __future__ import annotations

import csv
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from proofgrid.cli.kit.console import date_text, plain, print_json, print_table, say
from proofgrid.cli.kit.options import ClientOptions, with_client
from proofgrid.cli.kit.reading import parse_moment_ms
from proofgrid.primitives.errors import Unavailable
from proofgrid.primitives.event_loop import run_async
from proofgrid.primitives.ids import short_address
from proofgrid.primitives.money import format_amount, format_price

if TYPE_CHECKING:
    from proofgrid.sdk.answers.money import Movement, StatementClosing, StatementOpening

COLUMNS = (
    "at_ms",
    "reason",
    "amount",
    "balance",
    "account",
    "counter_account",
    "task_id",
    "job_id",
    "lane",
    "round",
    "units",
    "price",
    "transfer_id",
)


def add_to(group: typer.Typer) -> None:
    group.command("statement")(statement)


@with_client
def statement(
    options: ClientOptions,
    owner: Annotated[
        str, typer.Argument(metavar="[OWNER]", help="Whose. Others', treasury, mint and rescue are for administrators.")
    ] = "",
    since: Annotated[str, typer.Option("--from", help="From when: 2026-03-01, 2026-03-01T12:00, UTC.")] = "",
    until: Annotated[str, typer.Option("--to", help="Until when, not included. Default: now.")] = "",
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, amounts in base units.")] = False,
) -> None:
    """Show every movement of your money: client account, escrows of your tasks, operator account and bond, together.

    The balance is of all of them, so what is set aside for a task leaves one account and comes to another. Exit 0
    only when opening balance and movements add up to the closing balance. With --csv and --json nothing is kept in
    memory; --json prints a line for each: opening, movement, …, closing.

    \b
    Example:
      proofgrid account statement --from 2026-03-01 --to 2026-04-01 --csv > march.csv
      proofgrid account statement --key operator.key
    """
    from_ms = parse_moment_ms(since, field="from") if since else 0
    to_ms = parse_moment_ms(until, field="to") if until else 0
    writer = _Csv() if as_csv else _Json() if options.json else _Table()
    run_async(_show(options, writer, owner, from_ms, to_ms))


async def _show(options: ClientOptions, writer: _Csv | _Json | _Table, owner: str, from_ms: int, to_ms: int) -> None:
    from proofgrid.sdk.answers.money import Movement, StatementClosing, StatementOpening

    closing = None
    async with options.client() as client:
        async for part in client.statement(owner, from_ms=from_ms, to_ms=to_ms):
            match part:
                case StatementOpening():
                    balance = part.balance
                    writer.open(part)
                case Movement():
                    balance += part.amount
                    writer.move(part)
                case StatementClosing():
                    closing = part
    if closing is None or closing.balance != balance:
        raise Unavailable("the statement broke off", hint="ask again")
    writer.close(closing)


class _Csv:
    """One line for each movement."""

    def open(self, opening: StatementOpening) -> None:
        self._writer = csv.writer(sys.stdout, lineterminator="\n")
        self._writer.writerow(COLUMNS)
        self._line({"at_ms": opening.from_ms, "reason": "opening", "balance": opening.balance})
        self._to_ms = opening.to_ms

    def move(self, movement: Movement) -> None:
        self._line(plain(movement))

    def close(self, closing: StatementClosing) -> None:
        self._line({"at_ms": self._to_ms, "reason": "closing", "balance": closing.balance})

    def _line(self, values: Mapping[str, object]) -> None:
        self._writer.writerow([values.get(name, "") for name in COLUMNS])


class _Json:
    """One object a line."""

    def open(self, opening: StatementOpening) -> None:
        print_json({"kind": "opening", **plain(opening)})

    def move(self, movement: Movement) -> None:
        print_json({"kind": "movement", **plain(movement)})

    def close(self, closing: StatementClosing) -> None:
        print_json({"kind": "closing", **plain(closing)})


class _Table:
    """For people: all at once, because columns are as wide as what stands in them."""

    def open(self, opening: StatementOpening) -> None:
        self._opening = opening
        self._rows: list[tuple[object, ...]] = []

    def move(self, movement: Movement) -> None:
        self._rows.append(
            (
                date_text(movement.at_ms),
                movement.reason,
                format_amount(movement.amount),
                format_amount(movement.balance),
                _short(movement.account),
                _short(movement.counter_account),
                movement.task_id,
                movement.units or "",
                format_price(movement.price) if movement.price else "",
            )
        )

    def close(self, closing: StatementClosing) -> None:
        say(f"{self._opening.owner}", style="bold")
        say(f"  opening  {format_amount(self._opening.balance)}  {date_text(self._opening.from_ms)}")
        columns = ("when (UTC)", "reason", "amount>", "balance>", "account", "with", "task", "PU>", "per million PU>")
        print_table(columns, self._rows, empty="  nothing moved")
        say(f"  closing  {format_amount(closing.balance)}  {date_text(self._opening.to_ms)}")
        for one in closing.sums:
            say(f"  {one.reason:<12}{format_amount(one.amount)} in {one.movements}")


def _short(account: str) -> str:
    kind, colon, whose = account.partition(":")
    return kind if kind == "escrow" else f"{kind}{colon}{short_address(whose)}"
