"""Every kind of incident can be caused for real."""

from __future__ import annotations

from proofgrid.cli.demo.drills.every import DRILLS
from proofgrid.rules.incidents.kinds import KINDS


def test_every_kind_has_a_drill() -> None:
    assert {drill.kind for drill in DRILLS.values()} == set(KINDS)
