"""Typed settings, from lowest to highest: defaults, a TOML file, environment (PROOFGRID_…), command line flags."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import platformdirs
from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from proofgrid.primitives.errors import InvalidField
from proofgrid.proofs.setup import SetupChoice
from proofgrid.rules.ledger.settlement import SurplusTo

CONFIG_VARIABLE = "PROOFGRID_CONFIG"


GATEWAY_ROLES = ("api", "market", "dispatcher", "settlement")


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


def default_data_dir() -> Path:
    """Return where data lives unless said otherwise: the user's data directory."""
    return Path(platformdirs.user_data_dir("proofgrid", appauthor=False))


class _FromFile(PydanticBaseSettingsSource):
    """One table of the settings file: [gateway], [prover] or [client]."""

    def __init__(self, settings_cls: type[BaseSettings], table: str) -> None:
        super().__init__(settings_cls)
        self._values = _read_table(table)

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        return self._values.get(field_name), field_name, False

    def __call__(self) -> dict[str, Any]:
        return dict(self._values)


class _Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="PROOFGRID_", extra="forbid")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        table = settings_cls.__name__.removesuffix("Settings").lower()
        return init_settings, env_settings, _FromFile(settings_cls, table)


S = TypeVar("S", bound=_Settings)


class GatewaySettings(_Settings):
    """`proofgrid gateway`, table [gateway]."""

    data_dir: Path = Field(default_factory=default_data_dir)
    listen: str = "127.0.0.1:7400"
    roles: str = ",".join(GATEWAY_ROLES)  #: what this process does of a gateway's work; separated by commas
    dsn: str = ""  #: empty: an embedded PostgreSQL in the data directory
    artifacts: str = ""  #: empty: a folder in the data directory; or s3://bucket/prefix, gs://…, az://…
    artifacts_mirror: str = ""  #: a second store that holds a copy of everything; empty: none
    retention_days: int = Field(default=30, ge=0, le=36_500)  #: of what nothing needs any more; 0: kept for ever
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    network_key: Path | None = None  #: empty: network.key in the data directory, made when missing
    srs_file: Path | None = None  #: a ceremony's file or folder of kzg<k>.srs; empty: a development one is made
    srs_logrows: int = Field(default=15, ge=6, le=26)  #: size of the development SRS
    subnetwork: str = "default"  #: of requests and provers that name none
    workers: int = Field(default=2, ge=1, le=256)  #: processes that normalise, build, verify
    database_connections: int = Field(default=10, ge=3, le=500)
    round_interval_ms: int = Field(default=100, ge=1, le=60_000)
    reference_price: int = Field(default=1_000, ge=1)  #: of a lane without a round, base units per PU
    class_limits: str = ""  #: small=2GiB:60000,medium=16GiB:600000: memory and PU of one job; empty: these
    horizon_ms: int = Field(default=900_000, ge=1_000, le=86_400_000)  #: a slot takes no job that it needs longer for
    fee_permille: int = Field(default=0, ge=0, le=1_000)  #: of operators' payments, to the treasury; leases keep theirs
    surplus: SurplusTo = SurplusTo.TREASURY  #: what clients pay beyond what operators receive; burn: nobody gets it
    firm_quotes: bool = False  #: sell promises of cost and time; the treasury covers them (docs/decisions/0019)
    firm_margin_permille: int = Field(default=100, ge=0, le=10_000)  #: on top of the price that sells nine times of ten
    firm_premium_permille: int = Field(default=5, ge=0, le=1_000)  #: of the cost, for every minute that it is held
    firm_penalty_permille: int = Field(default=200, ge=0, le=10_000)  #: of the cost, to the client, when it is missed
    firm_limit_permille: int = Field(
        default=2_000, ge=1_000, le=100_000
    )  #: of the price: what the network bids at most
    firm_hold_ms_max: int = Field(default=3_600_000, ge=1_000, le=2_592_000_000)
    run_ms_floor: int = Field(default=60_000, ge=100, le=86_400_000)  #: any job may take so long, and
    run_ms_per_unit: int = Field(default=20, ge=1, le=100_000)  #: so much per PU on top
    pick_up_ms: int = Field(default=5_000, ge=100, le=600_000)  #: for a gateway to offer a lease, and to hear of it
    report_ms: int = Field(default=150_000, ge=1_000, le=3_600_000)  #: for a gateway to verify and store a proof
    heartbeat_ms: int = Field(default=1_000, ge=50, le=60_000)
    lease_ttl_ms: int = Field(default=6_000, ge=200, le=600_000)
    reconnect_grace_ms: int = Field(default=2_000, ge=0, le=60_000)
    attempts_max: int = Field(default=5, ge=1, le=100)
    hedges_max: int = Field(default=2, ge=0, le=16)  #: second leases of one job; 0: never
    stake_permille: int = Field(default=0, ge=0, le=1_000_000)  #: of a lease's value that it binds of a bond; 0: none
    stake_overcommit: int = Field(default=1, ge=1, le=1_000)  #: a bond carries so many times its amount
    unbonding_ms: int = Field(
        default=604_800_000, ge=0, le=2**52
    )  #: a bond can be slashed so long after its owner's notice
    reputation_half_life_days: int = Field(default=7, ge=1, le=3_650)  #: what provers did counts half after so long
    pause_after_faults_in_row: int = Field(default=3, ge=0, le=10)  #: of one prover; 0: never
    pause_after_faults_of_ten: int = Field(default=5, ge=0, le=10)  #: of its last ten jobs; 0: never
    pause_first_ms: int = Field(default=30_000, ge=1, le=86_400_000)  #: every further pause is twice as long,
    pause_max_ms: int = Field(default=3_600_000, ge=1, le=86_400_000)  #: up to this
    canaries_per_hour: int = Field(default=0, ge=0, le=36_000)  #: jobs of the network's own, paid by the treasury
    canary_new_prover: bool = False  #: new provers start with one slot and earn the others, with canaries if need be
    requests_per_second: int = Field(default=50, ge=1)
    requests_burst: int = Field(default=200, ge=1)
    open_tasks: int = Field(default=1_000, ge=1)
    stored_bytes: int = Field(default=2 << 30, ge=1)
    upload_bytes: int = Field(default=256 << 20, ge=1)
    log_level: str = "info"
    log_json: bool = False

    @property
    def setup_choices(self) -> Mapping[str, SetupChoice]:
        """What was chosen for trust roots, by their kind; those of other kinds are made for development."""
        return {"kzg-bn254": SetupChoice(name="srs", file=self.srs_file, logrows=self.srs_logrows)}


