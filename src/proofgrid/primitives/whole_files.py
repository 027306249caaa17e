"""Files that appear only when they are whole."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from proofgrid.primitives.clock import fresh_bytes

PREFIX = ".fetch-"  #: of files that are not whole yet


@contextmanager
def written_whole(path: Path, *, scratch: Path | None = None) -> Iterator[Path]:
    """Yield where to write what becomes `path` at the end; when that raises, or is killed, `path` stays as it was.

    `scratch`: a folder of the same disk for what is not whole yet; None: the file's own. Who may read it, the process's
    umask says.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = (scratch or path.parent) / f"{PREFIX}{fresh_bytes(8).hex()}"
    os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
