"""Every command of `proofgrid` with what its help says, for pages of the site and for man pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import typer.main

from proofgrid.cli.main import whole_command_line

_VERBATIM = "\b"  #: begins a paragraph whose lines stay, in the help


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A paragraph of a command's help: words, or lines that stay as they are."""

    text: str
    is_verbatim: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """An argument or an option."""

    names: str
    help: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command, or a group of commands."""

    path: tuple[str, ...]  #: its words, `proofgrid` first
    summary: str  #: one sentence
    usage: str
    blocks: tuple[Block, ...]
    arguments: tuple[Row, ...]
    options: tuple[Row, ...]
    children: tuple[str, ...]  #: the words that follow, of a group

    @property
    def name(self) -> str:
        """Its words."""
        return " ".join(self.path)


def commands() -> Iterator[Command]:
    """Yield `proofgrid`, then every group and command below it, each before what is below it."""
    yield from _below(typer.main.get_command(whole_command_line()), None, ("proofgrid",))


def _below(command: Any, parent: Any, path: tuple[str, ...]) -> Iterator[Command]:
    context = command.context_class(command, info_name=path[-1], parent=parent)
    children: dict[str, Any] = getattr(command, "commands", {})
    rows = [
        (parameter.param_type_name, Row(names=_without_type(found[0]), help=one_line(found[1])))
        for parameter in command.get_params(context)
        if (found := parameter.get_help_record(context)) is not None
    ]
    yield Command(
        path=path,
        summary=one_line(command.get_short_help_str(200)),
        usage=one_line(command.get_usage(context).removeprefix("Usage: ")),
        blocks=tuple(_blocks(command.help or "")),
        arguments=tuple(row for kind, row in rows if kind == "argument"),
        options=tuple(row for kind, row in rows if kind != "argument"),
        children=tuple(children),
    )
    for name, child in children.items():
        yield from _below(child, context, (*path, name))


def _without_type(names: str) -> str:
    return re.sub(r" <\w+(\[\w+\])?>$", "", names)


def one_line(text: str) -> str:
    """Return text without its line breaks."""
    return re.sub(r"\s+", " ", text).strip()


def _blocks(text: str) -> Iterator[Block]:
    for paragraph in re.split(r"\n\s*\n", text.strip()):
        if paragraph.startswith(_VERBATIM):
            yield Block(text=paragraph.removeprefix(_VERBATIM).strip("\n"), is_verbatim=True)
        else:
            yield Block(text=one_line(paragraph), is_verbatim=False)
