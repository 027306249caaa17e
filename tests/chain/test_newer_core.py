"""Newer versions of EigenLayer's core than the one that the other tests run on.

    make test-core CORE=v1.13.0

runs all of tests/chain and tests/anchor on one. CORE may be a folder too, with a JSON file {abi, bytecode} for each
contract, as Foundry writes them. They are BUSL: none is in here.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from proofgrid.chain.accounts import TransactionReverted, contract_at
from proofgrid.chain.devnet import downloads
from proofgrid.chain.devnet.anvil import running
from proofgrid.chain.devnet.core import SHORT, deploy_core
from proofgrid.chain.devnet.downloads import Compiled
from proofgrid.chain.devnet.network import TOKEN, Terms, deploy_network
from proofgrid.chain.eigenlayer import WAD
from proofgrid.chain.reading import StakeReader
from proofgrid.primitives.errors import InvalidField
from tests.makers import a_key


def contracts_of(named: str) -> dict[str, Compiled]:
    """Return the contracts of a core; skip where its registry does not give it."""
    try:
        downloads.anvil()
        return downloads.core(named)
    except (InvalidField, downloads.NotFetched) as error:
        pytest.skip(f"no core here: {error}")


@pytest.mark.parametrize("version", downloads.NEWER_CORES)
async def test_what_is_slashed_goes_to_whom_the_terms_name(tmp_path: Path, version: str) -> None:
    """The older core burns it. EigenLayer lets anybody bring it to the recipient, once; from v1.13 on after a week."""
    core = contracts_of(version)
    async with running(tmp_path / "anvil.log") as chain:
        recipient = chain.person(8).address
        terms = Terms(redistribution=recipient)
        network = await deploy_network(chain, str(a_key(9).address), terms=terms, core=core)
        assert await StakeReader(chain.web3, network.service).delays() == SHORT
        operator = await network.funded(2, 100)
        await operator.register()
        await operator.deposit(100 * TOKEN)
        await chain.mine(SHORT.configuration + 1)
        await operator.allocate(WAD)
        await operator.join(a_key(2))
        await network.slasher.call(network.avs, "propose", operator.address, 30 * TOKEN, bytes(31) + b"\x01")
        await chain.mine(terms.veto_blocks)
        await chain.person(19).call(network.avs, "execute", 0)

        strategies = contract_at(chain.web3, network.staked.core.strategies, core["strategy_manager"].abi)
        slashed = ((network.avs.address, 0), 1)  # the core counts an operator set's slashes from 1
        if any(entry.get("name") == "SLASH_RESOLUTION_DELAY_BLOCKS" for entry in core["strategy_manager"].abi):
            with pytest.raises(TransactionReverted) as caught:  # for 50,400 blocks, which no test mines
                await chain.person(19).call(strategies, "clearBurnOrRedistributableShares", *slashed)
            assert caught.value.reason == "0x" + keccak(text="SlashResolutionDelayNotElapsed()")[:4].hex()
            _, (shares,) = await strategies.functions.getBurnOrRedistributableShares(*slashed).call()
            assert shares == pytest.approx(30 * TOKEN, rel=1e-15)
            allocations = contract_at(chain.web3, network.staked.core.allocations, core["allocation_manager"].abi)
            assert await allocations.functions.getRedistributionRecipient(slashed[0]).call() == recipient
            return
        for _ in range(2):
            await chain.person(19).call(strategies, "clearBurnOrRedistributableShares", *slashed)
        held = await network.staked.token.functions.balanceOf(recipient).call()
        assert held == pytest.approx(30 * TOKEN, rel=1e-15)


async def test_artifacts_of_a_folder_are_taken_as_foundry_names_them(tmp_path: Path) -> None:
    """The core of the crate, written as Foundry writes, is deployed alike."""
    contracts = contracts_of("")
    folder = tmp_path / "core"
    folder.mkdir()
    for name, contract in contracts.items():
        spelled = "".join(part.title() for part in name.split("_"))
        said = {"abi": contract.abi, "bytecode": {"object": contract.bytecode}}
        (folder / f"{spelled}.json").write_text(json.dumps(said))
    read = downloads.core(str(folder))
    assert set(read) == set(contracts)
    async with running(tmp_path / "anvil.log") as chain:
        staked = await deploy_core(chain.person(0), SHORT, read)
        assert await chain.web3.eth.get_code(to_checksum_address(staked.core.allocations))


def test_what_names_no_core_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidField, match=r"neither one of v1\.8\.1, v1\.13\.0 nor a folder"):
        downloads.core(str(tmp_path))
