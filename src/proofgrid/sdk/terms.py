"""What a client may say of a request besides program and inputs: the terms that `submit` and its kin share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

from proofgrid.rules.jobs.constraints import Constraints
from proofgrid.rules.jobs.ladder import Ladder


class Terms(TypedDict, total=False):
    """Of any request; what each means stands at `Client.submit`."""

    limit_price: int
    budget: int
    deadline_ms: int
    idempotency_key: str | None
    hedging: bool
    ladder: Ladder | None
    constraints: Constraints
    subnetwork: str
    tags: Sequence[str]


class AllTerms(Terms, total=False):
    """Of a request whose inputs the gateway reads."""

    allow_cached: bool
    aggregate: bool
    quote_id: str
