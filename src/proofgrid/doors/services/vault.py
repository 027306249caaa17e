"""The vault, over gRPC."""

from __future__ import annotations

from proofgrid.doors.services.front_door import CallContext, FrontDoor, answering
from proofgrid.primitives.ids import Address
from proofgrid.primitives.signatures import parse_address
from proofgrid.roles.intake.vault import Vaults, VaultStanding
from proofgrid.wire.v1 import vault_pb2 as messages
from proofgrid.wire.v1 import vault_pb2_grpc as services


class VaultService(services.VaultServiceServicer):
    """What `VaultService` of proto/proofgrid/wire/v1/vault.proto promises."""

    def __init__(self, door: FrontDoor, vaults: Vaults) -> None:
        self._door = door
        self._vaults = vaults

    @answering
    async def GetVault(self, request: messages.GetVaultRequest, context: CallContext) -> messages.Vault:  # noqa: N802
        caller = await self._door.admit(context, self._vaults.get)
        return _write(await self._vaults.get(caller))

    @answering
    async def RequestPayout(self, request: messages.RequestPayoutRequest, context: CallContext) -> messages.Vault:  # noqa: N802
        caller = await self._door.admit(context, self._vaults.request)
        standing = await self._vaults.request(
            caller,
            request.amount,
            payout_id=request.payout_id,
            to=_address(request.to, field="to"),
            earned=request.earned,
        )
        return _write(standing)

    @answering
    async def GetVaultProof(  # noqa: N802
        self, request: messages.GetVaultProofRequest, context: CallContext
    ) -> messages.VaultProof:
        caller = await self._door.admit(context, self._vaults.proof)
        claim = await self._vaults.proof(caller, _address(request.account, field="account"), request.number)
        return messages.VaultProof(
            account=claim.account,
            number=claim.number,
            cumulative=str(claim.cumulative),
            proof=list(claim.proof),
            root=f"0x{claim.root.hex()}",
        )

    @answering
    async def GetVaultBatch(  # noqa: N802
        self, request: messages.GetVaultBatchRequest, context: CallContext
    ) -> messages.VaultBatch:
        self._door.admit_stranger(context)  # for everybody, even without a key
        stored = await self._vaults.batch(request.number)
        return messages.VaultBatch(number=stored.number, file=stored.file)


def _address(text: str, *, field: str) -> Address | None:
    return parse_address(text, field=field) if text else None


def _write(standing: VaultStanding) -> messages.Vault:
    view, mine = standing.view, standing.payable
    said = messages.Vault(payable=mine.payable, claimed=mine.claimed, last_batch=mine.last_batch)
    if view is not None:
        said.chain_id, said.vault, said.token, said.unit = view.chain_id, view.vault, view.token, view.unit
        said.delay_blocks, said.silence_blocks = view.delay_blocks, view.silence_blocks
        said.final, said.is_frozen = view.final, view.is_frozen
    return said
