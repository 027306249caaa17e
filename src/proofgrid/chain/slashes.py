"""Proposals of slashes as the contract has them, and the calls that make and execute them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from eth_typing import HexStr
from eth_utils.address import to_checksum_address

from proofgrid.chain import artifacts
from proofgrid.chain.accounts import contract_at
from proofgrid.chain.nodes import Node, asked
from proofgrid.chain.web3 import AsyncContract, AsyncWeb3, connect
from proofgrid.primitives.ids import Address
from proofgrid.rules.chain.following import Block

_LOOK_BACK = 200  #: proposals whose number is not known yet are looked for among the newest


class ThereState(Enum):
    """As the contract numbers them."""

    PROPOSED = 1
    VETOED = 2
    EXECUTED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class SlashThere:
    """A proposal in the contract. Amounts in base units of the token."""

    number: int
    state: ThereState
    executable_at: int  #: a block
    amount: int
    taken: int
    evidence_root: str  #: hex digits after 0x


class SlashContract:
    """Our contract, as far as slashes go."""

    def __init__(self, avs: str) -> None:
        self.address = avs
        self._spelled = _at(connect("http://127.0.0.1:0"), avs)  # for spelling calls: nothing is asked there

    async def cap(self, node: Node) -> int:
        """Return the most that may be proposed in a period, in base units of the token."""
        return int(await asked(_at(node.web3, self.address).functions.capPerPeriod().call()))

    async def operator_of(self, node: Node, signer: Address) -> str | None:
        """Return whose hot key one is, or ever was; None: nobody's."""
        cold = str(await asked(_at(node.web3, self.address).functions.operatorOf(signer).call()))
        return None if int(cold, 16) == 0 else cold

    async def find(
        self, node: Node, block: Block, *, numbers: Iterable[int], roots: Iterable[str]
    ) -> dict[str, SlashThere]:
        """Return the proposals with these roots, as a block has them; `numbers`: of those that are known already."""
        at = HexStr(block.hash)
        if not await asked(node.web3.eth.get_code(to_checksum_address(self.address), block_identifier=at)):
            return {}
        functions = _at(node.web3, self.address).functions
        count = int(await asked(functions.slashes().call(block_identifier=at)))
        wanted, found = set(roots), {}
        looked = {number for number in numbers if number < count} | set(range(max(0, count - _LOOK_BACK), count))
        for number in sorted(looked):
            _, state, executable_at, amount, taken, root = await asked(
                functions.slashOf(number).call(block_identifier=at)
            )
            name = f"0x{bytes(root).hex()}"
            if name in wanted:
                found[name] = SlashThere(
                    number=number,
                    state=ThereState(state),
                    executable_at=int(executable_at),
                    amount=int(amount),
                    taken=int(taken),
                    evidence_root=name,
                )
        return found

    def propose(self, operator: str, amount: int, root: bytes) -> str:
        """Return the call that asks for `amount` base units of an operator's stake."""
        return str(self._spelled.encode_abi("propose", args=[operator, amount, root]))

    def execute(self, number: int) -> str:
        """Return the call that carries a proposal out."""
        return str(self._spelled.encode_abi("execute", args=[number]))


def _at(web3: AsyncWeb3, avs: str) -> AsyncContract:
    return contract_at(web3, avs, artifacts.abi("ProofgridAvs"))
