"""The settings of `proofgrid gateway` by concern, and the policies that rules and roles get of them.

Every command reads this file for its help, so a policy is imported only where it is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.money import AMOUNT_MAX
from proofgrid.rules.ledger.settlement import SurplusTo
from proofgrid.settings.declared import Settings, default_data_dir, setting, setting_of_machine
from proofgrid.settings.http import HttpDoorSettings
from proofgrid.settings.limits import ClientLimits, OfOperators
from proofgrid.settings.memory import worker_bytes
from proofgrid.settings.prices import PRICE
from proofgrid.settings.process_count import PROCESSES, PROCESSES_MAX
from proofgrid.settings.telling import Watched

if TYPE_CHECKING:
    from proofgrid.proofs.setup import SetupChoice
    from proofgrid.roles.canary.sending import CanarySettings
    from proofgrid.roles.dispatcher.desk import DispatchSettings
    from proofgrid.roles.intake.reserving import ReserveSettings
    from proofgrid.roles.market.rounds import MarketSettings
    from proofgrid.rules.jobs.limits import Limits
    from proofgrid.rules.jobs.phases import PhasePolicy
    from proofgrid.rules.market.firm_quote import FirmPolicy
    from proofgrid.rules.reputation.standing import ReputationPolicy
    from proofgrid.rules.staking.bonds import BondPolicy

GATEWAY_ROLES = ("api", "market", "dispatcher", "settlement")
DAY_MS = 86_400_000
CONNECTIONS_MIN = 3


@dataclass(frozen=True, kw_only=True)
class Place(Settings):
    """Where a gateway stands: its files, database, artifacts, keys and processes."""

    data_dir: Path = setting_of_machine(default_data_dir, "Where everything lives.", told="your data directory")
    listen: str = setting("127.0.0.1:7400", "host:port; port 0 takes a free one.")
    names: str = setting(
        "",
        "Hosts that callers reach it by, with commas: behind balancers and forwarded ports, or with a wildcard.",
        told="those of its certificate; without one, where it listens",
    )
    roles: str = setting(
        ",".join(GATEWAY_ROLES),
        "Of api, market, dispatcher, settlement; the dispatcher needs the api.",
        told="all",
    )
    dsn: str = setting("", "PostgreSQL to use.", told="an embedded one in the data directory")
    artifacts: str = setting(
        "", "Folder, or s3://…, gs://…, az://… (TLS 1.2 or newer) for artifacts.", told="in the data directory"
    )
    artifacts_mirror: str = setting("", "A second store that gets a copy of every artifact.", told="none")
    retention_days: int = setting(
        30, "How long artifacts stay that nothing needs any more; 0: for ever.", least=0, most=36_500
    )
    tls_certificate: Path | None = setting(None, "Certificate chain (PEM); needed beyond this machine.")
    tls_key: Path | None = setting(None, "The certificate's key (PEM).")
    listen_provers: str = setting(
        "",
        "host:port where provers connect with certificates of the network (mutual TLS); asks for --tls-certificate.",
        told="where clients do, with tokens alone",
    )
    network_key: Path | None = setting(
        None, "The network's key.", told="network.key in the data directory, made when missing"
    )
    key_password: str = setting(
        "", "The password of the network's encrypted keys, and the PIN of those in a module.", is_secret=True
    )
    srs_file: Path | None = setting(
        None,
        "SRS of a real ceremony: a file, or a folder of kzg<k>.srs; noir, plonk: bn254_g1.dat in it, or in CRS_PATH.",
        told="one for development is made",
    )
    srs_logrows: int = setting(
        20,
        "Largest size of the development SRS, as a power of two; each size is made when a program first needs it.",
        least=6,
        most=26,
    )
    processes: int = setting(
        1,
        "Processes behind the address, with workers and connections of one; auto: one per core, at most 8. Linux only.",
        least=1,
        most=PROCESSES_MAX,
        metavar="NUMBER|auto",
        spelling=PROCESSES,
    )
    subnetwork: str = setting("default", "The subnetwork of tasks and provers that name none.")
    workers: int = setting(
        2,
        "Processes that normalise, verify and seal; one more is kept for verifying, and builds have their own.",
        least=1,
        most=256,
    )
    worker_memory_bytes: int = setting_of_machine(
        worker_bytes,
        "Most memory of a call that normalises, verifies or seals; a build may take twice as much. 0: no limit.",
        told="an eighth of the machine's, at least 2 GiB",
        least=0,
    )
    database_connections: int = setting(10, "Connections to PostgreSQL.", least=CONNECTIONS_MIN, most=500)
    database_patience_seconds: int = setting(
        120, "Seconds in which an embedded PostgreSQL that died must start again, or the gateway ends.", least=0
    )

    def directory(self) -> Path:
        """Return the data directory, absolute; it may not exist yet."""
        return self.data_dir.expanduser().resolve()

    def of_each_process(self) -> Self:
        """Return the settings of each of the processes: what they share is divided, and enough for each."""
        return replace(
            self,
            processes=1,
            workers=-(-self.workers // self.processes),
            database_connections=max(CONNECTIONS_MIN, -(-self.database_connections // self.processes)),
        )

    def role_names(self) -> frozenset[str]:
        """Return the roles of this process. Raises InvalidField for sets that cannot work."""
        return parse_gateway_roles(self.roles)

    def setups(self) -> Mapping[str, SetupChoice]:
        """Return what was chosen for trust roots, by their kind; those of other kinds are made for development."""
        from proofgrid.proofs.setup import SetupChoice

        ignition = None if self.srs_file is None or not (self.srs_file / "bn254_g1.dat").is_file() else self.srs_file
        return {
            "kzg-bn254": SetupChoice(name="srs", file=self.srs_file, logrows=self.srs_logrows),
            "ignition-bn254": SetupChoice(name="srs", file=ignition),
        }


@dataclass(frozen=True, kw_only=True)
class MarketAndLeases(Settings):
    """How rounds are held, how long leases live, and who gets which share."""

    panel: ClassVar[str] = "Market and leases"

    round_interval_ms: int = setting(100, "Least time between two rounds of a lane.", least=1, most=60_000)
    reference_price: int = setting(
        1_000, "Of a lane without rounds, in tokens per million PU.", least=1, metavar="PRICE", spelling=PRICE
    )
    class_limits: str = setting(
        "",
        "Memory and PU of a job of each class; large holds the rest.",
        told="small=2GiB:60000,medium=16GiB:600000",
    )
    horizon_ms: int = setting(
        900_000,
        "A prover gets no job that it needs longer for, at its measured speed.",
        least=1_000,
        most=DAY_MS,
    )
    run_ms_floor: int = setting(60_000, "How long any job may take.", least=100, most=DAY_MS)
    run_ms_per_unit: int = setting(20, "How much longer for each PU.", least=1, most=100_000)
    pick_up_ms: int = setting(
        5_000, "How long until a prover is told of a lease, and until it starts.", least=100, most=600_000
    )
    report_ms: int = setting(150_000, "How long until a result is verified and stored.", least=1_000, most=3_600_000)
    heartbeat_ms: int = setting(1_000, "How often provers report.", least=50, most=60_000)
    lease_ttl_ms: int = setting(6_000, "How long a lease lives without a heartbeat.", least=200, most=600_000)
    reconnect_grace_ms: int = setting(2_000, "How long a lost prover may come back.", least=0, most=60_000)
    attempts_max: int = setting(5, "Attempts per job before its task fails.", least=1, most=100)
    hedges_max: int = setting(2, "Second leases of one slow job; 0: never.", least=0, most=16)
    fee_permille: int = setting(0, "Of what operators are paid, to the treasury.", least=0, most=1_000)
    learn_sizes: bool = setting(True, "Correct sizes of jobs to come by what proven ones needed.", told="yes")
    surplus: SurplusTo = setting(SurplusTo.TREASURY, "Where what clients pay beyond what operators receive goes.")

    def phases(self) -> PhasePolicy:
        """Return how long the phases of a lease take."""
        from proofgrid.rules.jobs.phases import PhasePolicy

        return PhasePolicy(
            pick_up_ms=self.pick_up_ms,
            silent_ms=self.lease_ttl_ms,
            least_units_per_second=max(1, 1_000 // self.run_ms_per_unit),
            hard_ms=self.run_ms_floor,
            report_ms=self.report_ms,
        )


@dataclass(frozen=True, kw_only=True)
class Reputation(Settings):
    """How facts about provers are forgotten, when a prover is paused, and who is tried by canaries."""

    panel: ClassVar[str] = "Reputation"

    reputation_half_life_days: int = setting(7, "What provers did counts half after so long.", least=1, most=3_650)
    pause_after_faults_in_row: int = setting(3, "Faults in a row that pause a prover; 0: never.", least=0, most=10)
    pause_after_faults_of_ten: int = setting(5, "Or faults among its last ten jobs; 0: never.", least=0, most=10)
    pause_first_ms: int = setting(30_000, "The first pause; each is twice the last.", least=1, most=DAY_MS)
    pause_max_ms: int = setting(3_600_000, "The longest pause.", least=1, most=DAY_MS)
    canaries_per_hour: int = setting(0, "Jobs of the network's own, paid by the treasury.", least=0, most=36_000)
    canary_budget: int = setting(
        100_000_000,
        "What canaries may cost in 24 hours, in base units; an operator gets at most an eighth.",
        told="0.1 tokens",
        least=0,
        most=AMOUNT_MAX,
    )
    canary_new_prover: bool = setting(False, "Send canaries to new operators, one after the other.", told="no")
    newcomer_slots: int = setting(
        8,
        "Of an operator's new provers together, before their first verified job; twice as many after each.",
        least=1,
        most=4_096,
    )

    def reputation(self) -> ReputationPolicy:
        """Return what rules decide of a prover's facts."""
        from proofgrid.rules.reputation.breaker import BreakerPolicy
        from proofgrid.rules.reputation.standing import ReputationPolicy

        return ReputationPolicy(
            half_life_ms=self.reputation_half_life_days * DAY_MS,
            breaker=BreakerPolicy(
                in_row_max=self.pause_after_faults_in_row,
                of_ten_max=self.pause_after_faults_of_ten,
                pause_first_ms=self.pause_first_ms,
                pause_max_ms=self.pause_max_ms,
            ),
        )


