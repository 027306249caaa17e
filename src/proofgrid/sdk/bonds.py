"""What operators ask of a network: their bond, and what was taken of it.

async with Client("grpcs://gateway.example:7400", operator_key) as client:
    await client.bonds.deposit(25_000_000_000)
    for evidence in await client.bonds.evidence():
        print(evidence.kind, evidence.amount)
"""

from __future__ import annotations

from proofgrid.primitives.clock import fresh_bytes
from proofgrid.primitives.pages import Page
from proofgrid.sdk.answers.operators import Evidence, Stake
from proofgrid.sdk.answers.reading import read, read_page
from proofgrid.sdk.connection import Connection
from proofgrid.wire.v1 import stake_pb2 as messages


class Bonds:
    """The calls about bonds; amounts are base units. Each may safely be made twice, and is while none answers."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def show(self, operator: str = "") -> Stake:
        """Return your bond; others' are for administrators."""
        request = messages.GetStakeRequest(operator=operator)
        return read(Stake, await self._connection.ask(lambda services: services.stake.GetStake, request))

    async def deposit(self, amount: int, *, deposit_id: str = "") -> Stake:
        """Pay into your bond, out of what you earned; the same id pays once."""
        request = messages.DepositStakeRequest(amount=amount, deposit_id=deposit_id or fresh_bytes(16).hex())
        return read(Stake, await self._connection.ask(lambda services: services.stake.DepositStake, request))

    async def unbond(self, amount: int, *, unbonding_id: str = "") -> Stake:
        """Begin to take a part of your bond out; it can be slashed until the delay is over. The same id begins once."""
        request = messages.UnbondRequest(amount=amount, unbonding_id=unbonding_id or fresh_bytes(16).hex())
        return read(Stake, await self._connection.ask(lambda services: services.stake.Unbond, request))

    async def withdraw(self) -> Stake:
        """Move what was unbonded long enough ago to your earnings."""
        request = messages.WithdrawStakeRequest()
        return read(Stake, await self._connection.ask(lambda services: services.stake.WithdrawStake, request))

    async def evidence(
        self, *, operator: str = "", state: str = "", limit: int = 100, cursor: str = ""
    ) -> Page[Evidence]:
        """Return what was taken of your bond, newest first; administrators see everybody's.

        `state`: only what stands, appealed, upheld or overturned.
        """
        request = messages.ListEvidenceRequest(operator=operator, state=state, limit=limit, cursor=cursor)
        answer = await self._connection.ask(lambda services: services.stake.ListEvidence, request)
        return read_page(Evidence, answer.evidence, answer.next_cursor)

    async def one_evidence(self, evidence_id: str) -> Evidence:
        """Return one of them."""
        request = messages.GetEvidenceRequest(evidence_id=evidence_id)
        answer = await self._connection.ask(lambda services: services.stake.GetEvidence, request)
        return read(Evidence, answer.evidence)

    async def appeal(self, evidence_id: str, text: str) -> Evidence:
        """Say why a slash was wrong. Once for each."""
        request = messages.AppealRequest(evidence_id=evidence_id, text=text)
        return read(Evidence, await self._connection.ask(lambda services: services.stake.Appeal, request))
