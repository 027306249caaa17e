"""A network of real processes with the toy proof system, and one SRS for all tests that need a real one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from proofgrid.store.embedded import EmbeddedPostgres
from tests.databases import temporary_database
from tests.networks import Network, running_network
from tests.packages import toy_system_installed
from tests.reference_strings import reference_string


@pytest.fixture(scope="session")
def srs_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A development SRS, large enough for the models of the tests."""
    return reference_string(13, tmp_path_factory.mktemp("srs") / "test.srs")


@pytest.fixture
async def network(
    request: pytest.FixtureRequest, tmp_path: Path, database_dsn: str, toy_system_on_path: Path, srs_file: Path
) -> AsyncIterator[Network]:
    """A running gateway; every test ends with a check of the ledger. Its parameter: more settings of the gateway."""
    settings = {"SRS_FILE": str(srs_file), **getattr(request, "param", {})}
    async with running_network(tmp_path, database_dsn, **settings) as network:
        yield network


@pytest.fixture(scope="module")
def toy_system_for_file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Install the proof system "toy" once for all tests of a file."""
    with (
        pytest.MonkeyPatch.context() as monkeypatch,
        toy_system_installed(tmp_path_factory.mktemp("toy") / "site", monkeypatch) as site,
    ):
        yield site


@pytest.fixture(scope="module")
def shared_settings(srs_file: Path) -> dict[str, str]:
    """What the gateway of `network_of_file` is told; a file may have its own."""
    return {"SRS_FILE": str(srs_file)}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def network_of_file(
    tmp_path_factory: pytest.TempPathFactory,
    embedded_postgres: EmbeddedPostgres,
    template_database: str,
    toy_system_for_file: Path,
    shared_settings: dict[str, str],
) -> AsyncIterator[Network]:
    """A running gateway for all tests of a file; they run in the loop of their module."""
    root = tmp_path_factory.mktemp("shared")
    async for dsn in temporary_database(embedded_postgres, template=template_database):
        async with running_network(root, dsn, **shared_settings) as network:
            yield network


@pytest_asyncio.fixture(loop_scope="module")
async def shared_network(network_of_file: Network) -> AsyncIterator[Network]:
    """The gateway of the file, for a test that leaves it as it was; the provers that it starts are stopped after it."""
    yield network_of_file
    await network_of_file.stop_provers()
