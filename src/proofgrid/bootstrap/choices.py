"""Which settings go to which role."""

from __future__ import annotations

from proofgrid.doors.grpc.server import Listen
from proofgrid.roles.canary.sending import CanarySettings
from proofgrid.roles.dispatcher.desk import DispatchSettings
from proofgrid.roles.market.rounds import MarketSettings
from proofgrid.rules.jobs.classes import parse_class_limits
from proofgrid.rules.jobs.hedging import HedgePolicy
from proofgrid.rules.jobs.limits import Limits
from proofgrid.rules.jobs.phases import PhasePolicy
from proofgrid.rules.market.firm_quote import FirmPolicy
from proofgrid.rules.reputation.breaker import BreakerPolicy
from proofgrid.rules.reputation.standing import ReputationPolicy
from proofgrid.rules.staking.bonds import BondPolicy
from proofgrid.settings import GatewaySettings
from proofgrid.store.retention import DAY_MS
from proofgrid.wire.addresses import parse_target


def listen_of(settings: GatewaySettings) -> Listen:
    """Where the gateway listens."""
    target = parse_target(settings.listen, field="listen")
    host, _, port = settings.listen.rpartition(":")
    return Listen(
        host=target.host if host else settings.listen,
        port=int(port) if host else target.port,
        certificate=settings.tls_certificate,
        private_key=settings.tls_key,
    )


def limits_of(settings: GatewaySettings) -> Limits:
    """What one client may do."""
    return Limits(
        requests_per_second=settings.requests_per_second,
        requests_burst=settings.requests_burst,
        open_tasks=settings.open_tasks,
        stored_bytes=settings.stored_bytes,
        upload_bytes=settings.upload_bytes,
        class_limits=parse_class_limits(settings.class_limits),
    )


def phases_of(settings: GatewaySettings) -> PhasePolicy:
    """How long the phases of a lease take."""
    return PhasePolicy(
        pick_up_ms=settings.pick_up_ms,
        silent_ms=settings.lease_ttl_ms,
        least_units_per_second=max(1, 1_000 // settings.run_ms_per_unit),
        hard_ms=settings.run_ms_floor,
        report_ms=settings.report_ms,
    )


def reputation_of(settings: GatewaySettings) -> ReputationPolicy:
    """How facts about provers are forgotten, and when a prover is paused."""
    return ReputationPolicy(
        half_life_ms=settings.reputation_half_life_days * DAY_MS,
        breaker=BreakerPolicy(
            in_row_max=settings.pause_after_faults_in_row,
            of_ten_max=settings.pause_after_faults_of_ten,
            pause_first_ms=settings.pause_first_ms,
            pause_max_ms=settings.pause_max_ms,
        ),
    )


def dispatch_settings_of(settings: GatewaySettings) -> DispatchSettings:
    """How long leases live and how often jobs are tried."""
    return DispatchSettings(
        heartbeat_ms=settings.heartbeat_ms,
        phases=phases_of(settings),
        hedging=HedgePolicy(hedges_max=settings.hedges_max),
        reputation=reputation_of(settings),
        reconnect_grace_ms=settings.reconnect_grace_ms,
        attempts_max=settings.attempts_max,
    )


def bonds_of(settings: GatewaySettings) -> BondPolicy:
    """What leases bind of their operators' bonds."""
    return BondPolicy(
        stake_permille=settings.stake_permille,
        overcommit=settings.stake_overcommit,
        unbonding_ms=settings.unbonding_ms,
    )


def market_settings_of(settings: GatewaySettings) -> MarketSettings:
    """How rounds are held."""
    return MarketSettings(
        interval_ms=settings.round_interval_ms,
        reference_price=settings.reference_price,
        bonds=bonds_of(settings),
        horizon_ms=settings.horizon_ms,
        fee_permille=settings.fee_permille,
        phases=phases_of(settings),
        reputation=reputation_of(settings),
        newcomers_grow=settings.canary_new_prover,
    )


def firm_policy_of(settings: GatewaySettings) -> FirmPolicy:
    """On which terms firm quotes are sold."""
    return FirmPolicy(
        are_sold=settings.firm_quotes,
        margin_permille=settings.firm_margin_permille,
        premium_permille=settings.firm_premium_permille,
        penalty_permille=settings.firm_penalty_permille,
        limit_permille=settings.firm_limit_permille,
        hold_ms_max=settings.firm_hold_ms_max,
    )


def canary_settings_of(settings: GatewaySettings) -> CanarySettings:
    """How many canaries are sent, and for whom."""
    return CanarySettings(
        per_hour=settings.canaries_per_hour,
        for_new_provers=settings.canary_new_prover,
        reference_price=settings.reference_price,
        silent_ms=settings.lease_ttl_ms,
    )
