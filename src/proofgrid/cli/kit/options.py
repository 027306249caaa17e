"""The options that every client command has, defined once; and how a command gets from them to a `Client`."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Concatenate, ParamSpec, TypeVar

import typer

from proofgrid.cli.kit.setting_options import Group, options_of, own_parameters, with_options
from proofgrid.primitives.clock import fresh_bytes
from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.event_loop import run_async
from proofgrid.primitives.money import parse_amount
from proofgrid.settings.client import ClientSettings
from proofgrid.settings.declared import default_data_dir, load_settings
from proofgrid.settings.gateway import GatewaySettings, keys_folder, network_key_path

if TYPE_CHECKING:
    from proofgrid.primitives.signatures import Signer
    from proofgrid.sdk.client import Client
    from proofgrid.sdk.connection import OnBusy

P = ParamSpec("P")
T = TypeVar("T")
Answer = TypeVar("Answer")

CALL_PATIENCE_SECONDS = 8.0  #: a person waits for the answer
WATCH_PATIENCE_SECONDS = 600.0  #: a gateway that is restarted is waited for
BUSY_PATIENCE_SECONDS = 120.0  #: a busy one lets everybody in who waits

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
DataDirOption = Annotated[
    Path | None, typer.Option("--data-dir", help="The gateway's data directory, where the network's key lies.")
]
KeysOption = Annotated[
    Path | None,
    typer.Option(
        "--keys", metavar="FILE", help="From `admin keys list --save`: no key that the network revoked counts."
    ),
]
LimitOption = Annotated[int, typer.Option("--limit", min=1, max=1_000, help="How many, newest first.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Money(Group):
    """How much is moved, and the key that makes moving it twice moving it once."""

    amount: Annotated[str, typer.Argument(metavar="AMOUNT", help="In tokens, exactly: 1.5")]
    base_units: Annotated[bool, typer.Option("--base-units", help="AMOUNT is in base units (1e-9 of a token).")] = False
    id: Annotated[str | None, typer.Option("--id", help="Idempotency key: the same id moves money once.")] = None

    def read(self) -> tuple[int, str]:
        """Return the amount in base units, and the key, a fresh one when none was given."""
        return parse_amount(self.amount, base_units=self.base_units), self.id or fresh_bytes(16).hex()


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientOptions:
    """Which network, and as whom."""

    flags: Mapping[str, object]  #: the client's settings as the command line says them; None: not said
    json: bool = False

    @property
    def network(self) -> str | None:
        """The network that the command line pins."""
        network = self.flags["network"]
        return None if network is None else str(network)

    def client(
        self,
        *,
        patience_seconds: float = CALL_PATIENCE_SECONDS,
        busy_seconds: float | None = None,
        on_busy: OnBusy | None = None,
    ) -> Client:
        """Return a client of the network; raise InvalidField when there is no key."""
        from proofgrid.sdk.client import Client

        settings = self._settings()
        by_api_key = settings.api_key and self.key_file() is None  # a key on the command line is meant
        key = settings.api_key if by_api_key else self.signer()
        network = settings.network or None
        return Client(
            settings.gateway,
            key,
            network=network,
            ca_file=settings.tls_ca,
            patience_seconds=patience_seconds,
            busy_seconds=busy_seconds,
            on_busy=on_busy,
        )

    def key_file(self) -> object:
        """Return the key that was chosen; None: the settings say which."""
        return self.flags["key"]

    def signer(self) -> Signer:
        """Return the key of the call; raise InvalidField when there is none."""
        settings = self._settings()
        return read_signer_of(settings.key, settings.key_password)

    def tls_ca(self) -> Path | None:
        """Return the authority that certificates are checked by; None: the machine's."""
        return self._settings().tls_ca

    def password(self) -> str:
        """Return the password of key files; empty: none was said."""
        return self._settings().key_password

    def _settings(self) -> ClientSettings:
        return load_settings(ClientSettings, **{**self.flags, "key": self.key_file()})

    def ask(self, what: Callable[[Client], Awaitable[Answer]]) -> Answer:
        """Ask the network one thing, such as `lambda client: client.admin.grant(address, role)`; return its answer."""

        async def work() -> Answer:
            async with self.client() as client:
                return await what(client)

        return run_async(work())


@dataclass(frozen=True, slots=True, kw_only=True)
class AdministratorOptions(ClientOptions):
    """The same as an administrator: with the network's key where no other was chosen."""

    data_dir: Path | None = None

    def key_file(self) -> object:
        """Return the key that was chosen, or the network's."""
        if self.flags["key"] is not None:
            return self.flags["key"]
        settings = load_settings(GatewaySettings, data_dir=self.data_dir)
        return settings.network_key or network_key_path(settings.data_dir.expanduser())

    def keys_folder(self) -> Path:
        """Return where the gateway's online keys lie."""
        return keys_folder(load_settings(GatewaySettings, data_dir=self.data_dir).directory())


def read_signer_of(path: Path | None, password: str) -> Signer:
    """Return what signs with the key of a file, by default the one that `proofgrid keys new` makes."""
    from proofgrid.sdk.keys import read_signer

    chosen = path or default_key_path()
    if path is None and not chosen.exists():
        raise InvalidField(
            "this command needs your key", field="key", hint="--key FILE, or make one: proofgrid keys new"
        )
    return read_signer(chosen, password=password or None)


def default_key_path() -> Path:
    """Return where a client's key lies unless said otherwise."""
    return default_data_dir() / "client.key"


_JSON = inspect.Parameter("json", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=JsonOption)
_DATA_DIR = inspect.Parameter("data_dir", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=DataDirOption)
_SHARED = [*options_of(ClientSettings), _JSON]


def with_client(command: Callable[Concatenate[ClientOptions, P], T]) -> Callable[..., T]:
    """Give a command the shared options, as one value in its first argument."""

    def options(*, json: bool, **flags: object) -> ClientOptions:
        return ClientOptions(flags=flags, json=json)

    return with_options(options, _SHARED, command, own_parameters(command), [])


def with_administrator(command: Callable[Concatenate[AdministratorOptions, P], T]) -> Callable[..., T]:
    """Give a command those and --data-dir."""

    def options(*, json: bool, data_dir: Path | None, **flags: object) -> AdministratorOptions:
        return AdministratorOptions(flags=flags, json=json, data_dir=data_dir)

    return with_options(options, [_DATA_DIR, *_SHARED], command, own_parameters(command), [])
