"""The life of a stake, as its operator leads it: register, deposit, delegate, allocate, join, leave, take out.

The operator's EigenLayer key (cold) signs these transactions. What signs results in the network is the hot key, which
joins by a signature of its own and can be changed without touching the stake.
"""

from __future__ import annotations

from dataclasses import dataclass

from eth_abi.abi import encode

from proofgrid.chain import artifacts, eigenlayer
from proofgrid.chain.abi import Abi
from proofgrid.chain.accounts import Sender, contract_at
from proofgrid.chain.web3 import AsyncContract, AsyncWeb3
from proofgrid.primitives.signatures import Signer

SET = 0  #: of our one operator set
_NOBODY = "0x0000000000000000000000000000000000000000"
_NO_SALT = bytes(32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """Where a network's service and what is staked for it are on a chain."""

    core: eigenlayer.Core
    avs: str
    strategy: str
    token: str

    def avs_of(self, web3: AsyncWeb3) -> AsyncContract:
        """Return our contract."""
        return contract_at(web3, self.avs, artifacts.abi("ProofgridAvs"))


@dataclass(slots=True)
class Staker:
    """Somebody with tokens: an operator, or who delegates to one."""

    sender: Sender
    service: Service

    @property
    def address(self) -> str:
        """Of the cold key."""
        return self.sender.address

    async def register(self, *, allocation_delay: int = 0, metadata: str = "") -> None:
        """Become an operator of EigenLayer. `allocation_delay`: blocks until allocations count; chosen once."""
        await self.sender.call(self._delegation, "registerAsOperator", _NOBODY, allocation_delay, metadata)

    async def deposit(self, amount: int) -> None:
        """Put tokens into the strategy, in base units."""
        token = self._at(self.service.token, artifacts.abi("DevToken"))
        await self.sender.call(token, "approve", self.service.core.strategies, amount)
        strategies = self._at(self.service.core.strategies, eigenlayer.STRATEGIES)
        await self.sender.call(strategies, "depositIntoStrategy", self.service.strategy, self.service.token, amount)

    async def delegate(self, operator: str) -> None:
        """Let an operator use all that one has deposited."""
        await self.sender.call(self._delegation, "delegateTo", operator, (b"", 0), _NO_SALT)

    async def allocate(self, magnitude: int) -> None:
        """Let our set slash this part of the stake, in 1e-18 of it; 0 takes it back after the core's delay."""
        params = [((self.service.avs, SET), [self.service.strategy], [magnitude])]
        await self.sender.call(self._allocations, "modifyAllocations", self.address, params)

    async def join(self, hot: Signer) -> None:
        """Join the network's operator set with a hot key."""
        data = await self.signed_by(hot)
        await self.sender.call(
            self._allocations, "registerForOperatorSets", self.address, (self.service.avs, [SET], data)
        )

    async def rotate(self, hot: Signer) -> None:
        """Sign in the network with another hot key."""
        await self.sender.call(self._avs, "rotateSigner", await self.signed_by(hot))

    async def describe(self, url: str) -> None:
        """Say where pages of EigenLayer read about this operator."""
        await self.sender.call(self._delegation, "updateOperatorMetadataURI", self.address, url)

    async def leave(self) -> None:
        """Leave the set. The stake stays slashable for the core's deallocation delay."""
        params = (self.address, self.service.avs, [SET])
        await self.sender.call(self._allocations, "deregisterFromOperatorSets", params)

    async def queue_withdrawal(self, shares: int) -> None:
        """Ask for deposited shares back. They stay slashable for the core's withdrawal delay."""
        await self.sender.call(
            self._delegation, "queueWithdrawals", [([self.service.strategy], [shares], self.address)]
        )

    async def complete_withdrawals(self) -> None:
        """Take out what was asked for and is due."""
        queued, _ = await self._delegation.functions.getQueuedWithdrawals(self.address).call()
        for withdrawal in queued:
            await self.sender.call(self._delegation, "completeQueuedWithdrawal", withdrawal, [self.service.token], True)

    async def signed_by(self, hot: Signer) -> bytes:
        """Return what says that a hot key is this operator's: the key and its signature of the contract's digest."""
        digest = await self._avs.functions.joinDigest(self.address).call()
        signature = bytes.fromhex(hot.sign(bytes(digest))[2:])
        return encode(["address", "bytes"], [str(hot.address), signature])

    @property
    def _avs(self) -> AsyncContract:
        return self.service.avs_of(self.sender.web3)

    @property
    def _delegation(self) -> AsyncContract:
        return self._at(self.service.core.delegation, eigenlayer.DELEGATION)

    @property
    def _allocations(self) -> AsyncContract:
        return self._at(self.service.core.allocations, eigenlayer.ALLOCATIONS)

    def _at(self, address: str, abi: Abi) -> AsyncContract:
        return contract_at(self.sender.web3, address, abi)
