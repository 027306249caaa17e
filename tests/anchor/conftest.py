"""A network's database, and a chain of the test's own that begins where our contracts have just been deployed."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from proofgrid.chain import artifacts
from proofgrid.chain.accounts import contract_at
from proofgrid.chain.devnet.anvil import Anvil, running
from proofgrid.chain.devnet.downloads import NotFetched
from proofgrid.chain.devnet.network import ChainNetwork, Terms, deploy_network
from proofgrid.primitives.errors import InvalidField
from proofgrid.store.database import Database
from tests.anchor.life import FINAL_AFTER, HOT, STAKER, ChainLife, join
from tests.makers import a_key
from tests.roles.lanes import LaneUnderTest

NETWORK_KEY = a_key(9)
SILENCE = 80  #: blocks; nothing is said only to be heard in most tests

Moved = Callable[[Anvil], ChainNetwork]


@pytest.fixture(scope="session")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Moved]:
    """The state of a chain with contracts and one member, and what finds them on another chain of that state."""
    folder = tmp_path_factory.mktemp("chain")
    state = folder / "state.json"

    async def deploy() -> ChainNetwork:
        async with running(folder / "anvil.log", state=state) as chain:
            network = await deploy_network(chain, str(NETWORK_KEY.address), terms=Terms(vault_silence=SILENCE))
            await join(network, STAKER, HOT)
            return network

    try:
        network = asyncio.run(deploy())
    except (InvalidField, NotFetched) as error:
        pytest.skip(f"no local chain here: {error}")
    return state, lambda chain: moved(network, chain)


def moved(network: ChainNetwork, chain: Anvil) -> ChainNetwork:
    """Return a network as it is found on another chain with the same state."""
    names = {"avs": "ProofgridAvs", "judge": "ClaimJudge", "verifiers": "ProgramVerifiers", "vault": "ProofgridVault"}
    found = {
        name: contract_at(chain.web3, str(getattr(network, name).address), artifacts.abi(contract))
        for name, contract in names.items()
    }
    token = contract_at(chain.web3, network.service.token, artifacts.abi("DevToken"))
    return replace(
        network,
        chain=chain,
        staked=replace(network.staked, token=token),
        owner=chain.person(0),
        slasher=chain.person(1),
        avs=found["avs"],
        judge=found["judge"],
        verifiers=found["verifiers"],
        vault=found["vault"],
    )


@pytest.fixture
async def chain(deployed: tuple[Path, Moved], tmp_path: Path) -> AsyncIterator[ChainNetwork]:
    state, found_on = deployed
    shutil.copy(state, tmp_path / "state.json")
    async with running(tmp_path / "anvil.log", state=tmp_path / "state.json") as anvil:
        await anvil.mine(FINAL_AFTER + 1)  # it knows no state of the blocks that it has out of a file
        yield found_on(anvil)


@pytest.fixture
async def life(chain: ChainNetwork, database: Database) -> AsyncIterator[ChainLife]:
    """A lane of a network, and an anchor that holds it to a chain."""
    lane = LaneUnderTest(database)
    await lane.open()
    async with ChainLife.begun(chain, lane) as life:
        yield life
