"""What passes the seam, as metrics: how long calls, transactions and turns took, and which of them failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proofgrid.primitives.errors import ProofgridError
from proofgrid.telemetry.metrics.of_gateway import (
    CALL_SECONDS,
    CALLS_FAILED,
    CALLS_REFUSED,
    LOOP_SECONDS,
    LOOPS_FAILED,
    TRANSACTION_SECONDS,
    TRANSACTIONS_FAILED,
)

if TYPE_CHECKING:
    from proofgrid.telemetry.seam import Span


def count_span(ended: Span) -> None:
    """Count what ended. Who was cancelled did not fail."""
    error = ended.error
    failed = error is not None and isinstance(error, Exception)
    match ended.kind:
        case "transaction":
            TRANSACTION_SECONDS.observe(ended.seconds, ended.name)
            if failed:
                TRANSACTIONS_FAILED.add(1, ended.name)
        case "loop":
            LOOP_SECONDS.observe(ended.seconds, ended.name)
            if failed:
                LOOPS_FAILED.add(1, ended.name)
        case "call":
            CALL_SECONDS.observe(ended.seconds, ended.name)
            if isinstance(error, ProofgridError):
                CALLS_REFUSED.add(1, error.code)
            elif failed:
                CALLS_FAILED.add(1, ended.name)
