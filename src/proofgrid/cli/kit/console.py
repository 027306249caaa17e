"""How the command line speaks: tables and sentences for people, JSON lines for programs."""

from __future__ import annotations

import json
import os
import sys
import textwrap
from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Literal, TypeVar

import typer

from proofgrid.primitives.plain_text import one_line

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

WIDTH_WITHOUT_TERMINAL = 120
_BETWEEN_COLUMNS = 3
COLUMNS_VARIABLE = "COLUMNS"  #: says how wide lines may be where there is no terminal

T = TypeVar("T")


def stdout() -> Console:
    """Return a console on standard output."""
    return _console(stderr=False)


def stderr() -> Console:
    """Return a console on standard error."""
    return _console(stderr=True)


def _console(*, stderr: bool) -> Console:
    from proofgrid.cli.kit.safe_console import SafeConsole

    is_terminal = (sys.stderr if stderr else sys.stdout).isatty()
    width = None if is_terminal or COLUMNS_VARIABLE in os.environ else WIDTH_WITHOUT_TERMINAL
    return SafeConsole(stderr=stderr, highlight=False, width=width)


def say(text: str, *, style: str = "") -> None:
    """Print one sentence; brackets in it are just brackets."""
    _print(stdout(), text, style)


def complain(text: str, *, style: str = "bold yellow") -> None:
    """Print a warning on standard error."""
    _print(stderr(), text, style)


def _print(console: Console, text: str, style: str) -> None:
    if console.is_terminal or COLUMNS_VARIABLE in os.environ:
        text = wrapped(text, console.width)
    console.print(text, style=style or None, markup=False, soft_wrap=True)


def wrapped(text: str, width: int) -> str:
    """Return text broken between words, each line's rest indented a little more; digests and paths stay whole."""
    return "\n".join(_wrapped_line(line, width) for line in text.split("\n"))


def _wrapped_line(line: str, width: int) -> str:
    indent = line[: len(line) - len(line.lstrip(" "))]
    return textwrap.fill(
        line,
        width,
        subsequent_indent=indent + "  ",
        break_long_words=False,
        break_on_hyphens=False,
        drop_whitespace=True,
    )


def print_json(value: object) -> None:
    """Print one line of JSON."""
    typer.echo(json.dumps(value, separators=(", ", ": ")))


def print_answer(answer: object, sentence: str, *, json: bool, **more: object) -> None:
    """Print an answer for people or for programs; `more` stands before it in the JSON."""
    if json:
        print_json({**more, **plain(answer)})
    else:
        say(sentence)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str) -> None:
    """Print rows under headings; columns whose heading ends in '>' are numbers and stand right.

    Where the terminal is too narrow for its words, each row is a few lines of its own.
    """
    from rich.text import Text

    cells = [[cell if isinstance(cell, Text) else Text(one_line(str(cell))) for cell in row] for row in rows]
    console = stdout()
    longest = [
        max((len(word) for text in (column.removesuffix(">"), *texts) for word in text.split()), default=0)
        for column, *texts in zip(columns, *([cell.plain for cell in row] for row in cells), strict=True)
    ]
    if not cells:
        say(empty)
    elif sum(longest) + _BETWEEN_COLUMNS * len(columns) > console.width:
        _print_cards(console, [column.removesuffix(">") for column in columns], cells)
    else:
        _print_grid(console, columns, cells, longest)


def _print_grid(
    console: Console, columns: Sequence[str], rows: Sequence[Sequence[Text]], longest: Sequence[int]
) -> None:
    """Print a table whose words, of which `longest` are the longest by column, are not broken."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column, wide in zip(columns, longest, strict=True):
        justify: Literal["left", "right"] = "right" if column.endswith(">") else "left"
        table.add_column(column.removesuffix(">"), justify=justify, overflow="fold", min_width=wide)
    for row in rows:
        table.add_row(*row)
    console.print(table)


def _print_cards(console: Console, columns: Sequence[str], rows: Sequence[Sequence[Text]]) -> None:
    wide = max(map(len, columns))
    for row in rows:
        console.print()
        for name, cell in zip(columns, row, strict=True):
            if cell.plain:
                _print(console, f"  {name:<{wide}}  {cell.plain}", str(cell.style))
    console.print()


def print_answers(
    answers: Iterable[T],
    columns: Sequence[str],
    row: Callable[[T], Sequence[object]],
    *,
    empty: str,
    json: bool,
) -> None:
    """Print a list of answers: a table with a row of each for people, a list of all they say for programs."""
    if json:
        print_json([plain(one) for one in answers])
    else:
        print_table(columns, (row(one) for one in answers), empty=empty)


def plain(answer: object) -> dict[str, object]:
    """Return an answer of the SDK, which is a dataclass, as JSON values: all its fields by their names."""
    if not is_dataclass(answer):
        raise TypeError(f"{answer!r} is no answer")
    return {one.name.removesuffix("_"): _value(getattr(answer, one.name)) for one in fields(answer)}


def _value(value: object) -> object:
    if isinstance(value, tuple):
        return [_value(one) for one in value]
    return plain(value) if is_dataclass(value) else value


def date_text(at_ms: int) -> str:
    """Return a time as people read it, in UTC; empty for 0."""
    from datetime import UTC, datetime

    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d %H:%M:%S}" if at_ms else ""
