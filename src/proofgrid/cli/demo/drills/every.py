"""The drills by name: every kind of incident has one at least (tests/cli/demo/test_every_drill.py)."""

from __future__ import annotations

from collections.abc import Mapping

from proofgrid.cli.demo.drills import of_access, of_ledger, of_lies, of_market, of_surroundings
from proofgrid.cli.demo.drills.drill import Drill

DRILLS: Mapping[str, Drill] = {
    **of_ledger.DRILLS,
    **of_access.DRILLS,
    **of_lies.DRILLS,
    **of_surroundings.DRILLS,
    **of_market.DRILLS,
}
