"""Prove, then look: a bad proof costs the operator money and reputation, and looking takes a hundredth of proving."""

from __future__ import annotations

from collections.abc import Callable

from proofgrid.primitives.errors import BadProof
from proofgrid.proofs.base import JobOutput


def prove_then_look(prove: Callable[[], JobOutput], look: Callable[[JobOutput], None], *, what: str) -> JobOutput:
    """Return what `prove` made; raise BadProof instead of handing in what `look` finds bad. `what`: "slice 3"."""
    output = prove()
    try:
        look(output)
    except BadProof:
        raise BadProof(f"our own proof of {what} does not verify") from None
    return output
