"""The vault as its contract has it: deposits by number, batches, claims, and the calls that post and take out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from eth_typing import HexStr
from eth_utils.address import to_checksum_address

from proofgrid.chain import artifacts
from proofgrid.chain.accounts import contract_at
from proofgrid.chain.nodes import Node, NoNode, asked
from proofgrid.chain.web3 import AsyncContract, AsyncWeb3, connect
from proofgrid.primitives.ids import Address
from proofgrid.rules.chain.following import Block

LOG_BLOCKS = 5_000  #: in which a deposit's transaction is looked for at once: nodes refuse more


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultFacts:
    """What a vault was deployed with."""

    vault: str
    token: str
    unit: int  #: base units of the token in one of the ledger
    delay_blocks: int
    silence_blocks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultSeen:
    """A vault in one block. Amounts in base units of the token."""

    deposits: int  #: how many
    tokens: int  #: that it holds
    claimed_total: int
    batches: int
    last_posted: int  #: a block
    is_frozen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DepositThere:
    """A deposit, in base units of the token."""

    number: int
    account: Address
    payer: Address
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchThere:
    """A batch in the contract; roots as hex digits after 0x."""

    number: int
    payouts: str
    balances: str
    deposits_seen: int
    in_force_at: int  #: a block
    is_struck: bool


class VaultContract:
    """Our contract, read by the hash of a block, so that no answer is of another one."""

    def __init__(self, vault: str) -> None:
        self.address = vault
        self._spelled = vault_at(connect("http://127.0.0.1:0"), vault)  # for spelling calls: nothing is asked there

    async def facts(self, node: Node) -> VaultFacts:
        """Return what never changes."""
        return await facts_of(node.web3, self.address)

    async def look(self, node: Node, block: Block) -> VaultSeen | None:
        """Return how it stands in a block; None: it was not there yet."""
        at = HexStr(block.hash)
        if not await asked(node.web3.eth.get_code(to_checksum_address(self.address), block_identifier=at)):
            return None
        functions = vault_at(node.web3, self.address).functions
        token = contract_at(node.web3, str(await asked(functions.token().call())), artifacts.abi("DevToken"))
        return VaultSeen(
            deposits=int(await asked(functions.deposits().call(block_identifier=at))),
            tokens=int(await asked(token.functions.balanceOf(self.address).call(block_identifier=at))),
            claimed_total=int(await asked(functions.claimedTotal().call(block_identifier=at))),
            batches=int(await asked(functions.batches().call(block_identifier=at))),
            last_posted=int(await asked(functions.lastPosted().call(block_identifier=at))),
            is_frozen=bool(await asked(functions.frozen().call(block_identifier=at))),
        )

    async def deposit(self, node: Node, block: Block, number: int) -> DepositThere:
        """Return a deposit that is there in a block."""
        there = vault_at(node.web3, self.address).functions.depositOf(number)
        account, payer, amount, _, _ = await asked(there.call(block_identifier=HexStr(block.hash)))
        return DepositThere(number=number, account=Address(str(account)), payer=Address(str(payer)), amount=int(amount))

    async def transaction_of(self, node: Node, number: int, *, first: int, last: int) -> str:
        """Return the transaction of a deposit, looked for from the block `last` back. Raises NoNode."""
        event = vault_at(node.web3, self.address).events.Deposited()
        while last >= first:
            since = max(first, last - LOG_BLOCKS + 1)
            found = await asked(event.get_logs(argument_filters={"number": number}, from_block=since, to_block=last))
            if found:
                return f"0x{bytes(found[0]['transactionHash']).hex()}"
            last = since - 1
        raise NoNode(f"{node.url} has the deposit {number}, and no event of it")

    async def claimed(self, node: Node, block: Block, account: Address) -> int:
        """Return what an account claimed in all, in base units of the token."""
        there = vault_at(node.web3, self.address).functions.claimed(account)
        return int(await asked(there.call(block_identifier=HexStr(block.hash))))

    async def batches(self, node: Node, block: Block, numbers: Iterable[int]) -> list[BatchThere]:
        """Return batches that are there in a block, by their numbers."""
        return [await batch_at(node.web3, self.address, number, at=block.hash) for number in numbers]

    def post(self, *, payouts: bytes, balances: bytes, records: bytes, deposits_seen: int, paid: int, owed: int) -> str:
        """Return the call that posts a batch; `paid`, `owed`: totals in base units of the token."""
        batch = (payouts, balances, records, deposits_seen, 0, paid, owed, False)
        return str(self._spelled.encode_abi("post", args=[batch]))


def vault_at(web3: AsyncWeb3, vault: str) -> AsyncContract:
    """Return the contract on a chain."""
    return contract_at(web3, vault, artifacts.abi("ProofgridVault"))


async def facts_of(web3: AsyncWeb3, vault: str) -> VaultFacts:
    """Return what a vault was deployed with."""
    functions = vault_at(web3, vault).functions
    return VaultFacts(
        vault=vault,
        token=str(await asked(functions.token().call())),
        unit=int(await asked(functions.unit().call())),
        delay_blocks=int(await asked(functions.delayBlocks().call())),
        silence_blocks=int(await asked(functions.silenceBlocks().call())),
    )


async def batch_at(web3: AsyncWeb3, vault: str, number: int, *, at: str | None = None) -> BatchThere:
    """Return a batch; `at`: the hash of a block, the newest one without."""
    there = vault_at(web3, vault).functions.batchOf(number)
    said = await asked(there.call() if at is None else there.call(block_identifier=HexStr(at)))
    payouts, balances, _, deposits_seen, in_force_at, _, _, is_struck = said
    return BatchThere(
        number=number,
        payouts=f"0x{bytes(payouts).hex()}",
        balances=f"0x{bytes(balances).hex()}",
        deposits_seen=int(deposits_seen),
        in_force_at=int(in_force_at),
        is_struck=bool(is_struck),
    )
