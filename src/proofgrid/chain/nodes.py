"""The nodes of a chain: which one is asked, what it says of blocks, and whether the others agree.

One node answers all questions of a step, so that its answers fit together; the next one is taken when it fails.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import TypeVar

import structlog
from eth_typing import HexStr

from proofgrid.chain.web3 import AsyncWeb3, BlockNotFound, TransactionNotFound, Web3Exception, Web3RPCError, connect
from proofgrid.primitives.errors import InvalidField, Unavailable
from proofgrid.primitives.ids import Address
from proofgrid.rules.chain.following import Block, NodeNotBelieved, check_agreed
from proofgrid.rules.chain.outbox import is_harmless

ANSWER_SECONDS = 10.0
_TROUBLE = (Web3Exception, OSError, ValueError, TimeoutError)

T = TypeVar("T")
log = structlog.get_logger(__name__)


class NoNode(Unavailable):
    """No node of the chain answers as one that can be believed."""

    code = "PG-562"


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """Of a transaction that is in a block."""

    block: int
    succeeded: bool
    gas: int = 0  #: that it used


@dataclass(frozen=True, slots=True)
class Node:
    """One node, and where its chain ended when it was chosen."""

    url: str
    web3: AsyncWeb3
    chain_id: int
    newest: Block
    final: Block

    async def block_at(self, number: int) -> Block | None:
        """Return its block of a number; None: it has none."""
        return await asked(block_at(self.web3, number))

    async def base_fee(self) -> int:
        """Return what a unit of gas costs at least in the next block, in wei."""
        found = await asked(self.web3.eth.get_block("latest"))
        return int(found.get("baseFeePerGas", 0))

    async def balance_of(self, address: str) -> int:
        """Return what an account has for gas, in wei."""
        return int(await asked(self.web3.eth.get_balance(Address(address))))  # type: ignore[arg-type]

    async def nonce_of(self, address: str, *, final: bool) -> int:
        """Return how many of an account's transactions are in blocks, or in final ones."""
        at = self.final.number if final else "latest"
        return int(await asked(self.web3.eth.get_transaction_count(address, at)))  # type: ignore[arg-type]

    async def receipt_of(self, transaction: str) -> Receipt | None:
        """Return the receipt of a transaction by its hash; None: it is in no block."""
        try:
            found = await asked(self.web3.eth.get_transaction_receipt(HexStr(transaction)))
        except TransactionNotFound:
            return None
        return Receipt(block=int(found["blockNumber"]), succeeded=found["status"] == 1, gas=int(found["gasUsed"]))

    async def send(self, raw: str) -> None:
        """Hand over a signed transaction. What is known already, or cannot be needed any more, is no error."""
        try:
            await asked(self.web3.eth.send_raw_transaction(HexStr(raw)))
        except (Web3RPCError, ValueError) as error:
            if not is_harmless(str(error)):
                raise NoNode(f"{self.url} does not take a transaction: {error}") from error


@dataclass(slots=True)
class Nodes:
    """All nodes that are named, in the order in which they are asked."""

    urls: Sequence[str]
    chain_id: int | None  #: None: whatever the first one says
    _connections: dict[str, AsyncWeb3]

    @classmethod
    def named(cls, urls: Sequence[str], chain_id: int | None = None) -> Nodes:
        """Return the nodes with these addresses. Nothing is asked yet."""
        if not urls:
            raise InvalidField("which node is asked?", field="rpc", hint="--rpc URL, or several with commas")
        return cls(list(urls), chain_id, {url: connect(url) for url in urls})

    async def close(self) -> None:
        """Let go of all connections."""
        for web3 in self._connections.values():
            await web3.provider.disconnect()

    async def choose(self) -> Node:
        """Return the first node that answers for this chain, once the others agree with it. Raises NoNode."""
        why = []
        for url in self.urls:
            try:
                node = await self._ask(url)
                await self._check_agreed(node)
            except NodeNotBelieved as error:
                raise NoNode(error.detail, hint="one of them lies: name none that you do not trust") from error
            except (*_TROUBLE, NoNode) as error:
                why.append(f"{url}: {type(error).__name__}: {error}")
            else:
                return node
        raise NoNode(f"no node answers: {'; '.join(why)}")

    async def _ask(self, url: str) -> Node:
        web3 = self._connections[url]
        chain_id = await asked(web3.eth.chain_id)
        if self.chain_id is None:
            self.chain_id = chain_id
        if chain_id != self.chain_id:
            raise NoNode(f"it is of chain {chain_id}, not {self.chain_id}")
        newest, final = await asked(block_at(web3, "latest")), await asked(block_at(web3, "finalized"))
        if newest is None or final is None:
            raise NoNode("it knows no newest or no final block")
        return Node(url, web3, chain_id, newest, final)

    async def _check_agreed(self, node: Node) -> None:
        hashes: dict[str, str | None] = {node.url: node.final.hash}
        for url in self.urls:
            if url != node.url:
                try:
                    block = await asked(block_at(self._connections[url], node.final.number))
                except _TROUBLE as error:
                    log.debug("node_silent", url=url, reason=str(error))
                else:
                    hashes[url] = None if block is None else block.hash
        check_agreed(hashes, node.final.number)


async def asked(question: Coroutine[object, object, T]) -> T:
    """Return an answer that comes in time."""
    async with asyncio.timeout(ANSWER_SECONDS):
        return await question


async def block_at(web3: AsyncWeb3, at: int | str) -> Block | None:
    """Return a block by its number or its name; None: there is none."""
    try:
        found = await web3.eth.get_block(at)  # type: ignore[arg-type]
    except BlockNotFound:
        return None
    return Block(number=int(found["number"]), hash=f"0x{bytes(found['hash']).hex()}")
