"""What people do at a vault themselves: pay in, claim, and leave when the network is gone. It needs a node only.

What they claim and leave by is the public file of a batch (rules/ledger/vault_batches.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from proofgrid.chain import artifacts
from proofgrid.chain.accounts import Sender, contract_at
from proofgrid.chain.nodes import asked, block_at
from proofgrid.chain.vault import BatchThere, VaultFacts, batch_at, facts_of, vault_at
from proofgrid.chain.web3 import AsyncContract, AsyncWeb3, ContractCustomError
from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.ids import Address
from proofgrid.rules.ledger.vault_batches import Batch

_BLOCKS_MEASURED = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultNow:
    """A vault as an account finds it; amounts in base units of the token."""

    facts: VaultFacts
    chain_id: int
    block: int
    final: int
    block_seconds: float  #: over the last hundred
    is_frozen: bool
    freezes_after: int  #: the block after which anybody may freeze it, if no batch comes
    in_force: BatchThere | None
    claimed: int  #: by the account, in all
    has_left: bool
    tokens: int  #: that the account has
    unseen: tuple[tuple[int, int], ...]  #: its deposits that the batch in force has not seen: number and amount


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultStep:
    """A transaction, as it is said before it is signed."""

    says: str
    name: str  #: of the contract's function
    arguments: tuple[object, ...] = ()
    approves: int = 0  #: base units of the token that the vault may take before


@dataclass(slots=True)
class VaultDesk:
    """One vault on one chain. `sender` None: it is only looked at."""

    web3: AsyncWeb3
    vault: Address
    sender: Sender | None = None

    async def look(self, account: Address) -> VaultNow:
        """Return how the vault stands for an account."""
        functions = self._contract.functions
        block, final = await asked(block_at(self.web3, "latest")), await asked(block_at(self.web3, "finalized"))
        if block is None or final is None:
            raise InvalidField("the node knows no newest or no final block", field="rpc")
        facts = await facts_of(self.web3, self.vault)
        in_force = await self._in_force()
        token = contract_at(self.web3, facts.token, artifacts.abi("DevToken"))
        return VaultNow(
            facts=facts,
            chain_id=int(await asked(self.web3.eth.chain_id)),
            block=block.number,
            final=final.number,
            block_seconds=await self._block_seconds(block.number),
            is_frozen=bool(await asked(functions.frozen().call())),
            freezes_after=int(await asked(functions.lastPosted().call())) + facts.silence_blocks,
            in_force=in_force,
            claimed=int(await asked(functions.claimed(account).call())),
            has_left=bool(await asked(functions.left(account).call())),
            tokens=int(await asked(token.functions.balanceOf(account).call())),
            unseen=await self._unseen(account, 0 if in_force is None else in_force.deposits_seen),
        )

    async def act(self, steps: Sequence[VaultStep]) -> None:
        """Send one after the other. Raises TransactionReverted, InvalidField without a key."""
        if self.sender is None:
            raise InvalidField("who signs, and pays the gas?", field="chain_key", hint="--chain-key FILE")
        for step in steps:
            if step.approves:
                token = str(await asked(self._contract.functions.token().call()))
                await self.sender.call(
                    contract_at(self.web3, token, artifacts.abi("DevToken")), "approve", self.vault, step.approves
                )
            await self.sender.call(self._contract, step.name, *step.arguments)

    @property
    def _contract(self) -> AsyncContract:
        return vault_at(self.web3, self.vault)

    async def _in_force(self) -> BatchThere | None:
        try:
            number = int(await asked(self._contract.functions.lastInForce().call()))
        except ContractCustomError:
            return None
        return await batch_at(self.web3, self.vault, number)

    async def _unseen(self, account: Address, first: int) -> tuple[tuple[int, int], ...]:
        functions, found = self._contract.functions, []
        for number in range(first, int(await asked(functions.deposits().call()))):
            _, payer, amount, _, is_back = await asked(functions.depositOf(number).call())
            if payer == account and not is_back:
                found.append((number, int(amount)))
        return tuple(found)

    async def _block_seconds(self, newest: int) -> float:
        back = min(newest, _BLOCKS_MEASURED)
        if back == 0:
            return 0.0
        first, last = (
            await asked(self.web3.eth.get_block(newest - back)),
            await asked(self.web3.eth.get_block(newest)),
        )
        return (int(last["timestamp"]) - int(first["timestamp"])) / back


def check_file(batch: Batch, now: VaultNow) -> None:
    """Raise InvalidField unless a file is of the batch in force of this vault."""
    if (batch.chain_id, batch.vault) != (now.chain_id, now.facts.vault):
        raise InvalidField("the file is of another vault, or of another chain", field="file")
    if now.in_force is None:
        raise InvalidField("no batch of the vault is in force", field="file")
    roots = (f"0x{batch.paid.root.hex()}", f"0x{batch.owed.root.hex()}")
    if roots != (now.in_force.payouts, now.in_force.balances):
        raise InvalidField(
            f"the file is of another batch; the one in force has the number {now.in_force.number}",
            field="file",
            hint=f"proofgrid vault batch {now.in_force.number} --out FILE, or from whoever has kept it",
        )


def claim_steps(batch: Batch, account: Address, now: VaultNow) -> list[VaultStep]:
    """Return what pays an account what it was paid out since it last claimed; nothing where nothing is."""
    check_file(batch, now)
    cumulative = batch.payouts.get(account, 0)
    if cumulative <= now.claimed:
        return []
    says = f"claim {cumulative - now.claimed} base units of the token for {account}"
    return [VaultStep(says=says, name="claim", arguments=(account, cumulative, batch.paid.proof(account)))]


def exit_steps(batch: Batch | None, account: Address, now: VaultNow) -> list[VaultStep]:
    """Return what gets an account all that the vault owes it, once the network is silent. Raises InvalidField."""
    steps = []
    if not now.is_frozen:
        if now.block <= now.freezes_after:
            raise InvalidField(
                f"the network is not silent: it posted a batch; after block {now.freezes_after}, if none comes,"
                f" anybody freezes the vault, in {now.freezes_after + 1 - now.block} blocks",
                field="vault",
            )
        steps.append(VaultStep(says="freeze the vault: for good, nobody posts or pays in any more", name="freeze"))
    if now.in_force is not None:
        if batch is None:
            raise InvalidField(f"the file of the batch {now.in_force.number} is needed", field="file")
        check_file(batch, now)
        owed = batch.balances.get(account, 0)
        if owed and not now.has_left:
            says = f"leave with {owed} base units of the token, the balance of {account}"
            steps.append(VaultStep(says=says, name="exit", arguments=(account, owed, batch.owed.proof(account))))
        steps += claim_steps(batch, account, now)
    steps += [
        VaultStep(says=f"take the deposit {number} back: {amount} base units", name="takeBack", arguments=(number,))
        for number, amount in now.unseen
    ]
    return steps
