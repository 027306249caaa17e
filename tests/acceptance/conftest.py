"""A network of real processes with the toy proof system, and one SRS for all tests that need a real one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import ezkl
import pytest

from tests.networks import Network, running_network


@pytest.fixture(scope="session")
def srs_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A development SRS, large enough for the models of the tests."""
    path = tmp_path_factory.mktemp("srs") / "test.srs"
    ezkl.gen_srs(str(path), 13)
    return path


@pytest.fixture
async def network(
    tmp_path: Path, database_dsn: str, toy_system_on_path: Path, srs_file: Path
) -> AsyncIterator[Network]:
    """A running gateway; every test ends with a check of the ledger."""
    async with running_network(tmp_path, database_dsn, SRS_FILE=str(srs_file)) as network:
        yield network