class ProverSettings(_Settings):
    """`proofgrid prover`, table [prover]."""

    gateway: str = "127.0.0.1:7400"  #: several are separated by commas
    network: str = ""  #: address of the network's key; pins the network
    key: Path | None = None
    key_password: str = ""
    tls_ca: Path | None = None
    data_dir: Path = Field(default_factory=default_data_dir)
    name: str = "prover-1"
    ask: int = Field(default=800, ge=1)  #: least base units per PU
    class_asks: str = ""  #: another ask for some classes: large=1200,medium=900
    units_min: int = Field(default=0, ge=0)  #: of one job, PU
    proof_systems: str = ""  #: empty: all that are installed; several are separated by commas
    classes: str = "small,medium"
    slots: int = Field(default=1, ge=1, le=4_096)
    cores: int = Field(default_factory=lambda: os.cpu_count() or 1, ge=1)
    memory_bytes: int = Field(default=0, ge=0)  #: 0: what the machine has
    region: str = ""
    subnetworks: str = ""  #: empty: the common lanes; several are separated by commas
    cache_bytes: int = Field(default=20 << 30, ge=1 << 20)
    check_at_start: bool = True  #: at the start, unless this engine passed it here before
    failures_max: int = Field(
        default=3, ge=0, le=1_000
    )  #: in a row, before it rests until a self-check passes; 0: never
    log_level: str = "warning"
    log_json: bool = False


class ClientSettings(_Settings):
    """Everything a client runs, table [client]."""

    gateway: str = "127.0.0.1:7400"  #: several are separated by commas
    network: str = ""
    key: Path | None = None
    key_password: str = ""
    tls_ca: Path | None = None


def load_settings(kind: type[S], **flags: Any) -> S:
    """Return settings of a kind; flags that are None do not count. Raises InvalidField naming the setting."""
    try:
        return kind(**{name: value for name, value in flags.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InvalidField(
            first["msg"], field=where, hint="settings: flags, PROOFGRID_… variables, the TOML file"
        ) from None


def _read_table(table: str) -> dict[str, Any]:
    path = Path(os.environ.get(CONFIG_VARIABLE) or Path(platformdirs.user_config_dir("proofgrid")) / "proofgrid.toml")
    try:
        content = tomllib.loads(path.read_text())
    except FileNotFoundError:
        if CONFIG_VARIABLE in os.environ:
            raise InvalidField(f"there is no file {path}", field=CONFIG_VARIABLE) from None
        return {}
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise InvalidField(f"{path}: {error}", field=CONFIG_VARIABLE) from None
    values = content.get(table, {})
    if not isinstance(values, dict):
        raise InvalidField(f"[{table}] in {path} is a table", field=CONFIG_VARIABLE)
    return values
