"""Folders to work in for calls that follow each other in one process: each finds an empty one."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Generic, Protocol, TypeVar

KEPT_MAX = 8


class EmptyFolders:
    """Below `root`, which is empty at first. Most calls leave nothing behind, so most find the folder of the last."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._made = 0
        self._folder: Path | None = None

    def next(self) -> Path:
        """Return an empty folder: the one before, where nothing was left in it."""
        if self._folder is None or not _is_empty(self._folder):
            self._folder = self.root / str(self._made)
            self._folder.mkdir(parents=True)
            self._made += 1
        return self._folder

    @property
    def is_fit(self) -> bool:
        """Is it as it was before the first call?"""
        return self._folder is None or (self._made == 1 and _is_empty(self._folder))


class Workplace(Protocol):
    """Something made below a folder of its own."""

    @property
    def root(self) -> Path: ...

    @property
    def is_fit(self) -> bool:
        """May calls that come later use it as well?"""
        ...


Place = TypeVar("Place", bound=Workplace)


class KeptPlaces(Generic[Place]):
    """Workplaces of this process that are fit are kept for its next calls: making and removing folders takes long.

    Who owns `scratch` removes it with everything in it when no process works there any more.
    """

    def __init__(self, make: Callable[[Path], Place]) -> None:
        self._make = make
        self._kept: OrderedDict[tuple[Path, str], Place] = OrderedDict()

    @contextmanager
    def place(self, scratch: Path, use: str = "") -> Iterator[Place]:
        """Yield a place below `scratch` that is new, or was left fit by the last call for the same use."""
        place = self._kept.pop((scratch, use), None)
        if place is None or not place.is_fit:
            self._remove(place)
            place = self._make(Path(tempfile.mkdtemp(dir=scratch)))
        try:
            yield place
        except BaseException:
            self._remove(place)
            raise
        if place.is_fit and (scratch, use) not in self._kept:
            self._kept[scratch, use] = place
            place = self._kept.popitem(last=False)[1] if len(self._kept) > KEPT_MAX else None
        self._remove(place)

    def _remove(self, place: Place | None) -> None:
        if place is not None:
            shutil.rmtree(place.root, ignore_errors=True)


empty_folders = KeptPlaces(EmptyFolders).place  #: `with empty_folders(scratch) as folders: ... folders.next()`


def _is_empty(folder: Path) -> bool:
    """Is it there, and nothing in it?"""
    try:
        with os.scandir(folder) as entries:
            return next(entries, None) is None
    except FileNotFoundError:
        return False  # somebody removed it
