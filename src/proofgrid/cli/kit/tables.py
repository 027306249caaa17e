"""Tables that several commands print."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from proofgrid.cli.kit.console import date_text, plain, print_json, print_table
from proofgrid.primitives.money import format_amount

if TYPE_CHECKING:
    from proofgrid.wire.v1.stake_pb2 import Evidence
    from proofgrid.wire.v1.subnetworks_pb2 import Subnetwork


def print_evidence_list(evidence: Iterable[Evidence], *, json: bool) -> None:
    """Print slashes, newest first."""
    if json:
        print_json([plain(one) for one in evidence])
        return
    rows = [
        (one.evidence_id, date_text(one.at_ms)[:16], one.kind, one.prover, format_amount(one.amount), one.state)
        for one in evidence
    ]
    print_table(("evidence", "when (UTC)", "reason", "prover", "taken>", "state"), rows, empty="nothing was taken")


def print_subnetworks(subnetworks: Iterable[Subnetwork]) -> None:
    """Print a table of subnetworks: how much of their capacity works, and what waits."""
    rows = [
        (
            one.name,
            "all" if one.open else "by list",
            one.provers,
            f"{one.busy}/{one.slots}",
            one.dedicated_slots,
            one.ready_units,
            _overflow_text(one),
        )
        for one in subnetworks
    ]
    columns = ("subnetwork", "open to", "provers>", "busy>", "own slots>", "ready PU>", "overflow after>")
    print_table(columns, rows, empty="no subnetworks")


def _overflow_text(one: Subnetwork) -> str:
    return f"{one.overflow_after_ms / 1000:g} s" if one.overflow_after_ms else "never"
