"""Writes the man page of every command: `python -m tools.man FOLDER`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import proofgrid
from tools.man.page import file_name, page_of
from tools.site.commands import commands


def main(words: Sequence[str]) -> int:
    """Write the pages into the folder that is named; the exit status."""
    if len(words) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    folder = Path(words[0])
    folder.mkdir(parents=True, exist_ok=True)
    every = list(commands())
    summaries = {one.path: one.summary for one in every}
    for one in every:
        (folder / file_name(one)).write_text(page_of(one, proofgrid.__version__, summaries), encoding="utf-8")
    print(f"{folder}: {len(every)} man pages")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
