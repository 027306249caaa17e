"""Refusals of calls whose credential is good, for something else."""

from __future__ import annotations

from proofgrid.primitives.errors import Refused


class WrongPurpose(Refused):
    """The token was made for another call, another message or another gateway."""

    code = "PG-214"
