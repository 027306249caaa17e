"""Attacks on single roles happen in a lane of a database of the test's own."""

from __future__ import annotations

import pytest

from tests.acceptance.conftest import srs_file
from tests.attacks.worlds import OwnedPrograms
from tests.roles.conftest import lane
from tests.roles.lanes import LaneUnderTest

__all__ = ["lane", "owned", "srs_file"]


@pytest.fixture
def owned(lane: LaneUnderTest) -> OwnedPrograms:
    """What programs of one client are attacked through."""
    return OwnedPrograms(lane)
