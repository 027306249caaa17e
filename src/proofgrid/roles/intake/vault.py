"""Money that clients and operators take out over the vault of a chain, and what they claim it by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from proofgrid.primitives.account_errors import NoVault, VaultFrozen
from proofgrid.primitives.errors import IdempotencyConflict, InvalidField
from proofgrid.primitives.ids import Address
from proofgrid.primitives.money import check_amount
from proofgrid.roles.intake.treasury import check_id
from proofgrid.rules.access.rights import ANYBODY, needs
from proofgrid.rules.access.roles import Caller, Role
from proofgrid.rules.ledger.accounts import client_account, operator_account
from proofgrid.rules.ledger.payouts import request_payout
from proofgrid.rules.ledger.vault_batches import Batch, parse_batch
from proofgrid.store.chain_vault import BATCH_TO_CLAIM_BY, GET_VAULT_VIEW, PAYABLE_OF, BatchFile, PayableOf, VaultView
from proofgrid.store.conflicts import TransferIdTaken
from proofgrid.store.database import Database
from proofgrid.store.transactions import Transaction
from proofgrid.store.transfers import post_transfers

NEWEST = -1  #: as the number of a batch

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultStanding:
    """The vault, and what of somebody waits for it."""

    view: VaultView | None  #: None: the network has none
    payable: PayableOf


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What an account claims by."""

    account: Address
    number: int
    cumulative: int  #: base units of the token
    proof: Sequence[bytes]
    root: bytes


class Vaults:
    """Everybody looks after its own; batches are for everybody."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._read: tuple[int, Batch] | None = None  #: the batch that was asked for last

    @needs(*ANYBODY)
    async def get(self, caller: Caller) -> VaultStanding:
        """Return the vault, and what of the caller waits for it."""
        async with self._database.connection() as connection:
            view = await connection.first(GET_VAULT_VIEW)
            payable = await connection.value(PAYABLE_OF, account=caller.address)
        return VaultStanding(view=view, payable=payable)

    @needs(Role.CLIENT, Role.OPERATOR, once=True)
    async def request(
        self, caller: Caller, amount: int, *, payout_id: str, to: Address | None, earned: bool
    ) -> VaultStanding:
        """Take money of the caller's out, for an address of the chain; the same id moves money once.

        Raises NoVault, VaultFrozen, InvalidField, InsufficientFunds, or IdempotencyConflict.
        """
        check_amount(amount, field="amount", least=1)
        check_id(payout_id, field="payout_id")
        async with self._database.connection() as connection:
            view = await connection.first(GET_VAULT_VIEW)
        if view is None:
            raise NoVault(hint="an administrator pays out: proofgrid admin treasury")
        if view.is_frozen:
            raise VaultFrozen(hint="leave by the last batch: proofgrid vault exit")
        account = operator_account(caller.address) if earned else client_account(caller.address)
        # Ids are their owner's own: nobody can use up another's.
        transfers = request_payout(
            payout_id=f"{caller.address}:{payout_id}", account=account, to=to or caller.address, amount=amount
        )
        try:
            async with self._database.transaction(Transaction.MOVE_MONEY) as connection:
                await post_transfers(connection, transfers)
        except TransferIdTaken:
            raise IdempotencyConflict("this payout id was used for another payout", field="payout_id") from None
        log.info("payout_requested", address=caller.address, to=to or caller.address, amount=amount)
        return await self.get(caller)

    @needs(*ANYBODY)
    async def proof(self, caller: Caller, account: Address | None, number: int) -> Claim:
        """Return what an account claims by. Raises NoVault, and InvalidField where nothing is paid out to it."""
        stored = await self.batch(number)
        account = account or caller.address
        if self._read is None or self._read[0] != stored.sequence:
            self._read = (stored.sequence, parse_batch(stored.file))
        batch = self._read[1]
        proof = batch.paid.proof(account)
        return Claim(
            account=account,
            number=stored.number,
            cumulative=batch.payouts[account],
            proof=proof,
            root=batch.paid.root,
        )

    async def batch(self, number: int) -> BatchFile:
        """Return a batch for anybody; NEWEST: the one by which claims go now. Raises NoVault, InvalidField."""
        async with self._database.connection() as connection:
            stored = await connection.first(BATCH_TO_CLAIM_BY, number=max(NEWEST, number))
            if stored is None and await connection.first(GET_VAULT_VIEW) is None:
                raise NoVault
        if stored is None:
            raise InvalidField("there is no such batch, or none is in force yet", field="number")
        return stored
