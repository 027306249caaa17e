"""A file that appears under its name only when it is whole."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PREFIX = ".fetch-"  #: of files that are not whole yet


@contextmanager
def written_whole(path: Path, *, scratch: Path | None = None) -> Iterator[Path]:
    """Yield a temporary path; when the context ends well, what lies there becomes `path`, otherwise it is removed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=scratch or path.parent, prefix=PREFIX)
    os.close(handle)
    partial = Path(name)
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
