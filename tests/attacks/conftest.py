"""A gateway on a database of the test's own, with what attackers talk to; see tests/roles."""

from __future__ import annotations

import pytest

from proofgrid.store.database import Database
from tests.attacks.worlds import OwnedPrograms
from tests.roles.lanes import LaneUnderTest


@pytest.fixture
async def owned(database: Database) -> OwnedPrograms:
    """A program of one client, and the use cases by which others may try to get at it."""
    lane = LaneUnderTest(database)
    await lane.open()
    return OwnedPrograms(lane)
