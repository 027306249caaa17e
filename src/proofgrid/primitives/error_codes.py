"""Errors by their stable codes."""

from __future__ import annotations

from proofgrid.primitives import engine_errors, incident_errors, refusals, sealing_errors  # noqa: F401 - or their errors are not known
from proofgrid.primitives.errors import ProofgridError


def every_error() -> dict[str, type[ProofgridError]]:
    """Return all error classes by their stable code."""
    kinds: list[type[ProofgridError]] = [ProofgridError]
    for kind in kinds:  # grows meanwhile, by what is below each
        kinds.extend(kind.__subclasses__())
    return {kind.code: kind for kind in kinds}


def error_of_code(code: str, detail: str, *, field: str = "", hint: str = "", wait_ms: int = 0) -> ProofgridError:
    """Rebuild an error that came over the wire; unknown codes become a plain ProofgridError."""
    return every_error().get(code, ProofgridError)(detail, field=field, hint=hint, wait_ms=wait_ms)
