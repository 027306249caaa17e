"""What is to be written contradicts what is there: raised by the store, for roles that know what that means."""

from __future__ import annotations

from proofgrid.primitives.errors import ProofgridError


class Conflict(Exception):
    """Nothing was written."""


class TransferIdTaken(Conflict):
    """Another transfer has this id."""


class AccountShort(Conflict):
    """An account would go below zero."""


class SubnetworkGone(Conflict):
    """The subnetwork of a task was removed meanwhile."""


class KeyRefused(Conflict):
    """An API key may not spend so much more, or nothing any more."""

    def __init__(self, refusal: ProofgridError) -> None:
        super().__init__(str(refusal))
        self.refusal = refusal
