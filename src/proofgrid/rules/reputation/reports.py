"""How operators and provers stand, as everybody may see it: counters, buckets, speeds, and the reasons in sentences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from proofgrid.primitives.ids import Address, ProverId
from proofgrid.rules.jobs.speed import Speed
from proofgrid.rules.reputation.breaker import BreakerState, state_of
from proofgrid.rules.reputation.buckets import bucket_of, reasons
from proofgrid.rules.reputation.canaries import NEWCOMER_PROOFS
from proofgrid.rules.reputation.counters import Counters, Fact, decayed
from proofgrid.rules.reputation.standing import Standing, pause_sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredSpeed:
    """How fast a prover is in one proof system and class."""

    proof_system: str
    job_class: str
    speed: Speed


@dataclass(frozen=True, slots=True, kw_only=True)
class ProverReport:
    """How one prover stands now."""

    prover_id: ProverId
    counters: Counters  #: decayed until now
    bucket: int
    reasons: tuple[str, ...]
    breaker: BreakerState
    paused_until_ms: int
    last_faults: tuple[str, ...]  #: newest first
    speeds: tuple[MeasuredSpeed, ...]
    connected: bool
    jobs_proven: int  #: ever
    jobs_failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorReport:
    """How an operator's provers stand together; rounds rank each prover by its own bucket."""

    operator: Address
    counters: Counters
    bucket: int
    reasons: tuple[str, ...]
    provers: tuple[ProverReport, ...]


def report_prover(
    prover_id: ProverId,
    standing: Standing,
    *,
    shared: Standing | None,
    speeds: Sequence[MeasuredSpeed],
    connected: bool,
    jobs_proven: int,
    jobs_failed: int,
    half_life_ms: int,
    now_ms: int,
) -> ProverReport:
    """Return what is told of a prover that stands like this; `shared`: how its operator stands, if it is new."""
    counters = decayed(standing.counters, now_ms=now_ms, half_life_ms=half_life_ms)
    placing, holding, whose = counters, standing, []
    if shared is not None:
        placing = decayed(shared.counters, now_ms=now_ms, half_life_ms=half_life_ms)
        holding = max(standing, shared, key=lambda one: one.breaker.paused_until_ms)
        whose = [f"new until it has {NEWCOMER_PROOFS} verified jobs: until then all that its operator did counts"]
    paused = pause_sentence(holding, now_ms=now_ms)
    return ProverReport(
        prover_id=prover_id,
        counters=counters,
        bucket=bucket_of(placing),
        reasons=(*([paused] if paused else []), *whose, *reasons(placing)),
        breaker=state_of(holding.breaker, now_ms=now_ms),
        paused_until_ms=holding.breaker.paused_until_ms,
        last_faults=holding.last_faults,
        speeds=tuple(speeds),
        connected=connected,
        jobs_proven=jobs_proven,
        jobs_failed=jobs_failed,
    )


def report_operator(operator: Address, provers: Sequence[ProverReport]) -> OperatorReport:
    """Return what is told of an operator: what its provers' counters come to together."""
    counters = Counters(**{fact.value: sum(one.counters.of(fact) for one in provers) for fact in Fact})
    return OperatorReport(
        operator=operator,
        counters=counters,
        bucket=bucket_of(counters),
        reasons=tuple(reasons(counters)),
        provers=tuple(provers),
    )
