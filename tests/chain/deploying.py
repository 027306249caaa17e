"""A program's contracts, brought to a chain: one after the other, the last of several with where the others are."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from proofgrid.chain.abi import Abi
from proofgrid.chain.accounts import Sender
from proofgrid.chain.web3 import AsyncContract

#: Of the contract that holds those of slices together.
TAKES_ADDRESSES: Abi = [
    {
        "type": "constructor",
        "inputs": [{"name": "verifiers_", "type": "address[]"}],
        "stateMutability": "nonpayable",
    }
]


async def deploying(owner: Sender, codes: Sequence[str]) -> AsyncIterator[AsyncContract]:
    """Yield each contract once it is deployed. `codes`: as `compiled` gives them."""
    *of_slices, last = codes
    addresses = []
    for code in of_slices:
        made = await owner.deploy([], code)
        addresses.append(made.address)
        yield made
    yield await (owner.deploy(TAKES_ADDRESSES, last, addresses) if addresses else owner.deploy([], last))
