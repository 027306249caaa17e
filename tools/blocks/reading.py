"""Reads the code blocks of a document, with what the comments before them say of running them.

A block of `bash` is run, unless the line before it says otherwise:

    <!-- not run: why -->                 it needs what a test has not
    <!-- run by: tests/… -->              that test runs it, or the document of that name
    <!-- runs until: ready at -->         in a terminal of its own; what follows waits until it has printed these words
    <!-- fails: PG-214 -->                it fails, and says these words
    <!-- Ctrl-C: proofgrid gateway -->    on a line of its own: ends the terminal whose command begins so

A block of `text` right after one of `bash` is what it prints, compared loosely (running.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import zip_longest

SHELL = "bash"
_MARK = re.compile(r"\s*<!-- (?P<kind>not run|run by|runs until|fails|Ctrl-C): (?P<words>.+?) -->\s*")
_FENCE = re.compile(r"(?P<indent>\s*)```(?P<language>\S*)\s*")


class Mark(StrEnum):
    """What a comment says of the block that follows it."""

    NOT_RUN = "not run"
    RUN_BY = "run by"
    RUNS_UNTIL = "runs until"
    FAILS = "fails"
    CTRL_C = "Ctrl-C"


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A fenced block, or a line that ends a terminal."""

    line: int  #: of the document, counted from 1, where its text begins
    language: str
    text: str
    mark: Mark | None = None
    words: str = ""  #: of the mark
    prints: str = ""  #: what a reader is told that it prints

    @property
    def is_run(self) -> bool:
        """Do its commands run where the document is run?"""
        return self.language == SHELL and self.mark not in (Mark.NOT_RUN, Mark.RUN_BY)


def blocks_of(text: str) -> list[Block]:
    """Return the blocks of a document in their order, and the lines that end terminals."""
    return list(_with_what_they_print(list(_blocks(text.splitlines()))))


def _blocks(lines: Sequence[str]) -> Iterator[Block]:
    at = 0
    mark: re.Match[str] | None = None
    while at < len(lines):
        fence = _FENCE.fullmatch(lines[at])
        if fence is not None:
            end = next(i for i in range(at + 1, len(lines)) if lines[i].strip() == "```")
            indent = len(fence["indent"])
            yield Block(
                line=at + 2,
                language=fence["language"],
                text="\n".join(line[indent:] for line in lines[at + 1 : end]),
                mark=Mark(mark["kind"]) if mark else None,
                words=mark["words"] if mark else "",
            )
            at = end
        mark = _MARK.fullmatch(lines[at])
        if mark is not None and mark["kind"] == Mark.CTRL_C:
            yield Block(line=at + 1, language="", text="", mark=Mark.CTRL_C, words=mark["words"])
            mark = None
        at += 1


def _with_what_they_print(blocks: Sequence[Block]) -> Iterator[Block]:
    """What follows a block of commands as `text` is its output, where only empty lines and a fence are between."""
    for block, after in zip_longest(blocks, blocks[1:]):
        is_output = after is not None and after.language == "text" and after.line <= block.line + _lines(block) + 3
        if block.language == SHELL and is_output and after is not None:
            yield Block(
                line=block.line,
                language=block.language,
                text=block.text,
                mark=block.mark,
                words=block.words,
                prints=after.text,
            )
        else:
            yield block


def _lines(block: Block) -> int:
    return len(block.text.splitlines())
