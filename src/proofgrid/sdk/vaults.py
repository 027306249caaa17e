"""What clients and operators ask of a network whose money is in a vault on a chain.

async with Client("grpcs://gateway.example:7400", key) as client:
    await client.vaults.request_payout(5_000_000_000)
"""

from __future__ import annotations

from proofgrid.primitives.clock import fresh_bytes
from proofgrid.sdk.answers.reading import read
from proofgrid.sdk.answers.vault import Vault, VaultBatch, VaultProof
from proofgrid.sdk.connection import Connection
from proofgrid.wire.v1 import vault_pb2 as messages

NEWEST = -1


class Vaults:
    """The calls about the vault; amounts are units of the ledger."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def show(self) -> Vault:
        """Return the vault, and what of yours waits for it."""
        request = messages.GetVaultRequest()
        return read(Vault, await self._connection.ask(lambda services: services.vaults.GetVault, request))

    async def request_payout(self, amount: int, *, to: str = "", earned: bool = False, payout_id: str = "") -> Vault:
        """Take money out, for an address of the chain, your own unless said otherwise; the same id pays once.

        `earned`: out of what you earned as an operator.
        """
        request = messages.RequestPayoutRequest(
            amount=amount, payout_id=payout_id or fresh_bytes(16).hex(), to=to, earned=earned
        )
        return read(Vault, await self._connection.ask(lambda services: services.vaults.RequestPayout, request))

    async def proof(self, account: str = "", *, number: int = NEWEST) -> VaultProof:
        """Return what an account claims by, your own unless said otherwise."""
        request = messages.GetVaultProofRequest(account=account, number=number)
        return read(VaultProof, await self._connection.ask(lambda services: services.vaults.GetVaultProof, request))

    async def batch(self, *, number: int = NEWEST) -> VaultBatch:
        """Return the public file of a batch. Keep the newest: with it you need nobody to leave."""
        request = messages.GetVaultBatchRequest(number=number)
        return read(VaultBatch, await self._connection.ask(lambda services: services.vaults.GetVaultBatch, request))
