"""Says which proof systems are not installed here, and what helps; whatever does not need them goes on."""

from __future__ import annotations

from proofgrid.cli.kit.console import complain


def complain_of_missing_systems() -> None:
    """Say on standard error, in a line, which proof systems lack what they need."""
    from proofgrid.proofs.registry import missing_systems

    if missing := missing_systems():
        complain(f"Not installed here: {', '.join(missing)}; `proofgrid systems` says what gets it.", style="yellow")
