"""Python's recursion limit, kept as it is.

Some packages raise it when they are imported, py_ecc to 100,000. After that a deeply nested JSON text from a stranger
would crash the whole process instead of raising RecursionError.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def recursion_limit_kept() -> Iterator[None]:
    """Undo what is done to the limit inside."""
    limit = sys.getrecursionlimit()
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)
