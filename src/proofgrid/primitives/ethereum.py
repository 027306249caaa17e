"""eth-account's keystores. They take most of a second to import, so this is imported only where one is opened."""

from __future__ import annotations

from proofgrid.primitives.recursion import recursion_limit_kept

with recursion_limit_kept():
    from eth_account import Account

__all__ = ["Account"]
