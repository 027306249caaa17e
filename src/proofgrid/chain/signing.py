"""Signs transactions with a key at hand, after a dry run has said what they cost and that they are not refused."""

from __future__ import annotations

from dataclasses import dataclass

from eth_typing import HexAddress, HexStr

from proofgrid.chain.accounts import gas_with_room, reason_of
from proofgrid.chain.nodes import Node, asked
from proofgrid.chain.web3 import Account, ContractLogicError, LocalAccount, TxParams, Web3RPCError
from proofgrid.primitives.errors import ProofgridError
from proofgrid.rules.chain.outbox import Fees

#: What nodes say of a call that takes more gas than it may.
_TOO_MUCH_GAS = ("out of gas", "exceeds allowance")


class CallRefused(ProofgridError):
    """A dry run says that a contract would refuse a call."""

    code = "PG-563"
    by_contract = True  #: False: it may be the node, or an account without ether


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What is asked of a contract."""

    target: str
    data: str  #: hex digits after 0x
    gas_most: int = 0  #: 0: as much as it needs


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
        wanted: TxParams = {"from": HexAddress(HexStr(self.address)), "to": call.target, "data": HexStr(call.data)}
        if call.gas_most:
            wanted["gas"] = call.gas_most
        try:
            gas = await asked(gas_with_room(node.web3, wanted))
        except (ContractLogicError, Web3RPCError) as error:
            refused = CallRefused(f"the contract refuses it: {reason_of(error)}")
            too_much = any(words in str(error).lower() for words in _TOO_MUCH_GAS)
            refused.by_contract = isinstance(error, ContractLogicError) or too_much
            raise refused from error
        return min(gas, call.gas_most) if call.gas_most else gas

    async def refusal(self, node: Node, call: Call) -> CallRefused | None:
        """Return why a dry run is refused; None: it is not."""
        try:
            await self.dry_run(node, call)
        except CallRefused as error:
            return error
        return None

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
