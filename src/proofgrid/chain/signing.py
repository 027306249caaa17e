"""Signs transactions with a key at hand, after a dry run has said what they cost and that they are not refused."""

from __future__ import annotations

from dataclasses import dataclass

from eth_typing import HexStr

from proofgrid.chain.accounts import reason_of
from proofgrid.chain.nodes import Node, asked
from proofgrid.chain.web3 import Account, ContractLogicError, LocalAccount, Web3RPCError
from proofgrid.primitives.errors import ProofgridError
from proofgrid.rules.chain.outbox import Fees

_GAS_TIMES = (5, 4)  #: a call inside a call gets 63/64 of what is left, so just enough may not be enough


class CallRefused(ProofgridError):
    """A dry run says that a contract would refuse a call."""

    code = "PG-563"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What is asked of a contract."""

    target: str
    data: str  #: hex digits after 0x


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """A transaction that can be sent by anybody."""

    hash: str
    raw: str


@dataclass(frozen=True, slots=True)
class ChainSigner:
    """An account with its key at hand."""

    account: LocalAccount

    @classmethod
    def with_secret(cls, secret: bytes) -> ChainSigner:
        """Return the account that a private key is."""
        return cls(Account.from_key(secret))

    @property
    def address(self) -> str:
        """Its address."""
        return str(self.account.address)

    async def dry_run(self, node: Node, call: Call) -> int:
        """Return the gas that a call needs, with something to spare. Raises CallRefused."""
        wanted = {"from": self.address, "to": call.target, "data": call.data}
        try:
            gas = int(await asked(node.web3.eth.estimate_gas(wanted)))  # type: ignore[arg-type]
        except (ContractLogicError, Web3RPCError) as error:
            raise CallRefused(f"the contract refuses it: {reason_of(error)}") from error
        return gas * _GAS_TIMES[0] // _GAS_TIMES[1]

    def sign(self, call: Call, *, nonce: int, gas: int, fees: Fees, chain_id: int) -> Signed:
        """Return a call as a transaction of type 2 (EIP-1559)."""
        made = self.account.sign_transaction(
            {
                "type": 2,
                "chainId": chain_id,
                "nonce": nonce,
                "to": HexStr(call.target),
                "data": HexStr(call.data),
                "value": 0,
                "gas": gas,
                "maxFeePerGas": fees.most,
                "maxPriorityFeePerGas": fees.tip,
            }
        )
        return Signed(hash=f"0x{bytes(made.hash).hex()}", raw=f"0x{bytes(made.raw_transaction).hex()}")
