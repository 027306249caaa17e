"""One local chain per process, with EigenLayer's core and our contracts; each test finds it as deployed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from proofgrid.chain.devnet.anvil import running
from proofgrid.chain.devnet.downloads import NotFetched
from proofgrid.chain.devnet.network import ChainNetwork, deploy_network
from proofgrid.primitives.errors import InvalidField
from tests.makers import a_key

NETWORK_KEY = a_key(9)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def deployed(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ChainNetwork]:
    log: Path = tmp_path_factory.mktemp("chain") / "anvil.log"
    try:
        async with running(log) as chain:
            yield await deploy_network(chain, str(NETWORK_KEY.address))
    except (InvalidField, NotFetched) as error:
        pytest.skip(f"no local chain here: {error}")


@pytest_asyncio.fixture(loop_scope="session")
async def network(deployed: ChainNetwork) -> AsyncIterator[ChainNetwork]:
    """The network as deployed; what a test does is undone after it."""
    kept = await deployed.chain.snapshot()
    yield deployed
    await deployed.chain.go_back(kept)
