"""Tables that several commands print."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from proofgrid.cli.kit.console import date_text, print_answers, print_table
from proofgrid.primitives.money import format_amount

if TYPE_CHECKING:
    from proofgrid.sdk.answers.network import Subnetwork
    from proofgrid.sdk.answers.operators import Evidence


def print_evidence_list(evidence: Iterable[Evidence], *, json: bool) -> None:
    """Print slashes, newest first."""
    print_answers(
        evidence,
        ("evidence", "when (UTC)", "reason", "prover", "taken>", "state"),
        lambda one: (
            one.evidence_id,
            date_text(one.at_ms)[:16],
            one.kind,
            one.prover,
            format_amount(one.amount),
            one.state,
        ),
        empty="nothing was taken",
        json=json,
    )


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
