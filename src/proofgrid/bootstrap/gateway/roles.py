"""The roles of a gateway, introduced to their adapters and to each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from proofgrid.bootstrap.gateway.adapters import Adapters
from proofgrid.doors.grpc.quote import PriceJobs
from proofgrid.primitives.ids import GatewayId
from proofgrid.proofs.base import JobDraft
from proofgrid.roles.canary.sending import Canaries
from proofgrid.roles.dispatcher.desk import Desk
from proofgrid.roles.dispatcher.watch import Watch
from proofgrid.roles.intake.admission import Admission
from proofgrid.roles.intake.callers import Callers
from proofgrid.roles.intake.registration import Registration
from proofgrid.roles.intake.watching import TaskWatch
from proofgrid.roles.market.quoting import QuotedJob, Quoting
from proofgrid.roles.market.rounds import Market
from proofgrid.roles.settlement.combining import Combiner
from proofgrid.roles.settlement.ledger_check import LedgerCheck
from proofgrid.roles.settlement.settlement import Settlement
from proofgrid.rules.jobs.constraints import Constraints
from proofgrid.rules.jobs.limits import Limits
from proofgrid.rules.market.quote import LaneQuote
from proofgrid.settings.gateway import GatewaySettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """What clients, operators and administrators may ask for."""

    limits: Limits
    callers: Callers
    admission: Admission
    registration: Registration
    task_watch: TaskWatch
    price_jobs: PriceJobs


@dataclass(frozen=True, slots=True, kw_only=True)
class Roles:
    """All roles, built and not running yet."""

    intake: Intake
    market: Market
    desk: Desk
    watch: Watch
    canaries: Canaries | None  #: None where none are wanted
    settlement: Settlement
    combiner: Combiner
    ledger_check: LedgerCheck


def build_roles(settings: GatewaySettings, world: Adapters, gateway_id: GatewayId) -> Roles:
    """Build every role; which of them run is decided when the gateway starts."""
    dispatch = settings.dispatcher()
    intake = _intake(settings, world)
    settlement = Settlement(
        world.database,
        world.artifacts,
        world.library,
        world.workers,
        scratch=world.scratch,
        report_ms=dispatch.phases.report_ms,
        hedging=dispatch.hedging,
        reputation=dispatch.reputation,
        surplus_to=settings.surplus,
    )
    return Roles(
        intake=intake,
        market=Market(
            world.database, gateway_id=gateway_id, key=world.key, settings=settings.market(), clock=world.clock
        ),
        desk=Desk(
            world.database,
            gateway_id=gateway_id,
            settle=settlement.settle,
            settings=dispatch,
            subnetwork=settings.subnetwork,
            clock=world.clock,
        ),
        watch=Watch(world.database, dispatch),
        canaries=_canaries(settings, world, intake.admission),
        settlement=settlement,
        combiner=Combiner(
            world.database,
            world.artifacts,
            world.library,
            world.workers,
            gateway_id=gateway_id,
            key=world.key,
            scratch=world.scratch,
        ),
        ledger_check=LedgerCheck(world.database),
    )


def _intake(settings: GatewaySettings, world: Adapters) -> Intake:
    limits = settings.limits()
    return Intake(
        limits=limits,
        callers=Callers(world.database, audience=world.key.address, limits=limits, clock=world.clock),
        admission=Admission(
            world.database,
            world.artifacts,
            world.library,
            world.workers,
            limits=limits,
            clock=world.clock,
            subnetwork=settings.subnetwork,
            scratch=world.scratch,
        ),
        registration=Registration(
            world.database, world.artifacts, world.workers, trust=world.roots.paths, scratch=world.scratch
        ),
        task_watch=TaskWatch(world.database),
        price_jobs=_prices_of(Quoting(world.database, settings.market())),
    )


def _canaries(settings: GatewaySettings, world: Adapters, admission: Admission) -> Canaries | None:
    wanted = settings.canaries()
    return Canaries(world.database, admission.submit, wanted, world.clock) if wanted.are_wanted else None


def _prices_of(quoting: Quoting) -> PriceJobs:
    async def price_jobs(
        jobs: Sequence[tuple[str, JobDraft]], program: str, constraints: Constraints
    ) -> Sequence[LaneQuote]:
        asked = [QuotedJob(lane=lane, units=job.units, memory_bytes=job.memory_bytes) for lane, job in jobs]
        return await quoting.quote(asked, program=program, constraints=constraints)

    return price_jobs
