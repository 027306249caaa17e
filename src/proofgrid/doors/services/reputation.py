"""How operators and provers stand, over gRPC."""

from __future__ import annotations

from proofgrid.doors.services.front_door import CallContext, FrontDoor, answering
from proofgrid.primitives.signatures import parse_address
from proofgrid.roles.intake.reputation import Reputation
from proofgrid.rules.reputation.buckets import share_permille, speed_confidence_permille
from proofgrid.rules.reputation.counters import Counters
from proofgrid.rules.reputation.reports import MeasuredSpeed, OperatorReport, ProverReport
from proofgrid.store.retention import DAY_MS
from proofgrid.wire.v1 import reputation_pb2 as messages
from proofgrid.wire.v1 import reputation_pb2_grpc as services


class ReputationService(services.ReputationServiceServicer):
    """What `ReputationService` of proto/proofgrid/wire/v1/reputation.proto promises."""

    def __init__(self, door: FrontDoor, reputation: Reputation) -> None:
        self._door = door
        self._reputation = reputation

    @answering
    async def ListOperators(  # noqa: N802
        self, request: messages.ListOperatorsRequest, context: CallContext
    ) -> messages.ListOperatorsResponse:
        await self._door.admit(context, self._reputation.operators)
        only = parse_address(request.address) if request.address else None
        reports = await self._reputation.operators(only, limit=request.limit, cursor=request.cursor)
        return messages.ListOperatorsResponse(
            operators=[write_operator(report) for report in reports],
            half_life_days=self._reputation.policy.half_life_ms // DAY_MS,
            next_cursor=reports.next_cursor,
        )


def write_operator(report: OperatorReport) -> messages.OperatorStanding:
    return messages.OperatorStanding(
        operator=report.operator,
        counts=_write_counts(report.counters),
        bucket=report.bucket,
        reasons=report.reasons,
        provers=[_write_prover(one) for one in report.provers],
    )


def _write_prover(report: ProverReport) -> messages.ProverStanding:
    return messages.ProverStanding(
        prover_id=report.prover_id,
        counts=_write_counts(report.counters),
        bucket=report.bucket,
        reasons=report.reasons,
        breaker=report.breaker.value,
        paused_until_ms=report.paused_until_ms,
        last_faults=report.last_faults,
        speeds=[_write_speed(one) for one in report.speeds],
        connected=report.connected,
        jobs_proven=report.jobs_proven,
        jobs_failed=report.jobs_failed,
    )


def _write_counts(counters: Counters) -> messages.FactCounts:
    return messages.FactCounts(
        proven_milli=counters.proven // 1_000,
        late_milli=counters.late // 1_000,
        lost_milli=counters.lost // 1_000,
        crashed_milli=counters.crashed // 1_000,
        invalid_milli=counters.invalid // 1_000,
        success_share_permille=share_permille(counters),
    )


def _write_speed(measured: MeasuredSpeed) -> messages.MeasuredSpeed:
    return messages.MeasuredSpeed(
        proof_system=measured.proof_system,
        **{"class": measured.job_class},
        units_per_second_milli=measured.speed.units_per_second_milli,
        samples=measured.speed.samples,
        confidence_permille=speed_confidence_permille(measured.speed),
    )
