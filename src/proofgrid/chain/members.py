"""The members of a network's operator set, and what each could lose, as one block has it."""

from __future__ import annotations

from dataclasses import dataclass

from eth_typing import HexStr
from eth_utils.address import to_checksum_address

from proofgrid.chain import eigenlayer
from proofgrid.chain.accounts import contract_at
from proofgrid.chain.nodes import Node, asked
from proofgrid.chain.stake import SET, Service
from proofgrid.primitives.ids import Address
from proofgrid.rules.chain.following import Block


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One operator of the set."""

    cold: str
    signer: Address  #: its hot key, which is the operator in the network
    slashable: int  #: base units of the token, some blocks ahead


@dataclass(frozen=True, slots=True)
class Members:
    """Reads them, a question for the set and two for each member. Blocks are named by hash: no answer is of another."""

    service: Service

    async def at(self, node: Node, block: Block, *, horizon: int) -> list[Member]:
        """Return all members of a block, their stake as of `horizon` blocks later; none before the contract was."""
        at = HexStr(block.hash)
        if not await asked(node.web3.eth.get_code(to_checksum_address(self.service.avs), block_identifier=at)):
            return []
        allocations = contract_at(node.web3, self.service.core.allocations, eigenlayer.ALLOCATIONS)
        avs = self.service.avs_of(node.web3).functions
        found = []
        for cold in await asked(allocations.functions.getMembers((self.service.avs, SET)).call(block_identifier=at)):
            signer = await asked(avs.signerOf(cold).call(block_identifier=at))
            stake = await asked(avs.stakeAt(cold, block.number + horizon).call(block_identifier=at))
            found.append(Member(cold=str(cold), signer=Address(str(signer)), slashable=int(stake)))
        return found
