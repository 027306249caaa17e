"""Folders to work in for calls that follow each other in one process: each finds an empty one."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class EmptyFolders:
    """Below `root`, which is empty at first. Most calls leave nothing behind, so most find the folder of the last."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._made = 0
        self._folder: Path | None = None

    def next(self) -> Path:
        """Return an empty folder: the one before, where nothing was left in it."""
        if self._folder is None or any(self._folder.iterdir()):
            self._folder = self._root / str(self._made)
            self._folder.mkdir(parents=True)
            self._made += 1
        return self._folder


@contextmanager
def empty_folders(scratch: Path) -> Iterator[EmptyFolders]:
    """Yield empty folders that are gone afterwards."""
    with tempfile.TemporaryDirectory(dir=scratch) as root:
        yield EmptyFolders(Path(root))
