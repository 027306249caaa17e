"""Every kind of incident can be caused for real."""

from __future__ import annotations

from proofgrid.cli.demo.drills.every import DRILLS, ELSEWHERE
from proofgrid.rules.incidents.kinds import KINDS


def test_every_kind_has_a_drill_or_a_reason() -> None:
    drilled = {drill.kind for drill in DRILLS.values()}
    assert drilled | set(ELSEWHERE) == set(KINDS)
    assert not drilled & set(ELSEWHERE)
