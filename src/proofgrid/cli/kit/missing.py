"""Says which proof systems are not installed here, and what helps; whatever does not need them goes on."""

from __future__ import annotations

from proofgrid.cli.kit.console import complain


def complain_of_missing_systems() -> None:
    """Say on standard error which proof systems lack what they need."""
    from proofgrid.proofs.registry import missing_systems

    for error in missing_systems().values():
        complain(f"{error.detail}.\n{error.hint}", style="yellow")