@dataclass(frozen=True, kw_only=True)
class Bonds(Settings):
    """What leases bind of their operators' bonds."""

    panel: ClassVar[str] = "Bonds"

    stake_permille: int = setting(
        0, "Bond that leases bind, in 1/1000 of their value; 0: none.", least=0, most=1_000_000
    )
    stake_overcommit: int = setting(1, "A bond carries so many times its amount.", least=1, most=1_000)
    unbonding_ms: int = setting(
        7 * DAY_MS, "How long a bond can be slashed after notice.", told="7 days", least=0, most=2**52
    )

    def bonds(self) -> BondPolicy:
        """Return what a lease binds, and for how long."""
        from proofgrid.rules.staking.bonds import BondPolicy

        return BondPolicy(
            stake_permille=self.stake_permille, overcommit=self.stake_overcommit, unbonding_ms=self.unbonding_ms
        )


@dataclass(frozen=True, kw_only=True)
class FirmQuotes(Settings):
    """On which terms provers sell firm quotes (docs/decisions/0019)."""

    panel: ClassVar[str] = "Firm quotes"

    firm_premium_permille: int = setting(
        5, "Of the cost, for every minute that it is held, to whose slots are reserved.", least=0, most=1_000
    )
    firm_penalty_permille: int = setting(
        200, "Of the cost, to the client, when a promise is missed; out of the bonds behind it.", least=0, most=10_000
    )
    firm_hold_ms_max: int = setting(
        3_600_000, "How long a quote is held at most.", told="an hour", least=1_000, most=30 * DAY_MS
    )

    def firm_quote_terms(self) -> FirmPolicy:
        """Return on which terms firm quotes are sold now."""
        from proofgrid.rules.market.firm_quote import FirmPolicy

        return FirmPolicy(
            premium_permille=self.firm_premium_permille,
            penalty_permille=self.firm_penalty_permille,
            hold_ms_max=self.firm_hold_ms_max,
        )


