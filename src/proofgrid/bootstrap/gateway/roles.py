"""The roles of a gateway, introduced to their adapters and to each other."""

from __future__ import annotations

from collections.abc import Callable, Collection, Coroutine, Sequence
from dataclasses import dataclass, replace
from functools import partial

from proofgrid.bootstrap.gateway.adapters import Adapters, bundles_below
from proofgrid.bootstrap.gateway.gate import build_gate
from proofgrid.bootstrap.gateway.intake import build_admission, build_intake
from proofgrid.bootstrap.gateway.telling import build_telling
from proofgrid.primitives.ids import Address, GatewayId, TaskId
from proofgrid.proofs.pool.child import OWN_SCRATCH
from proofgrid.proofs.registry import engines_here, installed_names, with_unversioned
from proofgrid.roles.audit.checking import AuditCheck
from proofgrid.roles.audit.keeping import AuditPlacing, RefusedCalls
from proofgrid.roles.canary.second_looks import SecondLooks
from proofgrid.roles.canary.sending import Canaries
from proofgrid.roles.census.counting import Census
from proofgrid.roles.chores import Chores
from proofgrid.roles.dispatcher.checking import Checking
from proofgrid.roles.dispatcher.clocks import Clocks
from proofgrid.roles.dispatcher.desk import Desk, DispatchSettings
from proofgrid.roles.dispatcher.in_hand import InHand
from proofgrid.roles.dispatcher.watch import Watch
from proofgrid.roles.incidents.feeling import Feeling
from proofgrid.roles.incidents.responding import Responding
from proofgrid.roles.intake.admission import Admission
from proofgrid.roles.intake.health import Health
from proofgrid.roles.intake.intake import Intake
from proofgrid.roles.intake.known_engines import KnownEngines
from proofgrid.roles.intake.programs import KnownPrograms
from proofgrid.roles.intake.watching import TaskWatch
from proofgrid.roles.intake.writing_down import MarketHere
from proofgrid.roles.market.rounds import Market
from proofgrid.roles.settlement.combining import Combiner
from proofgrid.roles.settlement.delivering import Spelling
from proofgrid.roles.settlement.learning import Learning
from proofgrid.roles.settlement.ledger_check import LedgerCheck
from proofgrid.roles.settlement.sealing_age import SealingAge
from proofgrid.roles.settlement.settlement import Settlement
from proofgrid.roles.telling.telling import Telling
from proofgrid.roles.webhooks.sending import Webhooks
from proofgrid.rules.jobs.request import ProofRequest
from proofgrid.rules.jobs.sizes import SizePolicy
from proofgrid.settings.gateway import GatewaySettings
from proofgrid.telemetry.lag import LoopLag

LATENESS_SECONDS = 0.2  #: the background waits for what was late within so short a time


@dataclass(frozen=True, slots=True, kw_only=True)
class Roles:
    """All roles, built and not running yet."""

    intake: Intake
    admission: Admission
    engines: KnownEngines
    task_watch: TaskWatch
    market: Market
    desk: Desk
    watch: Watch
    canaries: Canaries | None  #: None where none are wanted
    settlement: Settlement
    combiner: Combiner
    spelling: Spelling
    ledger_check: LedgerCheck
    learning: Learning | None  #: None where sizes are not learned
    health: Health
    responding: Responding
    feeling: Feeling
    audit_check: AuditCheck
    audit_placing: AuditPlacing
    refused_calls: RefusedCalls
    webhooks: Webhooks
    telling: Telling
    census: Census
    loop_lag: LoopLag
    lag: Sequence[Callable[[], Coroutine[object, object, None]]]  #: what measures how late this gateway is

    def incident_changed(self, _told: str) -> None:
        """One was opened, acted upon or closed."""
        self.intake.callers.abuse.wake()
        self.responding.wake()
        self.telling.wake()


