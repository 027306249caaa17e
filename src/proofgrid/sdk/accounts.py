"""A client's account: what it owns and moved, what limits it, and when it wants to be told that money runs out."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from proofgrid.sdk.answers.money import Account, Movement, Quota, StatementClosing, StatementOpening, StatementPart
from proofgrid.sdk.answers.reading import read
from proofgrid.sdk.connection import Connection
from proofgrid.wire.v1 import accounts_pb2, statements_pb2
from proofgrid.wire.v1 import client_pb2 as messages


class Accounts:
    """A part of `Client`."""

    connection: Connection

    async def account(self, address: str = "", *, transfers_limit: int = 20) -> Account:
        """Return an account with its latest transfers."""
        request = messages.GetAccountRequest(address=address, transfers_limit=transfers_limit)
        return read(Account, await self.connection.ask(lambda services: services.client.GetAccount, request))

    async def set_low_balance(self, amount: int) -> Account:
        """Have your webhooks that want `low_balance` told when your balance falls below an amount; 0: no more.

        They are told once, until the balance is as high again.
        """
        request = accounts_pb2.SetLowBalanceRequest(amount=amount)
        return read(Account, await self.connection.ask(lambda services: services.accounts.SetLowBalance, request))

    async def quota(self) -> Quota:
        """Return every limit of yours and how much of it is used; with an API key also what that may spend."""
        request = accounts_pb2.GetQuotaRequest()
        return read(Quota, await self.connection.ask(lambda services: services.accounts.GetQuota, request))

    async def statement(
        self, owner: str = "", *, from_ms: int = 0, to_ms: int = 0, limit: int = 0, cursor: str = ""
    ) -> AsyncGenerator[StatementPart, None]:
        """Yield an account's statement: its opening, its movements, oldest first, its closing. `to_ms` 0: until now.

        With a `limit` it is one page, and the closing's `next_cursor` says where the next begins.
        Raises Unavailable when it broke off; a statement without its closing is not complete.
        """
        request = statements_pb2.StatementRequest(owner=owner, from_ms=from_ms, to_ms=to_ms, limit=limit, cursor=cursor)
        async for part in self.connection.read(lambda services: services.statements.GetStatement, request):
            if part.HasField("opening"):
                yield read(StatementOpening, part.opening)
            for movement in part.page.movements:
                yield read(Movement, movement)
            if part.HasField("closing"):
                yield read(StatementClosing, part.closing)
