"""What the network allows: limits on requests, rates and sizes, and how a rate limit counts."""

from __future__ import annotations

from dataclasses import dataclass, field

from proofgrid.rules.jobs.classes import CLASS_LIMITS, ClassLimits

MIB = 1 << 20

SMALL_ARTIFACT_BYTES = 4 << 10  #: inputs and proofs up to here live in their job's row and travel inside messages
SMALL_PROOF_BYTES = 256 << 10  #: up to here a proof travels inside its result; a larger one is uploaded first
PROOF_BYTES_MAX = 64 * MIB  #: of one job: what a prover may upload under one lease
SMALL_BUNDLE_BYTES = 64 << 10  #: bundles up to here live in the database, in the row that says whose they are
JSON_WEIGHT = 16  #: a byte of JSON that is read on the event loop counts as so many that are only stored
COUNT_HOLDS_MS = 1_000  #: a count of open tasks far below the limit
LIST_DEFAULT = 100
LIST_MAX = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """How much of something one may have: steadily, and at once after having had none for a while."""

    per_second: int
    burst: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Per-client limits; one key is one client."""

    requests_per_second: int = 50
    requests_burst: int = 200
    calls_at_once: int = 4_096  #: streams among them
    bytes_per_second: int = 64 * MIB  #: of what is sent to a gateway; JSON counts more (JSON_WEIGHT)
    bytes_burst: int = 512 * MIB
    stranger_requests_per_second: int = 100  #: from one address, without a token that is good for anything
    stranger_requests_burst: int = 1_000
    open_tasks: int = 1_000
    stored_bytes: int = 2 << 30
    upload_bytes: int = 256 * MIB
    inputs_json_bytes: int = 8 * MIB
    inputs_per_task: int = 1_024
    class_limits: ClassLimits = field(default_factory=lambda: CLASS_LIMITS)  #: of the network, not of a client


@dataclass(frozen=True, slots=True)
class Bucket:
    """A token bucket in thousandths of what it counts, so that it counts in integers."""

    level_milli: int  #: below 0: more was had than there was
    at_ms: int


def after_taking(bucket: Bucket | None, rate: Rate, cost: int, *, now_ms: int) -> Bucket:
    """Return the bucket after `cost` was taken at `now_ms`, whatever was in it; None: of somebody new."""
    full = Bucket(rate.burst * 1_000, now_ms) if bucket is None else _refilled(bucket, rate, now_ms=now_ms)
    return Bucket(full.level_milli - 1_000 * cost, full.at_ms)


def wait_ms(bucket: Bucket, rate: Rate, cost: int, *, now_ms: int) -> int:
    """Return after how long `cost` may be taken; 0: now. What is more than a burst may be once the bucket is full."""
    wanted = 1_000 * min(cost, rate.burst)
    return max(0, -(-(wanted - _refilled(bucket, rate, now_ms=now_ms).level_milli) // rate.per_second))


def left(bucket: Bucket, rate: Rate, *, now_ms: int) -> int:
    """Return how much may be taken now."""
    return max(0, _refilled(bucket, rate, now_ms=now_ms).level_milli // 1_000)


def _refilled(bucket: Bucket, rate: Rate, *, now_ms: int) -> Bucket:
    level = min(rate.burst * 1_000, bucket.level_milli + max(0, now_ms - bucket.at_ms) * rate.per_second)
    return Bucket(level, max(now_ms, bucket.at_ms))


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
