"""Reads the chain, block by block, and writes down what each operator's stake stands for.

node chosen --blocks that are gone--> undone --new blocks--> members and stakes of each --> what they stand for
  `--not believed, or silent: nothing is written, and what was read runs out
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog

from proofgrid.chain.members import Member, Members
from proofgrid.chain.nodes import Node
from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.ids import Address
from proofgrid.rules.chain.following import Block, Reading, next_reading
from proofgrid.rules.staking.onchain import StakeSample, StakeTerms, staked
from proofgrid.store.chain import (
    ADD_BLOCK,
    ADD_STAKE_SAMPLES,
    CHAIN_WAS_READ,
    FORGET_BLOCKS,
    GET_CHAIN_VIEW,
    KEPT_BLOCKS,
    OPEN_CHAIN_VIEW,
    SHOW_STAKES,
    STAKE_SAMPLES,
    UNDO_BLOCKS,
    KeptBlock,
    KeptSample,
    StakeMode,
)
from proofgrid.store.connection import Connection
from proofgrid.store.database import Database
from proofgrid.store.transactions import Transaction

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchTerms:
    """What stake stands for, and for how long after it was read."""

    mode: StakeMode = StakeMode.BOTH
    stake: StakeTerms = field(default_factory=StakeTerms)
    horizon: int = 0  #: blocks ahead for which stake is asked
    fresh_ms: int = 120_000  #: what was read counts for so long


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What one operator's stake stands for, in units of the ledger."""

    operator: Address
    cold: str
    staked: int
    leaving: bool


class Watcher:
    """Opens the view of one chain and service, and keeps it fresh."""

    def __init__(self, database: Database, members: Members, terms: WatchTerms) -> None:
        self._database = database
        self._members = members
        self._terms = terms

    async def open(self, chain_id: int) -> None:
        """Say which chain and service it is. Raises InvalidField when the network's stake is on another one."""
        opened = await self._database.write(
            Transaction.READ_CHAIN,
            OPEN_CHAIN_VIEW,
            chain_id=chain_id,
            avs=self._members.service.avs,
            mode=self._terms.mode.value,
            horizon=self._terms.horizon,
        )
        if opened:
            return
        async with self._database.connection() as connection:
            view = await connection.value(GET_CHAIN_VIEW)
        raise InvalidField(
            f"this network's stake is on another chain, or another contract: {view.avs} of chain {view.chain_id}",
            field="avs",
            hint="name that one, or begin a network of your own",
        )

    async def look(self, node: Node) -> None:
        """Read what is new, once. Raises NodeNotBelieved, NoNode, Unavailable."""
        async with self._database.connection() as connection:
            kept = await connection.fetch(KEPT_BLOCKS)
        reading = await self._compare(node, kept)
        read = [(block, await self._members_of(node, block)) for block in await self._blocks(node, reading)]
        async with self._database.transaction(Transaction.READ_CHAIN) as connection:
            if reading.undone is not None:
                log.warning("chain_reorganised", above=reading.undone, blocks=kept[-1].number - reading.undone)
                await connection.run(UNDO_BLOCKS, above=reading.undone)
            for block, members in read:
                await self._write(connection, block, members)
            await connection.run(FORGET_BLOCKS, below=reading.final)
            await self._show(connection)
            await connection.run(CHAIN_WAS_READ, fresh_ms=self._terms.fresh_ms)

    async def _compare(self, node: Node, kept: Sequence[KeptBlock]) -> Reading:
        """Ask the node for the hashes that decide: of the final block, and from the newest down to where both agree."""
        hashes: dict[int, str] = {}
        for block in [*kept[:1], *reversed(kept)]:
            if block.number <= node.newest.number and (found := await node.block_at(block.number)) is not None:
                hashes[found.number] = found.hash
                if found.hash == block.hash and block is not kept[0]:
                    break
        known = [Block(number=block.number, hash=block.hash) for block in kept]
        return next_reading(known, newest=node.newest.number, final=node.final.number, hashes=hashes)

    async def _blocks(self, node: Node, reading: Reading) -> list[Block]:
        found = [await node.block_at(number) for number in range(reading.first, reading.last + 1)]
        # One that is gone by now ends the step's reach; the next step sees what came instead.
        there = next((at for at, block in enumerate(found) if block is None), len(found))
        return [block for block in found[:there] if block is not None]

    async def _members_of(self, node: Node, block: Block) -> list[Member]:
        return await self._members.at(node, block, horizon=self._terms.horizon)

    async def _write(self, connection: Connection, block: Block, members: Sequence[Member]) -> None:
        await connection.run(ADD_BLOCK, number=block.number, hash=block.hash)
        await connection.run(
            ADD_STAKE_SAMPLES,
            block=block.number,
            colds=[member.cold for member in members],
            signers=[member.signer for member in members],
            slashables=[member.slashable // self._terms.stake.unit for member in members],
        )

    async def _show(self, connection: Connection) -> None:
        blocks = [block.number for block in await connection.fetch(KEPT_BLOCKS)]
        shown = standings(await connection.fetch(STAKE_SAMPLES), blocks, self._terms.stake)
        await connection.run(
            SHOW_STAKES,
            operators=[one.operator for one in shown],
            colds=[one.cold for one in shown],
            stakes=[one.staked for one in shown],
            leavings=[one.leaving for one in shown],
        )


def standings(samples: Sequence[KeptSample], blocks: Sequence[int], terms: StakeTerms) -> list[Standing]:
    """Return what each operator's stake stands for; `blocks`: all that are kept, ascending, the first one final.

    The hot key of its newest sample is the operator. A block that has no sample of it has it as no member.
    """
    by_cold: dict[str, dict[int, KeptSample]] = defaultdict(dict)
    for sample in samples:
        by_cold[sample.cold][sample.block] = sample
    found: dict[Address, Standing] = {}
    for cold, theirs in sorted(by_cold.items()):
        newest = theirs[max(theirs)]
        seen = [
            StakeSample(
                block=block,
                is_member=block in theirs,
                slashable=theirs[block].slashable * terms.unit if block in theirs else 0,
            )
            for block in blocks
        ]
        found[newest.signer] = Standing(
            operator=newest.signer,
            cold=cold,
            staked=staked(seen, terms),
            leaving=blocks[-1] not in theirs or newest.slashable < max(one.slashable for one in theirs.values()),
        )
    return list(found.values())
