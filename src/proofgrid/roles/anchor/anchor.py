"""One step of the anchor after another: read the chain, credit, ask it for slashes and batches, send. One acts.

Of all anchors of a network one has the turn.
"""

from __future__ import annotations

from dataclasses import dataclass

import structlog

from proofgrid.chain.nodes import Nodes
from proofgrid.primitives.errors import Recoverable
from proofgrid.roles.anchor.batching import Batching
from proofgrid.roles.anchor.crediting import Crediting
from proofgrid.roles.anchor.delivering import Deliverer
from proofgrid.roles.anchor.sending import Outbox
from proofgrid.roles.anchor.slashing import Slasher
from proofgrid.roles.anchor.watching import Watcher
from proofgrid.roles.loop import Loop
from proofgrid.store.chain import CHAIN_TROUBLES, AnchorTurn
from proofgrid.store.database import Database
from proofgrid.store.transactions import Transaction

TROUBLE_CHARS_MAX = 500

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Acting:
    """What acts on the chain, where a key for it is at hand."""

    slasher: Slasher
    outbox: Outbox
    deliverer: Deliverer | None = None  #: None: no proofs are brought to contracts
    batching: Batching | None = None  #: where a vault is named


@dataclass(frozen=True, slots=True, kw_only=True)
class Watching:
    """What reads the chain."""

    watcher: Watcher
    crediting: Crediting | None = None  #: where a vault is named


class Anchor:
    """`acting` None: stake and deposits are read, and nothing is sent."""

    def __init__(
        self, database: Database, nodes: Nodes, watching: Watching, acting: Acting | None, *, poll_seconds: float
    ) -> None:
        self._database = database
        self._nodes = nodes
        self._watcher = watching.watcher
        self._crediting = watching.crediting
        self._acting = acting
        self._poll_seconds = poll_seconds
        self._turn = AnchorTurn(database)
        self._is_open = False

    async def run(self) -> None:
        """Work until cancelled."""
        try:
            await Loop("anchor", self.step, retry_seconds=self._poll_seconds, trouble="chain_postponed").run()
        finally:
            await self._turn.give_back()

    async def step(self) -> float:
        """Do all that is to be done now, if it is this process's turn; return when to look again, in seconds."""
        if not await self._turn.take():
            return self._poll_seconds
        try:
            await self._work()
        except Recoverable as error:
            trouble = str(error)[:TROUBLE_CHARS_MAX]
            await self._database.write(Transaction.READ_CHAIN, CHAIN_TROUBLES, trouble=trouble)
            raise
        return self._poll_seconds

    async def _work(self) -> None:
        node = await self._nodes.choose()
        if not self._is_open:
            await self._watcher.open(node.chain_id)
            self._is_open = True
        await self._watcher.look(node)
        vault = None if self._crediting is None else await self._crediting.step(node)
        if self._acting is None:
            return
        await self._acting.slasher.step(node)
        if self._acting.batching is not None and vault is not None:
            await self._acting.batching.step(node, vault)
        if self._acting.deliverer is not None:
            await self._acting.deliverer.step(node)
        await self._acting.outbox.step(node)

    async def close(self) -> None:
        """Let others act."""
        await self._turn.give_back()
