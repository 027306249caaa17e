"""A network whose promises are checked when its scenario is over, and a PostgreSQL that may be killed."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.acceptance.scenarios.checkers import check_no_process_left, check_promises
from tests.acceptance.scenarios.postgres import OwnPostgres
from tests.networks import Network, running_network

#: Shorter than in real life, so that a scenario takes seconds; long enough for a machine that is busy.
SETTINGS = {"HEARTBEAT_MS": "400", "LEASE_TTL_MS": "4000", "RECONNECT_GRACE_MS": "1500"}


@pytest.fixture
async def network(
    tmp_path: Path, database_dsn: str, toy_system_on_path: Path, srs_file: Path
) -> AsyncIterator[Network]:
    """A running gateway; a scenario ends with a check of every promise."""
    async with running_network(tmp_path, database_dsn, SRS_FILE=str(srs_file), **SETTINGS) as network:
        yield network
        await check_promises(network)
    check_no_process_left(tmp_path)


@pytest.fixture
def own_postgres() -> Iterator[OwnPostgres]:
    """A server of this scenario's own, as durable as in real life."""
    # Not pytest's tmp_path: a Unix socket needs a short path.
    data_dir = Path(tempfile.mkdtemp(prefix="pg-"))
    server = OwnPostgres(data_dir)
    server.start()
    yield server
    server.stop()
    shutil.rmtree(data_dir, ignore_errors=True)


@pytest.fixture
async def mortal_network(
    tmp_path: Path, own_postgres: OwnPostgres, toy_system_on_path: Path, srs_file: Path
) -> AsyncIterator[Network]:
    """The same on a PostgreSQL of its own, with the leases of real life: a prover may wait 5 s before it comes back."""
    async with running_network(tmp_path, own_postgres.dsn, SRS_FILE=str(srs_file)) as network:
        yield network
        await check_promises(network)
    check_no_process_left(tmp_path)
