"""One man page in the language of roff, out of what a command's help says."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from tools.site.commands import Block, Command, Row

SECTION = 1


def file_name(command: Command) -> str:
    """Return the name under which man finds the page of a command: `man proofgrid-keys-new`."""
    return f"{'-'.join(command.path)}.{SECTION}"


def page_of(command: Command, version: str, summaries: Mapping[tuple[str, ...], str]) -> str:
    """Return a command's page; `summaries` of all commands stand for those below a group."""
    return "\n".join(_lines(command, version, summaries)) + "\n"


def _lines(command: Command, version: str, summaries: Mapping[tuple[str, ...], str]) -> Iterator[str]:
    title = "-".join(command.path)
    yield f'.TH "{escaped(title.upper())}" "{SECTION}" "" "proofgrid {version}" "proofgrid"'
    yield from (".SH NAME", f"{escaped(title)} \\- {escaped(command.summary.rstrip('.'))}")
    yield from (".SH SYNOPSIS", f".B {escaped(command.usage)}", ".SH DESCRIPTION")
    examples = [block for block in command.blocks if block.is_verbatim and block.text.startswith("Example")]
    for block in command.blocks:
        if block not in examples:
            yield from _block(block)
    yield from _rows("ARGUMENTS", command.arguments)
    yield from _rows("OPTIONS", command.options)
    below = [(*command.path, name) for name in command.children]
    yield from _rows("COMMANDS", [Row(names=" ".join(path), help=summaries[path]) for path in below])
    if examples:
        yield ".SH EXAMPLES"
        for block in examples:
            yield from _verbatim(block.text.partition("\n")[2])
    others = [command.path[:-1]] if len(command.path) > 1 else []
    if others or below:
        yield ".SH SEE ALSO"
        yield ", ".join(f"\\fB{escaped('-'.join(path))}\\fR({SECTION})" for path in [*others, *below])


def _block(block: Block) -> Iterator[str]:
    if block.is_verbatim:
        yield from _verbatim(block.text)
    else:
        yield from (".PP", escaped(block.text))


def _verbatim(text: str) -> Iterator[str]:
    yield from (".PP", ".nf", ".RS 2")
    yield from (escaped(line) for line in text.splitlines())
    yield from (".RE", ".fi")


def _rows(heading: str, rows: Sequence[Row]) -> Iterator[str]:
    if rows:
        yield f".SH {heading}"
    for row in rows:
        yield from (".TP", f"\\fB{escaped(row.names)}\\fR", escaped(row.help) or "\\&")


def escaped(text: str) -> str:
    """Return text that roff prints as it is: no backslash commands, no requests, hyphens that can be copied."""
    plain = text.replace("\\", "\\(rs").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga")
    plain = plain.replace("^", "\\(ha").replace("~", "\\(ti")
    plain = re.sub(r"[^\x00-\x7f]", lambda found: f"\\[u{ord(found[0]):04X}]", plain)
    return f"\\&{plain}" if plain.startswith(".") else plain
