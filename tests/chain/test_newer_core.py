"""Another version of EigenLayer's core, whose artifacts somebody has: all of tests/chain and tests/anchor run on it.

    PROOFGRID_EIGENLAYER_CORE=folder .venv/bin/python -m pytest tests/chain tests/anchor

The folder holds a JSON file {abi, bytecode} for each contract, as Foundry writes them. They are BUSL: none is in here.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from eth_utils.address import to_checksum_address

from proofgrid.chain.devnet import downloads
from proofgrid.chain.devnet.anvil import running
from proofgrid.chain.devnet.core import SHORT, deploy_core
from proofgrid.chain.eigenlayer import Core
from proofgrid.chain.reading import StakeReader
from proofgrid.chain.stake import Service
from proofgrid.primitives.errors import InvalidField


@pytest.fixture(autouse=True)
def _fresh() -> None:
    downloads.core.cache_clear()


async def test_the_core_that_is_named_is_deployed_with_our_delays(tmp_path: Path) -> None:
    if downloads.CORE_VARIABLE not in os.environ:
        pytest.skip(f"no newer core was tried: {downloads.CORE_VARIABLE} names no folder of its artifacts")
    async with running(tmp_path / "anvil.log") as chain:
        staked = await deploy_core(chain.person(0), SHORT)
        service = Service(core=staked.core, avs=staked.core.delegation, strategy=staked.strategy, token=staked.strategy)
        assert await StakeReader(chain.web3, service).delays() == SHORT
        assert isinstance(staked.core, Core)


async def test_artifacts_of_a_folder_are_taken_as_foundry_names_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The core of the crate, written as Foundry writes, is deployed alike."""
    try:
        contracts = dict(downloads.core())
        downloads.anvil()
    except (InvalidField, downloads.NotFetched) as error:
        pytest.skip(f"no core here: {error}")
    folder = tmp_path / "core"
    folder.mkdir()
    for name, contract in contracts.items():
        spelled = "".join(part.title() for part in name.split("_"))
        said = {"abi": contract.abi, "bytecode": {"object": contract.bytecode}}
        (folder / f"{spelled}.json").write_text(json.dumps(said))
    monkeypatch.setenv(downloads.CORE_VARIABLE, str(folder))
    downloads.core.cache_clear()
    assert set(downloads.core()) == set(contracts)
    try:
        async with running(tmp_path / "anvil.log") as chain:
            staked = await deploy_core(chain.person(0), SHORT)
            assert await chain.web3.eth.get_code(to_checksum_address(staked.core.allocations))
    finally:
        downloads.core.cache_clear()
