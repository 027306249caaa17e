"""web3, imported in one place: it raises the recursion limit, takes a second, and may not be installed."""

from __future__ import annotations

from typing import TypeAlias

from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.recursion import recursion_limit_kept

try:
    with recursion_limit_kept():
        from eth_account import Account
        from eth_account.signers.local import LocalAccount
        from web3 import AsyncWeb3 as _AsyncWeb3
        from web3.contract import AsyncContract
        from web3.exceptions import (
            BlockNotFound,
            ContractCustomError,
            ContractLogicError,
            TransactionNotFound,
            Web3Exception,
            Web3RPCError,
        )
        from web3.providers import AsyncHTTPProvider
        from web3.types import TxParams, TxReceipt
except ImportError as error:
    raise InvalidField(
        "what speaks to a chain is not installed here", field="chain", hint="pip install 'proofgrid[chain]'"
    ) from error

AsyncWeb3: TypeAlias = "_AsyncWeb3[AsyncHTTPProvider]"


def connect(url: str) -> AsyncWeb3:
    """Return a connection to the JSON-RPC of a chain. Nothing is sent yet."""
    return _AsyncWeb3(AsyncHTTPProvider(url))


__all__ = [
    "Account",
    "AsyncContract",
    "AsyncHTTPProvider",
    "AsyncWeb3",
    "BlockNotFound",
    "ContractCustomError",
    "ContractLogicError",
    "LocalAccount",
    "TransactionNotFound",
    "TxParams",
    "TxReceipt",
    "Web3Exception",
    "Web3RPCError",
    "connect",
]
