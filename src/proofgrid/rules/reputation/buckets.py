"""From counters to a bucket, and the sentences that say why.

The success share is that of the counters and of five made-up facts, four of them proofs: with few samples it stays near
that, so nobody is judged by one job, and whoever is forgotten is new again. Proofs make it rise and faults make it
fall, always: an invalid proof weighs five crashes, a late proof a quarter of one (beside the proof that it is).

    share    >= 950   >= 800   >= 500   below     (1/1000)
    bucket        0        1        2       3     0 is served first, a new prover stands in 1
"""

from __future__ import annotations

from proofgrid.rules.jobs.speed import SAMPLES_TRUSTED, Speed
from proofgrid.rules.reputation.counters import FAULTS, ONE, Counters, Fact

LEAST_SHARE_PERMILLE = (950, 800, 500)  #: of buckets 0, 1, 2
BUCKET_WORST = len(LEAST_SHARE_PERMILLE)
PRIOR_PROVEN = 4 * ONE
PRIOR_FAULTS = 1 * ONE
PROVEN_ITSELF = 7 * ONE  #: eight proofs, of which some may have begun to be forgotten
WEIGHT_QUARTERS = {Fact.LATE: 1, Fact.LOST: 4, Fact.CRASHED: 4, Fact.INVALID: 20}  #: in quarters of a crash


def share_permille(counters: Counters) -> int:
    """Return the success share with a bound for few samples."""
    faults = sum(weight * counters.of(fact) for fact, weight in WEIGHT_QUARTERS.items())
    good = 4 * (counters.proven + PRIOR_PROVEN)
    return good * 1_000 // (good + faults + 4 * PRIOR_FAULTS)


def bucket_of(counters: Counters) -> int:
    """Return the bucket of counters as of now: 0 is best."""
    share = share_permille(counters)
    return next((place for place, least in enumerate(LEAST_SHARE_PERMILLE) if share >= least), BUCKET_WORST)


def has_proven_itself(counters: Counters) -> bool:
    """Has a prover with these counters, as of now, earned a word that decides: proofs, and hardly a fault?"""
    return counters.proven >= PROVEN_ITSELF and bucket_of(counters) <= 1


def speed_confidence_permille(speed: Speed) -> int:
    """Return how much a measured speed is worth: a half with as few samples as are trusted, ever more with more."""
    return speed.samples * 1_000 // (speed.samples + SAMPLES_TRUSTED)


def reasons(counters: Counters) -> list[str]:
    """Say in sentences why a prover stands where it stands, what weighs most first."""
    share, bucket = share_permille(counters), bucket_of(counters)
    said = [f"bucket {bucket}: its success share counts as {_percent(share)}{_range(bucket)}"]
    faults = sum(counters.of(fact) for fact in FAULTS)
    if not counters.proven and not faults:
        return [*said, "nothing is known of it yet, or all of it was forgotten"]
    if counters.invalid:
        said.append(f"{_count(counters.invalid)} invalid proofs, each weighs as much as five crashes")
    if counters.crashed:
        said.append(
            f"{_count(counters.crashed)} jobs that failed at it, or that it gave back without a reason that held"
        )
    if counters.lost:
        said.append(f"{_count(counters.lost)} leases that were lost or ran out of time")
    if counters.late:
        said.append(f"{_count(counters.late)} of its proofs were late against the estimate")
    said.append(f"{_count(counters.proven)} verified proofs")
    return said


def _range(bucket: int) -> str:
    if bucket == 0:
        return f" (bucket 0 needs {_percent(LEAST_SHARE_PERMILLE[0])})"
    return f" (bucket {bucket - 1} needs {_percent(LEAST_SHARE_PERMILLE[bucket - 1])})"


def _percent(permille: int) -> str:
    return f"{permille // 10}.{permille % 10} %"


def _count(millionths: int) -> str:
    """A decayed count with one decimal, rounded up, so that what counts never reads as nothing."""
    tenths = -(-millionths * 10 // ONE)
    return f"{tenths // 10}.{tenths % 10}" if tenths % 10 else str(tenths // 10)
