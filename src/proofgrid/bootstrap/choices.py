"""Which settings go to which role."""

from __future__ import annotations

from proofgrid.roles.dispatcher.desk import DispatchSettings
from proofgrid.roles.gateway.server import Listen
from proofgrid.roles.market.rounds import MarketSettings
from proofgrid.rules.jobs.classes import parse_class_limits
from proofgrid.rules.jobs.hedging import HedgePolicy
from proofgrid.rules.jobs.limits import Limits
from proofgrid.rules.jobs.phases import PhasePolicy
from proofgrid.rules.staking.bonds import BondPolicy
from proofgrid.settings import GatewaySettings
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


def dispatch_settings_of(settings: GatewaySettings) -> DispatchSettings:
    """How long leases live and how often jobs are tried."""
    return DispatchSettings(
        heartbeat_ms=settings.heartbeat_ms,
        phases=phases_of(settings),
        hedging=HedgePolicy(hedges_max=settings.hedges_max),
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
    )
