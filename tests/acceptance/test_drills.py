"""Incidents that are caused for real: each is acted upon within seconds, by nobody's hand, and ends."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from tests.cli.commands import proofgrid

SOME = ("audit-log", "token-abuse", "ledger", "equivocation")  #: `make drills` has all


@pytest.mark.thorough
async def test_drills_are_acted_upon_and_hold(tmp_path: Path) -> None:
    """No timed assertion: how long each took is told, and `make drills` holds it against the goal."""
    done = await asyncio.to_thread(proofgrid, "admin", "drill", *SOME, "--at-once", "2", "--json", home=tmp_path)

    assert done.stdout, done.stderr
    reports = json.loads(done.stdout)
    assert [one["drill"] for one in reports] == list(SOME), done.stderr
    assert all(one["act"] for one in reports)
