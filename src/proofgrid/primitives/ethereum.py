"""eth-account, imported in the one place that undoes a side effect of it.

One of its dependencies raises Python's recursion limit to 100,000, after which a deeply nested JSON text from a
stranger would crash the whole process instead of raising RecursionError.
"""

from __future__ import annotations

import sys

_limit = sys.getrecursionlimit()
from eth_account import Account  # noqa: E402
from eth_account.messages import encode_defunct  # noqa: E402
from eth_utils.address import is_checksum_address, to_checksum_address  # noqa: E402

sys.setrecursionlimit(_limit)

__all__ = ["Account", "encode_defunct", "is_checksum_address", "to_checksum_address"]