def build_roles(settings: GatewaySettings, world: Adapters, gateway_id: GatewayId, chores: Chores) -> Roles:
    """Build every role; which of them run is decided when the gateway starts. `chores`: those of its siblings."""
    dispatch = replace(settings.dispatcher(), engines=with_unversioned(engines_here()))
    loop_lag = LoopLag(world.clock)
    world.database.background_waits_for(partial(loop_lag.seconds, within=LATENESS_SECONDS))
    in_hand = InHand(world.clock, loop_lag.seconds)
    clocks = Clocks(world.database, dispatch.phases, gateway_id=gateway_id, in_hand=in_hand)
    sealing_age = SealingAge(world.database)
    feeling = _feeling(settings, world, gateway_id)
    market = _market(settings, world, gateway_id, chores, feeling)
    gate = build_gate(world, loop_lag, in_hand, market, sealing_age, feeling)
    programs = KnownPrograms(world.database, world.clock)
    engines = KnownEngines(world.database, engines_here(), clock=world.clock)
    admission = build_admission(settings, world, programs, engines, MarketHere(str(gateway_id), market.wake))
    task_watch = TaskWatch(world.database)
    settlement = _settlement(settings, world, dispatch)
    return Roles(
        intake=build_intake(settings, world, admission, programs, engines, task_watch, gate),
        admission=admission,
        engines=engines,
        task_watch=task_watch,
        market=market,
        desk=Desk(
            world.database,
            gateway_id=gateway_id,
            settle=settlement.settle,
            checking=_checking(world),
            settings=dispatch,
            subnetwork=settings.subnetwork,
            clock=world.clock,
            in_hand=in_hand,
        ),
        watch=Watch(world.database, dispatch, world.clock, clocks),
        canaries=_canaries(settings, world, admission),
        settlement=settlement,
        combiner=_combiner(world, gateway_id, dispatch.engines),
        spelling=_spelling(world, gateway_id),
        ledger_check=LedgerCheck(world.database, world.clock),
        learning=_learning(settings, world),
        health=Health(world.database),
        responding=Responding(world.database, world.clock, silent_ms=settings.lease_ttl_ms),
        feeling=feeling,
        audit_check=AuditCheck(world.database, world.keys),
        audit_placing=AuditPlacing(world.database, world.keys),
        refused_calls=RefusedCalls(world.database, world.clock),
        webhooks=Webhooks(world.database, world.clock, may_be_local=settings.webhooks_anywhere),
        telling=build_telling(settings, world.database, world.clock, network=world.keys.network),
        census=Census(world.database, world.clock, silent_ms=settings.lease_ttl_ms),
        loop_lag=loop_lag,
        lag=[loop_lag.run, sealing_age.run, gate.run, clocks.run],
    )


def _combiner(world: Adapters, gateway_id: GatewayId, engines: Collection[str] | None) -> Combiner:
    return Combiner(
        world.database,
        world.artifacts,
        world.library,
        world.workers,
        gateway_id=gateway_id,
        keys=world.keys,
        scratch=bundles_below(world.scratch),
        clock=world.clock,
        engines=engines,
    )


def _spelling(world: Adapters, gateway_id: GatewayId) -> Spelling:
    return Spelling(
        world.database,
        world.artifacts,
        world.library,
        world.workers,
        gateway_id=gateway_id,
        systems=installed_names(),
    )


def _market(
    settings: GatewaySettings, world: Adapters, gateway_id: GatewayId, chores: Chores, feeling: Feeling
) -> Market:
    return Market(
        world.database,
        gateway_id=gateway_id,
        keys=world.keys,
        settings=settings.market(),
        clock=world.clock,
        chores=chores,
        may_lead=lambda: feeling.may_lead,
    )


def _settlement(settings: GatewaySettings, world: Adapters, dispatch: DispatchSettings) -> Settlement:
    return Settlement(
        world.database,
        world.artifacts,
        world.library,
        world.workers,
        clock=world.clock,
        scratch=OWN_SCRATCH,
        phases=dispatch.phases,
        hedging=dispatch.hedging,
        reputation=dispatch.reputation,
        surplus_to=settings.surplus,
        signed_for=world.keys.network if settings.bonds().is_asked else None,
    )


def _feeling(settings: GatewaySettings, world: Adapters, gateway_id: GatewayId) -> Feeling:
    return Feeling(
        world.database,
        world.artifacts,
        world.clock,
        gateway_id=gateway_id,
        data_dir=world.data_dir,
        certificate=settings.tls_certificate,
    )


def _checking(world: Adapters) -> Checking:
    return Checking(world.database, world.artifacts, world.library, world.workers, world.troubles, scratch=OWN_SCRATCH)


def _learning(settings: GatewaySettings, world: Adapters) -> Learning | None:
    return Learning(world.database, engines_here(), SizePolicy()) if settings.learn_sizes else None


def _canaries(settings: GatewaySettings, world: Adapters, admission: Admission) -> Canaries | None:
    wanted = settings.canaries()

    async def submit(client: Address, request: ProofRequest) -> TaskId:
        return TaskId((await admission.submit(client, request)).task_id)

    if not wanted.are_wanted:
        return None
    return Canaries(world.database, submit, wanted, world.clock, engines=engines_here())


def build_second_looks(world: Adapters) -> SecondLooks:
    """Return what verifies again what other versions of this gateway's engines accepted."""
    return SecondLooks(
        world.database,
        world.artifacts,
        world.library,
        world.workers,
        here=engines_here().values(),
        clock=world.clock,
        scratch=OWN_SCRATCH,
    )
