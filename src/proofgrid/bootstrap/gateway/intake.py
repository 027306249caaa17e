"""The intake of a gateway: every use case that its doors offer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

from proofgrid.bootstrap.gateway.adapters import Adapters, publish_roots
from proofgrid.bootstrap.gateway.keys import keep_list
from proofgrid.bootstrap.signing.signers import read_again
from proofgrid.primitives.signatures import Signer
from proofgrid.proofs.pool.child import OWN_SCRATCH
from proofgrid.proofs.registry import engines_here, installed_names, proof_system
from proofgrid.roles.intake.access_list import AccessList
from proofgrid.roles.intake.accounts import Accounts
from proofgrid.roles.intake.admission import Admission, PriceJobs
from proofgrid.roles.intake.api_keys import ApiKeys
from proofgrid.roles.intake.artifacts import Artifacts
from proofgrid.roles.intake.audit import AuditLog
from proofgrid.roles.intake.bonds import Bonds
from proofgrid.roles.intake.bulk_acts import BulkActs
from proofgrid.roles.intake.callers import Callers
from proofgrid.roles.intake.canaries import Canaries
from proofgrid.roles.intake.certificates import Certificates
from proofgrid.roles.intake.close_up import CloseUp
from proofgrid.roles.intake.dead_letters import DeadLetters
from proofgrid.roles.intake.engines import Engines
from proofgrid.roles.intake.evidence import EvidenceDesk
from proofgrid.roles.intake.gate import Gate
from proofgrid.roles.intake.incidents import Incidents
from proofgrid.roles.intake.intake import Intake
from proofgrid.roles.intake.keys import KeyRing
from proofgrid.roles.intake.known_engines import KnownEngines
from proofgrid.roles.intake.normalising import Normaliser
from proofgrid.roles.intake.overview import Overview
from proofgrid.roles.intake.ownership import Ownership
from proofgrid.roles.intake.programs import KnownPrograms, Programs
from proofgrid.roles.intake.proof_deliveries import ProofDeliveries
from proofgrid.roles.intake.quota import Quotas
from proofgrid.roles.intake.quotes import Quotes
from proofgrid.roles.intake.records import Records
from proofgrid.roles.intake.registration import Registration
from proofgrid.roles.intake.replaying import PriceLanes, Replaying
from proofgrid.roles.intake.reputation import Reputation
from proofgrid.roles.intake.reservations import Reservations
from proofgrid.roles.intake.reserving import Reserving
from proofgrid.roles.intake.sealing import Recipients
from proofgrid.roles.intake.sizes import Sizes
from proofgrid.roles.intake.sizing import PlacedJob, Sizing
from proofgrid.roles.intake.statements import Statements
from proofgrid.roles.intake.status import NetworkFacts, Status
from proofgrid.roles.intake.subnetworks import Subnetworks
from proofgrid.roles.intake.tasks import Tasks
from proofgrid.roles.intake.treasury import Treasury
from proofgrid.roles.intake.vault import Vaults
from proofgrid.roles.intake.watching import TaskWatch
from proofgrid.roles.intake.webhooks import WebhookList
from proofgrid.roles.intake.writing_down import MarketHere
from proofgrid.roles.market.quoting import QuotedJob, Quoting
from proofgrid.roles.market.why_waiting import WhyWaiting
from proofgrid.rules.jobs.constraints import Constraints
from proofgrid.rules.jobs.sizes import SizePolicy
from proofgrid.rules.market.quote import LaneQuote
from proofgrid.settings.gateway import GatewaySettings, keys_folder
from proofgrid.store.replays import LaneOfReplay


def build_admission(
    settings: GatewaySettings, world: Adapters, programs: KnownPrograms, engines: KnownEngines, market: MarketHere
) -> Admission:
    """Return what makes tasks of requests, not running yet."""
    return Admission(
        world.database,
        Normaliser(
            world.artifacts,
            world.library,
            world.workers,
            _reservations(settings, world),
            scratch=OWN_SCRATCH,
            clock=world.clock,
        ),
        programs,
        _prices_of(Quoting(world.database, settings.market())),
        limits=settings.limits(),
        clock=world.clock,
        subnetwork=settings.subnetwork,
        phases=settings.phases(),
        market=market,
        engines=engines,
        sizing=Sizing(world.database, world.clock, is_wanted=settings.learn_sizes),
    )


def build_intake(
    settings: GatewaySettings,
    world: Adapters,
    admission: Admission,
    known_programs: KnownPrograms,
    engines: KnownEngines,
    task_watch: TaskWatch,
    gate: Gate,
) -> Intake:
    """Return all use cases; `admission` and `task_watch` are run and woken by whoever runs the gateway."""
    database, limits = world.database, settings.limits()
    prices = _prices_of(Quoting(database, settings.market()))
    callers = Callers(database, audience=world.keys.network, limits=limits, clock=world.clock)
    reputation = Reputation(database, settings.reputation())
    tasks = Tasks(database, admission, task_watch, why_waiting=WhyWaiting(database, settings.market()).of_task)
    registration = _registration(settings, world, engines)
    replaying = Replaying(
        database, known_programs, _lane_prices(Quoting(database, settings.market())), world.clock, limits=limits
    )
    bonds, silent_ms = Bonds(database, settings.bonds()), settings.lease_ttl_ms
    return Intake(
        limits=limits,
        callers=callers,
        access=AccessList(database, callers.known_roles),
        accounts=Accounts(database),
        api_keys=ApiKeys(database, callers.api_keys, world.clock),
        artifacts=Artifacts(database, world.artifacts, _reservations(settings, world), world.troubles, limits=limits),
        audit=AuditLog(database, world.keys),
        bonds=bonds,
        bulk_acts=BulkActs(database, replaying),
        canaries=Canaries(database, admission, known_programs, world.clock),
        certificates=Certificates(world.keys, world.clock),
        close_up=CloseUp(database, tasks, reputation, bonds, silent_ms=silent_ms),
        dead_letters=DeadLetters(database, world.clock),
        engines=Engines(database, engines, here=engines_here().values()),
        evidence=EvidenceDesk(database, world.artifacts, world.keys),
        gate=gate,
        incidents=Incidents(database, network=world.keys.network),
        keys=_key_ring(world),
        overview=Overview(database, reputation, world.clock, silent_ms=silent_ms),
        ownership=Ownership(database, known_programs),
        programs=Programs(database),
        quotas=Quotas(database, callers, registration, limits=limits),
        quotes=Quotes(database, admission, prices, Reserving(database, settings.reserving(), world.clock)),
        records=Records(database, world.keys),
        registration=registration,
        recipients=Recipients(database, world.library, known_programs, engines, home=settings.subnetwork),
        reputation=reputation,
        sizes=Sizes(database, SizePolicy(), world.clock),
        statements=Statements(database, world.clock),
        deliveries=ProofDeliveries(database),
        status=Status(database, _facts(world, settings), silent_ms=silent_ms),
        subnetworks=Subnetworks(database),
        tasks=tasks,
        treasury=Treasury(database),
        vaults=Vaults(database),
        webhooks=WebhookList(database, world.clock, may_be_local=settings.webhooks_anywhere),
    )


def _registration(settings: GatewaySettings, world: Adapters, engines: KnownEngines) -> Registration:
    return Registration(
        world.database,
        world.artifacts,
        world.workers,
        _reservations(settings, world),
        trust=world.roots.paths,
        scratch=world.scratch,
        publish=partial(publish_roots, world.roots, world.artifacts, world.database),
        engines=engines,
    )


def _key_ring(world: Adapters) -> KeyRing:
    def load() -> Iterable[Signer]:
        return read_again(world.signing, world.keys.held)

    return KeyRing(world.database, world.keys, load=load, keep=partial(keep_list, keys_folder(world.data_dir)))


def _reservations(settings: GatewaySettings, world: Adapters) -> Reservations:
    return Reservations(world.database, world.clock, limits=settings.limits())


def _facts(world: Adapters, settings: GatewaySettings) -> NetworkFacts:
    return NetworkFacts(
        address=world.keys.network,
        # Found once: anybody may ask, and looking for packages takes milliseconds.
        proof_systems=[proof_system(name).describe() for name in installed_names()],
        setup_files=world.roots.files,
        setup_for_development=world.roots.for_development,
        upload_bytes_max=settings.upload_bytes,
        operator_limits=settings.operator_limits(),
        newcomer_slots=settings.newcomer_slots,
    )


def _lane_prices(quoting: Quoting) -> PriceLanes:
    async def price_lanes(jobs: Sequence[LaneOfReplay], program: str, constraints: Constraints) -> Sequence[LaneQuote]:
        asked = [QuotedJob(lane=one.lane, units=one.units, memory_bytes=one.memory_bytes) for one in jobs]
        return await quoting.quote(asked, program=program, constraints=constraints)

    return price_lanes


def _prices_of(quoting: Quoting) -> PriceJobs:
    async def price_jobs(jobs: Sequence[PlacedJob], program: str, constraints: Constraints) -> Sequence[LaneQuote]:
        asked = [
            QuotedJob(lane=job.lane, units=job.content.units, memory_bytes=job.content.memory_bytes) for job in jobs
        ]
        return await quoting.quote(asked, program=program, constraints=constraints)

    return price_jobs
