"""What `proofgrid verify --json` says of the demo's bundle."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from proofgrid.primitives.canonical import Json
from proofgrid.proofs.bundles.manifest import Wrapped


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvenJob:
    """One job that was proven: by whom, and what was paid for it, in base units."""

    operator: str
    units: int
    price_buy: int  #: per PU, by the client
    price_sell: int  #: per PU, to the operator
    paid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """A bundle that verified."""

    checks: Sequence[str]
    program: str
    network: str
    result: Mapping[str, Json]  #: what was proven, as the proof system says it
    jobs: Sequence[ProvenJob]  #: whose proofs are in it
    jobs_as_said: Json
    wrapped: Wrapped | None = None  #: those whose proofs are inside the one proof, together


def read_verified(text: str) -> Verified:
    """Return what the process said on its standard output."""
    report = json.loads(text)
    manifest = report["manifest"]
    jobs = [
        ProvenJob(
            operator=job["operator"],
            units=job["units"],
            price_buy=job["price_buy"],
            price_sell=job["price_sell"],
            paid=job["paid"],
        )
        for job in manifest["jobs"]
    ]
    return Verified(
        checks=report["checks"],
        program=manifest["program"]["digest"],
        network=manifest["network"],
        result=manifest["result"],
        jobs=jobs,
        jobs_as_said=manifest["jobs"],
        wrapped=Wrapped(**manifest["wrapped"]) if "wrapped" in manifest else None,
    )
