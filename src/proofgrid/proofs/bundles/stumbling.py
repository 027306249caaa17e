"""Proof systems read what strangers wrote, of programs that they never saw: whatever one stumbles over is no proof."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from proofgrid.primitives.errors import BadBundle, ProofgridError, UnknownProofSystem


@contextmanager
def named(check: str) -> Iterator[None]:
    """Name the check in errors; a proof system that stumbles over a forged statement says no, not "bug"."""
    try:
        yield
    except UnknownProofSystem:
        raise
    except ProofgridError as error:
        error.field = error.field or check
        raise
    except Exception as error:
        raise BadBundle(f"the proof system cannot read it: {type(error).__name__}: {error}", field=check) from error
