"""A network held to a chain: operators with stake there, leases in a lane, and an anchor that is stepped by hand."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from proofgrid.chain.devnet.network import TOKEN, ChainNetwork
from proofgrid.chain.eigenlayer import WAD
from proofgrid.chain.members import Members
from proofgrid.chain.nodes import Nodes
from proofgrid.chain.signing import ChainSigner
from proofgrid.chain.slashes import SlashContract
from proofgrid.chain.stake import Staker
from proofgrid.primitives.signatures import SigningKey
from proofgrid.roles.anchor.anchor import Acting, Anchor
from proofgrid.roles.anchor.sending import Outbox
from proofgrid.roles.anchor.slashing import Slasher, SlashTerms
from proofgrid.roles.anchor.watching import Watcher, WatchTerms
from proofgrid.store.bonds import chain_bonds_of
from proofgrid.store.chain import GET_CHAIN_VIEW, ChainView
from proofgrid.store.database import Database
from tests.roles.lanes import LaneUnderTest

FEE_CAP = 10**12
FINAL_AFTER = 4  #: blocks, of this chain


@dataclass(slots=True)
class ChainLife:
    chain: ChainNetwork
    lane: LaneUnderTest
    urls: list[str] = field(default_factory=list)
    watch: WatchTerms = field(default_factory=WatchTerms)
    slash: SlashTerms = field(default_factory=SlashTerms)
    anchor: Anchor = field(init=False)
    nodes: Nodes = field(init=False)

    @classmethod
    @asynccontextmanager
    async def begun(cls, chain: ChainNetwork, lane: LaneUnderTest) -> AsyncIterator[ChainLife]:
        life = cls(chain, lane, [chain.chain.url])
        life.open()
        try:
            yield life
        finally:
            await life.close()

    @property
    def database(self) -> Database:
        return self.lane.database

    def open(self, database: Database | None = None) -> None:
        """Begin with a new anchor, as after a restart."""
        database = database or self.database
        signer = ChainSigner(self.chain.slasher.account)
        self.nodes = Nodes.named(self.urls)
        acting = Acting(
            slasher=Slasher(database, SlashContract(str(self.chain.avs.address)), self.slash, sender=signer.address),
            outbox=Outbox(database, signer, fee_cap=FEE_CAP),
        )
        watcher = Watcher(database, Members(self.chain.service), self.watch)
        self.anchor = Anchor(database, self.nodes, watcher, acting, poll_seconds=0.0)

    async def close(self) -> None:
        await self.anchor.close()
        await self.nodes.close()

    async def joined(self, number: int, hot: SigningKey, tokens: int = 100) -> Staker:
        """Return an operator whose whole stake is the network's, and let the anchor see it when it is final."""
        operator = await self.chain.funded(number, tokens)
        await operator.register()
        await operator.deposit(tokens * TOKEN)
        await self.chain.chain.mine(self.chain.staked.delays.configuration + 1)
        await operator.allocate(WAD)
        await operator.join(hot)
        await self.settle()
        return operator

    async def settle(self) -> None:
        """Let what happened become final, and the anchor see it."""
        await self.chain.chain.mine(FINAL_AFTER + 1)
        await self.anchor.step()

    async def usable(self, operator: str) -> int:
        """Return what stake adds to an operator's bond, in units of the ledger."""
        async with self.database.connection() as connection:
            return (await chain_bonds_of(connection, [operator]))[operator].staked

    async def view(self) -> ChainView:
        async with self.database.connection() as connection:
            return await connection.value(GET_CHAIN_VIEW)

    async def slashes(self) -> list[tuple[int, int, int]]:
        """Return (state, amount, taken) of every slash in the contract."""
        functions = self.chain.avs.functions
        found = []
        for number in range(await functions.slashes().call()):
            _, state, _, amount, taken, _ = await functions.slashOf(number).call()
            found.append((state, amount, taken))
        return found
