"""The drills by name: every kind of incident has one at least, or stands in `ELSEWHERE` with the reason."""

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

#: Kinds that no scratch network of one machine can cause, and where they are caused instead.
ELSEWHERE: Mapping[str, str] = {
    "vault": "it takes a chain with contracts and an anchor: the tests of the anchor cause it on a chain of their own",
}
