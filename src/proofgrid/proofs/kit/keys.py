"""What is derived once and then kept, such as proving keys, in a cache that outlives jobs and processes.

cache/<stem>.pk      whole, or not there; its time is when it was last used
cache/<stem>.part    being derived; one that a killed process left is thrown away
cache/<stem>.lock    held by whoever uses the key (together with others) or derives or removes it (alone); stays, empty
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

LOCK, PART = ".lock", ".part"


@contextmanager
def derived_once(cache: Path, name: str, derive: Callable[[Path], None]) -> Iterator[Path]:
    """Yield `cache / name`, which nobody removes meanwhile; if it is not there, `derive` writes the path it is given.

    `name` has a suffix, and no other name has the same stem. Of two processes at once, one derives and one waits; a
    process that is killed meanwhile leaves nothing that another would take for the whole, and no lock. Raises what
    `derive` raises, and keeps nothing then.
    """
    whole = cache / name
    cache.mkdir(parents=True, exist_ok=True)
    lock = whole.with_suffix(LOCK)
    while True:
        with _locked(lock, fcntl.LOCK_SH):
            if whole.exists():
                with suppress(OSError):  # a confined process may read a key that it may not touch
                    os.utime(whole)
                yield whole
                return
        # Between the two locks another process may derive the key, or remove it when it is there: so look again.
        with _locked(lock, fcntl.LOCK_EX):
            if not whole.exists():
                part = whole.with_suffix(PART)
                part.unlink(missing_ok=True)  # should anything still be writing to it
                derive(part)
                part.replace(whole)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptKeys:
    """What a cache of keys holds."""

    keys: int
    bytes: int
    removed: int = 0  #: keys, by this call
    removed_bytes: int = 0


def keep_within(cache: Path, bytes_max: int) -> KeptKeys:
    """Remove the keys that were not used for longest until the cache fits; return what it holds then.

    A key in use stays, in whatever process, and so does the one that was used last, however large it is. What a killed
    process left half derived goes. Safe at any time, by several at once; blocks on the disk only.
    """
    kept = sorted(_found_in(cache))  # in the order in which they go
    total = sum(size for _, _, size in kept)
    wholes = [(path, size) for _, path, size in kept if path.suffix != PART]
    leftovers = [(path, size) for _, path, size in kept if path.suffix == PART]
    total -= sum(size for path, size in leftovers if _removed(path))
    removed = []
    for path, size in wholes[:-1]:
        if total > bytes_max and _removed(path):
            total -= size
            removed.append(size)
    return KeptKeys(keys=len(wholes) - len(removed), bytes=total, removed=len(removed), removed_bytes=sum(removed))


def _found_in(cache: Path) -> Iterator[tuple[int, Path, int]]:
    """Yield what lies there as (last use in ns, path, bytes)."""
    if not cache.is_dir():
        return
    for path in cache.rglob("*"):
        if path.suffix == LOCK or path.is_dir() or path.is_symlink():
            continue
        with suppress(FileNotFoundError):  # removed by another, or whole by now
            status = path.stat()
            yield status.st_mtime_ns, path, status.st_size


def _removed(path: Path) -> bool:
    """Remove a key, or a part of one, unless somebody holds it."""
    try:
        with _locked(path.with_suffix(LOCK), fcntl.LOCK_EX | fcntl.LOCK_NB):
            path.unlink(missing_ok=True)
    except BlockingIOError:
        return False
    return True


@contextmanager
def _locked(path: Path, how: int) -> Iterator[None]:
    # The kernel frees the lock of a killed process. The file stays: a lock on one that is gone would hold nobody off.
    with path.open("wb") as lock:
        fcntl.flock(lock, how)
        yield
