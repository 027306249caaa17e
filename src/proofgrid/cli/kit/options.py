"""The options that every client command has, defined once; and how a command gets from them to a `Client`."""

from __future__ import annotations

import asyncio
import functools
import inspect
import sys
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Concatenate, ParamSpec, TypeVar

import typer

from proofgrid.primitives.errors import InvalidField

if TYPE_CHECKING:
    from proofgrid.primitives.signatures import SigningKey
    from proofgrid.sdk.client import Client
    from proofgrid.sdk.services import Method

P = ParamSpec("P")
T = TypeVar("T")
Request = TypeVar("Request")
Answer = TypeVar("Answer")

CALL_PATIENCE_SECONDS = 8.0  #: a person waits for the answer
WATCH_PATIENCE_SECONDS = 600.0  #: a gateway that is restarted is waited for

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
DataDirOption = Annotated[
    Path | None, typer.Option("--data-dir", help="The gateway's data directory, where the network's key lies.")
]
AmountArgument = Annotated[str, typer.Argument(metavar="AMOUNT", help="In tokens, exactly: 1.5")]
BaseUnitsOption = Annotated[bool, typer.Option("--base-units", help="AMOUNT is in base units (1e-9 of a token).")]
IdOption = Annotated[str | None, typer.Option("--id", help="Idempotency key: the same id moves money once.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientOptions:
    """Which network, and as whom."""

    gateway: str | None = None
    key: Path | None = None
    network: str | None = None
    tls_ca: Path | None = None
    json: bool = False

    def client(self, *, patience_seconds: float = CALL_PATIENCE_SECONDS) -> Client:
        """Return a client of the network; raise InvalidField when there is no key."""
        from proofgrid.sdk.client import Client
        from proofgrid.settings import ClientSettings, load_settings

        settings = load_settings(
            ClientSettings, gateway=self.gateway, key=self.key_file(), network=self.network, tls_ca=self.tls_ca
        )
        key = read_key_of(settings.key, settings.key_password)
        network = settings.network or None
        return Client(
            settings.gateway, key, network=network, ca_file=settings.tls_ca, patience_seconds=patience_seconds
        )

    def key_file(self) -> Path | None:
        """Return the key that was chosen; None: the settings say which."""
        return self.key

    def call(self, method: Method[Request, Answer], request: Request) -> Answer:
        """Make one call, such as `lambda network: network.admin.Grant`; return its answer."""

        async def work() -> Answer:
            async with self.client() as client:
                return await client.connection.call(method, request)

        return run_async(work())

    def ask(self, method: Method[Request, Answer], request: Request) -> Answer:
        """The same for what may be done twice: again while no gateway answers."""

        async def work() -> Answer:
            async with self.client() as client:
                return await client.connection.ask(method, request)

        return run_async(work())


@dataclass(frozen=True, slots=True, kw_only=True)
class AdministratorOptions(ClientOptions):
    """The same as an administrator: with the network's key where no other was chosen."""

    data_dir: Path | None = None

    def key_file(self) -> Path | None:
        """Return the key that was chosen, or the network's."""
        if self.key is not None:
            return self.key
        from proofgrid.bootstrap.adapters import network_key_path
        from proofgrid.settings import GatewaySettings, load_settings

        settings = load_settings(GatewaySettings, data_dir=self.data_dir)
        return settings.network_key or network_key_path(settings.data_dir.expanduser())


def read_key_of(path: Path | None, password: str) -> SigningKey:
    """Return the key of a file, by default the one that `proofgrid keys new` makes."""
    from proofgrid.sdk.keys import read_key

    chosen = path or default_key_path()
    if path is None and not chosen.exists():
        raise InvalidField(
            "this command needs your key", field="key", hint="--key FILE, or make one: proofgrid keys new"
        )
    return read_key(chosen, password=password or None)


def default_key_path() -> Path:
    """Return where a client's key lies unless said otherwise."""
    from proofgrid.settings import default_data_dir

    return default_data_dir() / "client.key"


_PANEL = "Connection"
_SHARED = [
    inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
    for name, default, annotation in (
        ("gateway", None, Annotated[str | None, typer.Option(
            "--gateway", metavar="ADDRESS", rich_help_panel=_PANEL,
            help="host:port or grpcs://host:port; several with commas. [PROOFGRID_GATEWAY; default 127.0.0.1:7400]")]),
        ("key", None, Annotated[Path | None, typer.Option(
            "--key", metavar="FILE", rich_help_panel=_PANEL,
            help="Your key file; its password comes from PROOFGRID_KEY_PASSWORD. [PROOFGRID_KEY]")]),
        ("network", None, Annotated[str | None, typer.Option(
            "--network", metavar="ADDRESS", rich_help_panel=_PANEL,
            help="Address of the network's key; pins the network. [PROOFGRID_NETWORK]")]),
        ("tls_ca", None, Annotated[Path | None, typer.Option(
            "--tls-ca", metavar="FILE", rich_help_panel=_PANEL, help="Certificates to trust. [PROOFGRID_TLS_CA]")]),
        ("json", False, JsonOption),
    )
]  # fmt: skip
_DATA_DIR = inspect.Parameter("data_dir", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=DataDirOption)


def with_client(command: Callable[Concatenate[ClientOptions, P], T]) -> Callable[..., T]:
    """Give a command the shared options, as one value in its first argument."""
    return _with(ClientOptions, _SHARED, command)


def with_administrator(command: Callable[Concatenate[AdministratorOptions, P], T]) -> Callable[..., T]:
    """Give a command those and --data-dir."""
    return _with(AdministratorOptions, [_DATA_DIR, *_SHARED], command)


def _with(options: type[ClientOptions], given: list[inspect.Parameter], command: Callable[..., T]) -> Callable[..., T]:
    own = list(inspect.signature(command, eval_str=True).parameters.values())[1:]
    parameters = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own] + given

    @functools.wraps(command)
    def run(**values: Any) -> T:
        shared = options(**{parameter.name: values.pop(parameter.name) for parameter in given})
        return command(shared, **values)  # the names were checked by typer, which reads the signature made here

    del run.__wrapped__
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run


def run_async(work: Coroutine[Any, Any, T]) -> T:
    """Run a command's coroutine, on uvloop where there is one; Ctrl-C cancels it and raises KeyboardInterrupt."""
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(work)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    if sys.platform == "win32":
        return None
    import uvloop

    return uvloop.new_event_loop
