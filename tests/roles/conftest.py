"""A lane in a database of the test's own."""

from __future__ import annotations

import pytest

from proofgrid.store.database import Database
from tests.roles.lanes import LaneUnderTest


@pytest.fixture
async def lane(database: Database) -> LaneUnderTest:
    """A registered gateway and program; no task and no prover yet."""
    lane = LaneUnderTest(database)
    await lane.open()
    return lane
