"""What an open incident refuses; see `errors` for who must change something."""

from __future__ import annotations

from proofgrid.primitives.errors import RateLimited, Unavailable


class AdministrationStopped(Unavailable):
    """The audit log does not match its checkpoints: nothing is administered until somebody has looked."""

    code = "PG-530"


class AddressBlocked(RateLimited):
    """Too many credentials that are good for nothing came from this network address."""

    code = "PG-531"
