"""How operators and provers stand, for anybody with a role: counters, buckets, speeds, and the reasons in sentences."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from proofgrid.doors.grpc.client import ANYBODY
from proofgrid.doors.grpc.front_door import FrontDoor, answering
from proofgrid.primitives.signatures import parse_address
from proofgrid.rules.jobs.speed import Speed
from proofgrid.rules.reputation.breaker import state_of
from proofgrid.rules.reputation.buckets import bucket_of, reasons, share_permille, speed_confidence_permille
from proofgrid.rules.reputation.counters import Counters, Fact, decayed
from proofgrid.rules.reputation.standing import ReputationPolicy, pause_sentence
from proofgrid.store.database import Database
from proofgrid.store.queries import QUERIES
from proofgrid.store.retention import DAY_MS
from proofgrid.store.standing import counters_of, standing_of
from proofgrid.wire.v1 import reputation_pb2 as messages
from proofgrid.wire.v1 import reputation_pb2_grpc as services

PROVERS_MAX = 2_000  #: in one answer


class ReputationService(services.ReputationServiceServicer):
    """What `ReputationService` of proto/proofgrid/wire/v1/reputation.proto promises."""

    def __init__(self, door: FrontDoor, database: Database, policy: ReputationPolicy) -> None:
        self._door = door
        self._database = database
        self._policy = policy

    @answering
    async def ListOperators(  # noqa: N802
        self, request: messages.ListOperatorsRequest, context: Any
    ) -> messages.ListOperatorsResponse:
        await self._door.admit(context, *ANYBODY)
        address = parse_address(request.address) if request.address else ""
        async with self._database.connection() as connection:
            rows = await connection.fetch(QUERIES["standings"], address, PROVERS_MAX)
        provers: dict[str, list[Any]] = defaultdict(list)
        for row in rows:
            provers[row["operator"]].append(row)
        return messages.ListOperatorsResponse(
            operators=[self._operator(operator, its_rows) for operator, its_rows in provers.items()],
            half_life_days=self._policy.half_life_ms // DAY_MS,
        )

    def _operator(self, operator: str, rows: Sequence[Any]) -> messages.OperatorStanding:
        counters = _sum([self._counters(row) for row in rows])
        return messages.OperatorStanding(
            operator=operator,
            counts=_counts(counters),
            bucket=bucket_of(counters),
            reasons=reasons(counters),
            provers=[self._prover(row) for row in rows],
        )

    def _prover(self, row: Any) -> messages.ProverStanding:
        standing, counters, now_ms = standing_of(row), self._counters(row), row["now_ms"]
        paused = pause_sentence(standing, now_ms=now_ms)
        return messages.ProverStanding(
            prover_id=row["prover_id"],
            counts=_counts(counters),
            bucket=bucket_of(counters),
            reasons=[*([paused] if paused else []), *reasons(counters)],
            breaker=state_of(standing.breaker, now_ms=now_ms).value,
            paused_until_ms=standing.breaker.paused_until_ms,
            last_faults=standing.last_faults,
            speeds=[_speed(*measured) for measured in row["speeds"] or ()],
            connected=row["connected"],
            jobs_proven=row["jobs_proven"],
            jobs_failed=row["jobs_failed"],
        )

    def _counters(self, row: Any) -> Counters:
        return decayed(counters_of(row), now_ms=row["now_ms"], half_life_ms=self._policy.half_life_ms)


def _sum(all_counters: Sequence[Counters]) -> Counters:
    return Counters(**{fact.value: sum(one.of(fact) for one in all_counters) for fact in Fact})


def _counts(counters: Counters) -> messages.FactCounts:
    return messages.FactCounts(
        proven_milli=counters.proven // 1_000,
        late_milli=counters.late // 1_000,
        lost_milli=counters.lost // 1_000,
        crashed_milli=counters.crashed // 1_000,
        invalid_milli=counters.invalid // 1_000,
        success_share_permille=share_permille(counters),
    )


def _speed(system: str, job_class: str, units: int, wall_ms: int, samples: int) -> messages.MeasuredSpeed:
    speed = Speed(units=units, wall_ms=wall_ms, samples=samples)
    return messages.MeasuredSpeed(
        proof_system=system,
        **{"class": job_class},
        units_per_second_milli=speed.units_per_second_milli,
        samples=samples,
        confidence_permille=speed_confidence_permille(speed),
    )
