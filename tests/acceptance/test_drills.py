"""Incidents that are caused for real: each is acted upon within seconds, by nobody's hand, and ends."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from tests.cli.commands import proofgrid


@pytest.mark.parametrize("name", ["audit-log", "token-abuse"])
async def test_a_drill_is_acted_upon_and_holds(name: str, tmp_path: Path) -> None:
    """No timed assertion: how long it took is told, and `make drills` holds it against the goal."""
    done = await asyncio.to_thread(proofgrid, "admin", "drill", name, "--json", home=tmp_path)

    assert done.stdout, done.stderr
    [report] = json.loads(done.stdout)
    assert report["drill"] == name
    assert report["act"]
