"""The chain of the demo: EigenLayer and our contracts on it, a block now and then, and operators who stake."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from proofgrid.chain.devnet.anvil import running
from proofgrid.chain.devnet.network import TOKEN, ChainNetwork, deploy_network
from proofgrid.chain.eigenlayer import WAD
from proofgrid.chain.reading import StakeOnChain, StakeReader
from proofgrid.chain.stake import Staker
from proofgrid.primitives.errors import ProofgridError
from proofgrid.primitives.ids import Address
from proofgrid.primitives.signatures import SigningKey

BLOCK_SECONDS = 0.3  #: a chain where nothing happens makes a block all the same
STAKE_TOKENS = 100
LOOK_SECONDS = 0.1
PERSON = {"alice": 2, "bob": 3}  #: whose number among the chain's people


@dataclass(slots=True)
class Stakes:
    """Opened by `open_stakes`."""

    network: ChainNetwork
    stakers: dict[str, Staker] = field(default_factory=dict)

    @property
    def avs(self) -> str:
        """Return the address of the network's contract."""
        return self.network.service.avs

    async def block(self) -> int:
        """Return the newest block's number."""
        return int(await self.network.chain.web3.eth.block_number)

    async def join(self, name: str, hot: SigningKey) -> list[tuple[str, int]]:
        """Stake for an operator as `proofgrid chain join` does; return each step with the block that it is in."""
        me = self.stakers[name] = await self.network.funded(PERSON[name], STAKE_TOKENS)
        steps = []
        await me.register()
        steps.append(("registers with EigenLayer", await self.block()))
        await me.deposit(STAKE_TOKENS * TOKEN)
        steps.append((f"deposits {STAKE_TOKENS} tokens", await self.block()))
        await self._until(steps[0][1] + self.network.staked.delays.configuration + 1)
        await me.allocate(WAD)
        steps.append(("allocates them to this network", await self.block()))
        await me.join(hot)
        steps.append(("joins with its hot key", await self.block()))
        return steps

    async def look(self, name: str) -> StakeOnChain:
        """Return an operator's stake as the newest block has it."""
        reader = StakeReader(self.network.chain.web3, self.network.service)
        return await reader.look(Address(self.stakers[name].address))

    async def state_of_slash(self, number: int) -> tuple[int, int]:
        """Return the state of a slash in the contract, and what it took, in base units of the token."""
        _, state, _, _, taken, _ = await self.network.avs.functions.slashOf(number).call()
        return int(state), int(taken)

    async def _until(self, number: int) -> None:
        while await self.block() < number:  # noqa: ASYNC110 - another process makes them
            await asyncio.sleep(LOOK_SECONDS)


@asynccontextmanager
async def open_stakes(folder: Path, network: str) -> AsyncIterator[Stakes]:
    """Run a chain with everything on it for the network whose key has this address. Raises NotFetched."""
    async with running(folder / "anvil.log") as chain:
        deployed = await deploy_network(chain, network)
        going_on = asyncio.ensure_future(_make_blocks(deployed))
        try:
            yield Stakes(deployed)
        finally:
            going_on.cancel()
            with suppress(asyncio.CancelledError, ProofgridError, OSError):
                await going_on


async def _make_blocks(network: ChainNetwork) -> None:
    while True:
        await asyncio.sleep(BLOCK_SECONDS)
        await network.chain.mine()
