"""eth-account's keystores, imported in the one place that undoes a side effect of it.

One of its dependencies raises Python's recursion limit to 100,000, after which a deeply nested JSON text from a
stranger would crash the whole process instead of raising RecursionError. It takes most of a second, so it is imported
only where a keystore is opened.
"""

from __future__ import annotations

import sys

_limit = sys.getrecursionlimit()
from eth_account import Account  # noqa: E402

sys.setrecursionlimit(_limit)

__all__ = ["Account"]
