"""What is derived once and then kept, such as proving keys, in a cache that outlives jobs and processes.

cache/<stem>.pk      whole, or not there
cache/<stem>.part    being derived; one that a killed process left is thrown away
cache/<stem>.lock    held by whoever derives
"""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


def derived_once(cache: Path, name: str, derive: Callable[[Path], None]) -> Path:
    """Return `cache / name`; if no earlier job left it there, `derive` writes it to the path that it is given.

    `name` has a suffix, and no other name has the same stem. Of two processes at once, one derives and one waits; a
    process that is killed meanwhile leaves nothing that another would take for the whole. Raises what `derive` raises,
    and keeps nothing then.
    """
    whole = cache / name
    if whole.exists():
        return whole
    cache.mkdir(parents=True, exist_ok=True)
    with _only_one(whole.with_suffix(".lock")):
        if not whole.exists():  # else another process was faster
            part = whole.with_suffix(".part")
            part.unlink(missing_ok=True)  # should anything still be writing to it
            derive(part)
            part.replace(whole)
    return whole


@contextmanager
def _only_one(path: Path) -> Iterator[None]:
    # The kernel frees the lock of a killed process.
    with path.open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
