"""A chain as it was read: its newest blocks, the stake in each of them, and what that stands for now."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass
from enum import StrEnum

from proofgrid.primitives.ids import Address
from proofgrid.store.connection import Connection
from proofgrid.store.database import Database
from proofgrid.store.queries import query

_ANCHOR_KEY = 0x70_67_61_6E_63  # "pganc"


class StakeMode(StrEnum):
    """What a bond stands on."""

    LEDGER = "ledger"
    EIGENLAYER = "eigenlayer"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class ChainView:
    """Which chain is read, and how far."""

    chain_id: int
    avs: str
    mode: StakeMode
    horizon: int  #: blocks
    read_ms: int
    fresh_until_ms: int
    trouble: str
    now_ms: int
    final: int  #: 0: nothing was read
    newest: int


@dataclass(frozen=True, slots=True)
class KeptBlock:
    """A block that was read, from the final one on."""

    number: int
    hash: str


@dataclass(frozen=True, slots=True)
class KeptSample:
    """A member's stake in one block, in units of the ledger."""

    block: int
    cold: str
    signer: Address
    slashable: int


@dataclass(frozen=True, slots=True)
class ChainStake:
    """What an operator's stake stands for, in units of the ledger."""

    operator: Address
    cold: str
    staked: int
    leaving: bool
    usable: int  #: while it is fresh, less what is owed


TAKE_ANCHOR_TURN = query("take_anchor_turn", bool)
OPEN_CHAIN_VIEW = query("open_chain_view", int)
GET_CHAIN_VIEW = query("get_chain_view", ChainView)
KEPT_BLOCKS = query("kept_blocks", KeptBlock)
UNDO_BLOCKS = query("undo_blocks", None)
ADD_BLOCK = query("add_block", None)
ADD_STAKE_SAMPLES = query("add_stake_samples", None)
FORGET_BLOCKS = query("forget_blocks", None)
STAKE_SAMPLES = query("stake_samples", KeptSample)
SHOW_STAKES = query("show_stakes", None)
CHAIN_WAS_READ = query("chain_was_read", None)
CHAIN_TROUBLES = query("chain_troubles", None)
CHAIN_STAKES = query("chain_stakes", ChainStake)


class AnchorTurn:
    """The right to act on the chain for a network, which one process has at a time, until its connection is lost."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._stack = AsyncExitStack()
        self._connection: Connection | None = None
        self._is_mine = False

    async def take(self) -> bool:
        """Is it this process's turn? Raises what connecting raises."""
        if self._connection is not None and self._connection.is_closed():
            await self.give_back()
        if self._connection is None:
            self._connection = Connection(await self._stack.enter_async_context(self._database.unhurried_connection()))
        self._is_mine = self._is_mine or await self._connection.value(TAKE_ANCHOR_TURN, key=_ANCHOR_KEY)
        return self._is_mine

    async def give_back(self) -> None:
        """Let others have it."""
        self._connection, self._is_mine = None, False
        await self._stack.aclose()
