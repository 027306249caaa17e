"""Engines as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proofgrid.cli.kit.console import date_text, print_answers

if TYPE_CHECKING:
    from proofgrid.sdk.answers.engines import Engine

COLUMNS = (
    "engine",
    "gateway",
    "provers>",
    "draining>",
    "busy>",
    "programs>",
    "open tasks>",
    "open jobs>",
    "stopped (UTC)",
)


def print_engines(engines: list[Engine], *, json: bool) -> None:
    """Print a table of engines, or all that is known of them."""
    print_answers(
        engines,
        COLUMNS,
        lambda one: (
            one.engine,
            "here" if one.is_here else "",
            one.provers,
            one.provers_draining,
            f"{one.slots_busy}/{one.slots}",
            one.programs,
            one.tasks_open,
            one.jobs_open,
            date_text(one.stopped_ms),
        ),
        empty="no engines",
        json=json,
    )
