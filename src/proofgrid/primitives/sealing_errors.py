"""What is wrong with what is sealed; see `errors` for who must change something."""

from __future__ import annotations

from proofgrid.primitives.errors import InvalidRequest, Recoverable, TaskEnded


class CannotSeal(InvalidRequest):
    """This request cannot be sealed."""

    code = "PG-180"


class SealBroken(Recoverable):
    """What was sealed does not open."""

    code = "PG-350"


class StoreKeyMissing(Recoverable):
    """What is stored is locked under a store key that is not on this gateway."""

    code = "PG-520"


class NobodyOpens(TaskEnded):
    """None of the provers that the inputs were sealed for is left; what was not spent goes back."""

    code = "PG-514"