@dataclass(frozen=True, kw_only=True)
class GatewaySettings(
    Place, MarketAndLeases, Reputation, Bonds, FirmQuotes, ClientLimits, OfOperators, HttpDoorSettings, Watched
):
    """All settings of a gateway, and the policies that several concerns make together."""

    table: ClassVar[str] = "gateway"
    panel: ClassVar[str] = ""

    log_level: str = setting("info", "debug, info, warning or error.")
    log_json: bool = setting(False, "Logs as JSON lines.")

    def limits(self) -> Limits:
        """Return what one client may do, and what a job of each class may need."""
        from proofgrid.rules.jobs.classes import parse_class_limits
        from proofgrid.rules.jobs.limits import Limits

        return Limits(
            requests_per_second=self.requests_per_second,
            requests_burst=self.requests_burst,
            calls_at_once=self.calls_at_once,
            bytes_per_second=self.bytes_per_second,
            bytes_burst=self.bytes_burst,
            stranger_requests_per_second=self.stranger_requests_per_second,
            stranger_requests_burst=self.stranger_requests_burst,
            open_tasks=self.open_tasks,
            stored_bytes=self.stored_bytes,
            upload_bytes=self.upload_bytes,
            class_limits=parse_class_limits(self.class_limits),
        )

    def market(self) -> MarketSettings:
        """Return how rounds are held."""
        from proofgrid.roles.market.rounds import MarketSettings

        return MarketSettings(
            interval_ms=self.round_interval_ms,
            reference_price=self.reference_price,
            bonds=self.bonds(),
            horizon_ms=self.horizon_ms,
            fee_permille=self.fee_permille,
            phases=self.phases(),
            reputation=self.reputation(),
            newcomer_slots=self.newcomer_slots,
        )

    def reserving(self) -> ReserveSettings:
        """Return how slots that provers offer ahead are sold."""
        from proofgrid.roles.intake.reserving import ReserveSettings

        return ReserveSettings(
            policy=self.firm_quote_terms(),
            bonds=self.bonds(),
            phases=self.phases(),
            reputation=self.reputation(),
            newcomer_slots=self.newcomer_slots,
            reference_price=self.reference_price,
            horizon_ms=self.horizon_ms,
            fee_permille=self.fee_permille,
        )

    def dispatcher(self) -> DispatchSettings:
        """Return how long leases live and how often jobs are tried."""
        from proofgrid.roles.dispatcher.desk import DispatchSettings
        from proofgrid.rules.jobs.hedging import HedgePolicy

        return DispatchSettings(
            heartbeat_ms=self.heartbeat_ms,
            phases=self.phases(),
            hedging=HedgePolicy(hedges_max=self.hedges_max),
            reputation=self.reputation(),
            reconnect_grace_ms=self.reconnect_grace_ms,
            horizon_ms=self.horizon_ms,
            attempts_max=self.attempts_max,
            operator_limits=self.operator_limits(),
        )

    def canaries(self) -> CanarySettings:
        """Return how many canaries are sent, and for whom."""
        from proofgrid.roles.canary.sending import CanarySettings

        return CanarySettings(
            per_hour=self.canaries_per_hour,
            for_new_provers=self.canary_new_prover,
            budget=self.canary_budget,
            bonds=self.bonds(),
            reference_price=self.reference_price,
            silent_ms=self.lease_ttl_ms,
        )


def network_key_path(data_dir: Path) -> Path:
    """Return where a network's key lies unless said otherwise."""
    return data_dir / "network.key"


def keys_folder(data_dir: Path) -> Path:
    """Return where a gateway's online keys lie, with the newest list of the network's keys."""
    return data_dir / "keys"


def parse_gateway_roles(text: str) -> frozenset[str]:
    """Return the roles that a list with commas names; raise InvalidField for sets that cannot work."""
    roles = [name.strip() for name in text.split(",") if name.strip()]
    for name in roles:
        if name not in GATEWAY_ROLES:
            raise InvalidField(f"there is no role {name!r}", field="roles", hint=f"roles: {', '.join(GATEWAY_ROLES)}")
    if not roles:
        raise InvalidField("at least one role", field="roles", hint=f"roles: {', '.join(GATEWAY_ROLES)}")
    if "dispatcher" in roles and "api" not in roles:
        raise InvalidField(
            "the dispatcher needs the api: provers fetch their inputs at the gateway that they are connected to",
            field="roles",
            hint="add api",
        )
    return frozenset(roles)
