"""web3, imported in one place: it raises the recursion limit, takes a second, and may not be installed."""

from __future__ import annotations

import asyncio
from typing import TypeAlias

from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.recursion import recursion_limit_kept

try:
    with recursion_limit_kept():
        from aiohttp import ClientSession, ClientTimeout
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
        from web3.types import RPCEndpoint, RPCResponse, TxParams, TxReceipt
except ImportError as error:
    raise InvalidField(
        "what speaks to a chain is not installed here", field="chain", hint="pip install 'proofgrid[chain]'"
    ) from error

_ANSWER_SECONDS = 30.0
_JSON = {"Content-Type": "application/json"}


class KeptOpen(AsyncHTTPProvider):
    """Asks over connections that stay open: web3's own sessions open one for every question, and hop to a thread.

    Contracts that were asked are kept as well: web3 makes a class of each, which takes as long as asking it.
    """

    _session: ClientSession | None = None
    _loop: asyncio.AbstractEventLoop | None = None

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.contracts: dict[tuple[str, int], tuple[object, AsyncContract]] = {}  #: by address and ABI, which stays

    async def make_request(self, method: RPCEndpoint, params: object) -> RPCResponse:
        loop = asyncio.get_running_loop()
        if self._session is None or self._loop is not loop:
            await self.disconnect()
            self._loop = loop
            self._session = ClientSession(raise_for_status=True, timeout=ClientTimeout(total=_ANSWER_SECONDS))
        asked = self.encode_rpc_request(method, params)
        async with self._session.post(str(self.endpoint_uri), data=asked, headers=_JSON) as answer:
            return self.decode_rpc_response(await answer.read())

    async def disconnect(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None


AsyncWeb3: TypeAlias = "_AsyncWeb3[KeptOpen]"


def connect(url: str) -> AsyncWeb3:
    """Return a connection to the JSON-RPC of a chain. Nothing is sent yet."""
    return _AsyncWeb3(KeptOpen(url))


__all__ = [
    "Account",
    "AsyncContract",
    "AsyncHTTPProvider",
    "AsyncWeb3",
    "BlockNotFound",
    "ContractCustomError",
    "ContractLogicError",
    "LocalAccount",
    "RPCEndpoint",
    "TransactionNotFound",
    "TxParams",
    "TxReceipt",
    "Web3Exception",
    "Web3RPCError",
    "connect",
]
