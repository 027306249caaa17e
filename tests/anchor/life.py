"""A network held to a chain: operators with stake there, leases in a lane, and an anchor that is stepped by hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from proofgrid.chain.devnet.network import TOKEN, ChainNetwork
from proofgrid.chain.eigenlayer import WAD
from proofgrid.chain.members import Members
from proofgrid.chain.nodes import Nodes
from proofgrid.chain.signing import ChainSigner
from proofgrid.chain.slashes import SlashContract
from proofgrid.chain.stake import Staker
from proofgrid.chain.vault import VaultContract
from proofgrid.primitives.signatures import SigningKey
from proofgrid.roles.anchor.anchor import Acting, Anchor, Watching
from proofgrid.roles.anchor.batching import Batching, BatchTerms
from proofgrid.roles.anchor.crediting import Crediting
from proofgrid.roles.anchor.sending import Outbox
from proofgrid.roles.anchor.slashing import Slasher, SlashTerms
from proofgrid.roles.anchor.watching import Watcher, WatchTerms
from proofgrid.rules.staking.chain_slashes import AskingTerms
from proofgrid.store.bonds import chain_bonds_of
from proofgrid.store.chain import GET_CHAIN_VIEW, ChainView
from proofgrid.store.database import Database
from proofgrid.store.weather import PASSING_TROUBLE
from tests.makers import a_key
from tests.roles.lanes import LaneUnderTest

HOT = a_key(7)  #: of the one member
STAKER = 2  #: its number among the people of the chain
STAKED = 100  #: tokens
FEE_CAP = 10**12
PROPOSED, VETOED, TAKEN = 1, 2, 3  #: states of a slash in the contract
FINAL_AFTER = 4  #: blocks, of this chain


async def join(network: ChainNetwork, number: int, hot: SigningKey, tokens: int = STAKED) -> Staker:
    """Make one of the chain's people a member whose whole stake is the network's."""
    operator = await network.funded(number, tokens)
    await operator.register()
    await operator.deposit(tokens * TOKEN)
    await network.chain.mine(network.staked.delays.configuration + 1)
    await operator.allocate(WAD)
    await operator.join(hot)
    return operator


@dataclass(slots=True)
class ChainLife:
    chain: ChainNetwork
    lane: LaneUnderTest
    urls: list[str] = field(default_factory=list)
    watch: WatchTerms = field(default_factory=WatchTerms)
    slash: SlashTerms = field(default_factory=SlashTerms)
    every_ms: int = 0  #: between batches
    signer: ChainSigner = field(init=False)  #: of anchors that are opened from now on
    anchor: Anchor = field(init=False)
    opened: list[tuple[Anchor, Nodes]] = field(default_factory=list)

    @classmethod
    @asynccontextmanager
    async def begun(cls, chain: ChainNetwork, lane: LaneUnderTest) -> AsyncIterator[ChainLife]:
        life = cls(chain, lane, [chain.chain.url])
        life.signer = ChainSigner(chain.slasher.account)
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
        nodes = Nodes.named(self.urls)
        vault = VaultContract(str(self.chain.vault.address))
        acting = Acting(
            batching=Batching(database, vault, BatchTerms(every_ms=self.every_ms), self.signer),
            slasher=Slasher(database, SlashContract(str(self.chain.avs.address)), self.slash),
            outbox=Outbox(database, self.signer, fee_cap=FEE_CAP),
        )
        watcher = Watcher(database, Members(self.chain.service), self.watch)
        watching = Watching(watcher=watcher, crediting=Crediting(database, vault))
        self.anchor = Anchor(database, nodes, watching, acting, poll_seconds=0.0)
        self.opened.append((self.anchor, nodes))

    async def close(self) -> None:
        while self.opened:
            anchor, nodes = self.opened.pop()
            await anchor.close()
            await nodes.close()

    async def joined(self) -> Staker:
        """Let the anchor see the member, whose whole stake is the network's; return it."""
        await self.settle()
        return Staker(self.chain.chain.person(STAKER), self.chain.service)

    async def settle(self) -> None:
        """Let what happened become final, and the anchor see it."""
        await self.chain.chain.mine(FINAL_AFTER + 1)
        await self.anchor.step()

    async def stepped(self) -> None:
        """Step, and wait until what was sent is in a block: it is not yet when the node has taken it."""
        await self.anchor.step()
        while await self.chain.chain._ask("txpool_status") != {"pending": "0x0", "queued": "0x0"}:  # noqa: ASYNC110
            await asyncio.sleep(0.01)

    def ask_for(self, *, least: int) -> None:
        """Ask the chain for less than so much only when an operator leaves."""
        self.slash = SlashTerms(asking=AskingTerms(least=least, patience_ms=10**9))
        self.open()

    async def played_out(self) -> None:
        """Step until every slash that goes on by itself is over and final."""
        for _ in range(4):
            for _ in range(3):
                await self.anchor.step()
            await self.chain.chain.mine(max(FINAL_AFTER + 1, self.chain.terms.veto_blocks))
        await self.anchor.step()

    def two_at_once(
        self, monkeypatch: pytest.MonkeyPatch, begin: Callable[[], None] | None = None
    ) -> tuple[Anchor, Anchor]:
        """Return two anchors that both believe it is their turn, as behind a connection whose end nobody knows of."""
        first = self.anchor
        (begin or self.open)()

        async def mine() -> bool:
            return True

        for anchor in (first, self.anchor):
            monkeypatch.setattr(anchor._turn, "take", mine)
        return first, self.anchor

    async def played_out_by(self, *anchors: Anchor) -> None:
        """The same by several anchors at once."""
        for _ in range(6):
            for _ in range(2):
                await self.at_once(*anchors)
            await self.chain.chain.mine(max(FINAL_AFTER + 1, self.chain.terms.veto_blocks))
        await anchors[0].step()

    async def at_once(self, *anchors: Anchor) -> None:
        """Let each take a step; what one of them is refused because of another is no trouble."""
        for said in await asyncio.gather(*(anchor.step() for anchor in anchors), return_exceptions=True):
            if isinstance(said, BaseException) and not isinstance(said, PASSING_TROUBLE):
                raise said

    async def balance(self, account: str) -> int:
        rows = await self.lane.fetch("SELECT balance FROM accounts WHERE account = $1", account)
        return int(rows[0]["balance"]) if rows else 0

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
