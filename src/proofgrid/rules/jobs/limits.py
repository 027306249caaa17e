"""What the network allows: limits on requests, rates and sizes, and how a rate limit counts."""

from __future__ import annotations

from dataclasses import dataclass, field

from proofgrid.rules.jobs.classes import CLASS_LIMITS, ClassLimits

MIB = 1 << 20

SMALL_ARTIFACT_BYTES = 4 << 10  #: inputs and proofs up to here live in their job's row and travel inside messages
SMALL_PROOF_BYTES = 256 << 10  #: up to here a proof travels inside its result; a larger one is uploaded first
PROOF_BYTES_MAX = 64 * MIB  #: of one job: what a prover may upload under one lease
SMALL_BUNDLE_BYTES = 64 << 10  #: bundles up to here live in the database, in the row that says whose they are
COUNT_HOLDS_MS = 1_000  #: a count of open tasks far below the limit
LIST_DEFAULT = 100
LIST_MAX = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Per-client limits; one key is one client."""

    requests_per_second: int = 50
    requests_burst: int = 200
    open_tasks: int = 1_000
    stored_bytes: int = 2 << 30
    upload_bytes: int = 256 * MIB
    inputs_json_bytes: int = 8 * MIB
    inputs_per_task: int = 1_024
    class_limits: ClassLimits = field(default_factory=lambda: CLASS_LIMITS)  #: of the network, not of a client


@dataclass(frozen=True, slots=True)
class Bucket:
    """A token bucket in thousandths of a request, so that it counts in integers."""

    level_milli: int
    at_ms: int


def take(bucket: Bucket | None, *, now_ms: int, per_second: int, burst: int) -> tuple[Bucket, bool]:
    """Return the bucket after one request at `now_ms`, and whether that request is allowed."""
    full = burst * 1_000
    if bucket is None:
        bucket = Bucket(full, now_ms)
    level = min(full, bucket.level_milli + max(0, now_ms - bucket.at_ms) * per_second)
    at_ms = max(now_ms, bucket.at_ms)
    if level < 1_000:
        return Bucket(level, at_ms), False
    return Bucket(level - 1_000, at_ms), True


@dataclass(frozen=True, slots=True)
class OpenCount:
    """How many tasks a client had open when they were counted, and how many this gateway accepted since."""

    counted: int
    at_ms: int  #: by this gateway's clock
    accepted: int = 0

    @property
    def at_most(self) -> int:
        """As many are open at most, if no other gateway accepted any since."""
        return self.counted + self.accepted


def must_count(known: OpenCount | None, *, limit: int, now_ms: int) -> bool:
    """Tell whether a client's open tasks are counted anew: near the limit always, else once in `COUNT_HOLDS_MS`.

    So a count costs nothing per task. What other gateways accept of the same client within that time may exceed the
    limit only if it is more than a tenth of it.
    """
    if known is None or not 0 <= now_ms - known.at_ms < COUNT_HOLDS_MS:
        return True
    return known.at_most * 10 >= limit * 9


def list_limit(asked: int) -> int:
    """Return how many entries of a list are shown to who asked for so many; 0 asks for none in particular."""
    return min(asked or LIST_DEFAULT, LIST_MAX)
