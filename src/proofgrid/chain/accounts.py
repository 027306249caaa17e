"""Whoever sends transactions with a key at hand: one at a time, waited for, and with a word of why one was refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from proofgrid.chain import artifacts, eigenlayer
from proofgrid.chain.abi import Abi, abi_of, selector_of
from proofgrid.chain.web3 import (
    Account,
    AsyncContract,
    AsyncWeb3,
    ContractCustomError,
    ContractLogicError,
    LocalAccount,
    TxParams,
    TxReceipt,
)
from proofgrid.primitives.errors import ProofgridError

_POLL_SECONDS = 0.02
_GAS_TIMES = (5, 4)  #: a call inside a call gets 63/64 of what is left, so just enough may not be enough
_ANY_GAS = 1  #: so that nobody asks for it twice


class TransactionReverted(ProofgridError):
    """A contract refused a call; `reason` is the name of its error where its ABI has one."""

    code = "PG-517"
    reason = ""

    @classmethod
    def of(cls, what: str, reason: str) -> TransactionReverted:
        """Return what a call is refused with, and what that means where the core says it."""
        meant = eigenlayer.REFUSALS.get(reason)
        error = cls(f"{what} is refused: {reason}" + (f", {meant}" if meant else ""))
        error.reason = reason
        return error


@dataclass(slots=True)
class Sender:
    """One account with its key at hand."""

    web3: AsyncWeb3
    account: LocalAccount

    @classmethod
    def with_secret(cls, web3: AsyncWeb3, secret: bytes) -> Sender:
        """Return the sender that a private key is."""
        return cls(web3, Account.from_key(secret))

    @property
    def address(self) -> str:
        """Its address."""
        return str(self.account.address)

    async def deploy(self, abi: Abi, bytecode: str, *arguments: object) -> AsyncContract:
        """Deploy a contract and return it. Raises TransactionReverted."""
        maker = self.web3.eth.contract(abi=abi, bytecode=bytecode)
        receipt = await self._send("deploy", maker.constructor(*arguments), {})
        return contract_at(self.web3, str(receipt["contractAddress"]), abi)

    async def call(self, contract: AsyncContract, name: str, *arguments: object, value: int = 0) -> TxReceipt:
        """Call a function of a contract, and wait until it is in a block. Raises TransactionReverted."""
        made = contract.get_function_by_name(name)(*arguments)
        return await self._send(name, made, {"value": value} if value else {})

    async def _send(self, name, made, extra: Mapping[str, object]) -> TxReceipt:  # type: ignore[no-untyped-def]
        eth = self.web3.eth
        nonce = await eth.get_transaction_count(self.account.address)
        wanted = await made.build_transaction({"from": self.address, "nonce": nonce, "gas": _ANY_GAS, **extra})
        del wanted["gas"]
        try:
            wanted["gas"] = await gas_with_room(self.web3, wanted)
        except ContractLogicError as error:
            raise TransactionReverted.of(name, reason_of(error)) from error
        raw = self.account.sign_transaction(wanted).raw_transaction
        receipt = await eth.wait_for_transaction_receipt(
            await eth.send_raw_transaction(raw), poll_latency=_POLL_SECONDS
        )
        if receipt["status"] != 1:
            raise TransactionReverted.of(name, "no, though it said yes when asked before")
        return receipt


async def gas_with_room(web3: AsyncWeb3, wanted: TxParams) -> int:
    """Return the gas that a transaction needs, with something to spare. Raises what web3 does for one that reverts."""
    return await web3.eth.estimate_gas(wanted) * _GAS_TIMES[0] // _GAS_TIMES[1]


def contract_at(web3: AsyncWeb3, address: str, abi: Abi) -> AsyncContract:
    """Return a contract that is there; for the same ABI the same one."""
    made, key = web3.provider.contracts, (address, id(abi))
    if key not in made:
        made[key] = abi, web3.eth.contract(address=address, abi=abi)  # type: ignore[call-overload]
    return made[key][1]


def reason_of(error: Exception) -> str:
    """Return why a call was refused: the name of a contract's error where it is ours or the core's, or its text."""
    if isinstance(error, ContractCustomError):
        return _named(str(error.data))
    return str(getattr(error, "message", "") or error)


def _named(data: str) -> str:
    """Return the name of an error of our contracts or of the core; of another's its selector."""
    return _errors().get(data[:10], data[:10])


@cache
def _errors() -> dict[str, str]:
    ours = (entry for name in artifacts.NAMES for entry in artifacts.abi(name) if entry["type"] == "error")
    theirs = abi_of("\n".join(f"error {name}()" for name in eigenlayer.REFUSALS))
    return {selector_of(entry): str(entry["name"]) for entry in (*ours, *theirs)}
