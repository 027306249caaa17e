"""A whole network out of real processes, for tests: a gateway, provers, keys, money; and the checks after each test."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from proofgrid.primitives.private_files import OTHERS
from proofgrid.primitives.signatures import SigningKey
from proofgrid.sdk.answers.money import LedgerCheck
from proofgrid.sdk.answers.network import NetworkStatus
from proofgrid.sdk.client import Client
from proofgrid.sdk.keys import new_key, read_key, write_key

READY_SECONDS = 300.0
WAIT_SECONDS = 400.0
STOP_SECONDS = 60.0
SIGNING = "proofgrid.bootstrap.signing.process"


@dataclass(slots=True)
class Process:
    """One process of the network, in a group of its own."""

    name: str
    process: asyncio.subprocess.Process
    log: Path

    @property
    def pid(self) -> int:
        return self.process.pid

    def kill(self) -> None:
        """kill -9, this process alone."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def children(self) -> list[psutil.Process]:
        """Its living children."""
        if self.process.returncode is not None:
            return []  # its number may be another process's by now
        try:
            return [child for child in psutil.Process(self.pid).children(recursive=True) if _lives(child)]
        except psutil.NoSuchProcess:
            return []

    def signing(self) -> list[psutil.Process]:
        """Those of them that hold its keys: one, of several gateways behind one address one each."""
        return [child for child in self.children() if SIGNING in _command_of(child)]

    def proving(self) -> list[psutil.Process]:
        """Those of them that took a prover's job: they work in their cell's folder for it. Others wait at home."""
        return [child for child in self.children() if _works_in(child).parts[-2:] == ("work", "job")]

    async def stop(self) -> int:
        """End it politely; kill it after a while."""
        if self.process.returncode is None:
            self.process.terminate()
            try:
                async with asyncio.timeout(STOP_SECONDS):
                    await self.process.wait()
            except TimeoutError:
                self.process.kill()
        return await self.process.wait()


@dataclass(frozen=True, slots=True)
class Hold:
    """Keeps a prover's toy jobs running, however fast or slow the machine is."""

    path: Path

    def held(self) -> list[Path]:
        """Return what the jobs have left that it keeps, each in the cell of its child."""
        name = self.path.name.replace("hold", "held")
        with contextlib.suppress(FileNotFoundError):  # cells come and go
            return list(self.path.parents[1].glob(f"scratch/cell-*/work/keys/{name}.part"))
        return []

    async def until_held(self) -> None:
        """Wait until it keeps a job."""
        async with asyncio.timeout(WAIT_SECONDS):
            while not self.held():  # noqa: ASYNC110 - a file tells nobody
                await asyncio.sleep(0.02)

    def let_go(self) -> None:
        if self.path.exists():
            self.path.write_text("go")  # jobs have it by another name, which stays until they are over
            self.path.unlink()


@dataclass(slots=True)
class Network:
    """Start it with `running_network`."""

    root: Path
    dsn: str
    settings: dict[str, str]
    address: str = ""
    http: str = ""  #: where its HTTP door is, if it has one
    gateway: Process | None = None
    processes: list[Process] = field(default_factory=list)
    keys: dict[str, SigningKey] = field(default_factory=dict)
    port: int = 0
    scheme: str = "grpc"
    ca_file: Path | None = None
    others: dict[str, Process] = field(default_factory=dict)  #: more gateways on the same database, by address
    gateway_path: Path | None = None  #: packages of the gateway alone
    python: str = sys.executable  #: that runs gateways and provers

    # --- processes -------------------------------------------------------------------------------

    async def start_gateway(self, *, wrapper: Sequence[str] = ()) -> None:
        """Start the gateway, or start it again on the same data and port; `wrapper`: a command to run it under."""
        settings = {
            "DATA_DIR": str(self.root / "gateway"),
            "DSN": self.dsn,
            "LISTEN": f"127.0.0.1:{self.port}",
            "LOG_LEVEL": "info",
            "REQUESTS_PER_SECOND": "10000",
            "REQUESTS_BURST": "10000",
            **self.settings,
        }
        self.gateway = await self._start(
            "gateway", ["gateway", "--json"], settings, path=self.gateway_path, wrapper=wrapper
        )
        ready = await self._first_line(self.gateway)
        self.address = ready["address"]
        self.http = ready["http"]
        self.port = int(self.address.rpartition(":")[2])
        if self.scheme == "grpcs":
            self.address = f"grpcs://localhost:{self.port}"  # certificates are for names

    async def start_another_gateway(
        self, name: str = "gateway-2", address: str = "", *, path: Path | None = None, **settings: str
    ) -> str:
        """Start one more gateway on the same database, or again at its old address; return the address.

        `path`: packages of its own.
        """
        values = {
            "DATA_DIR": str(self.root / name),
            "DSN": self.dsn,
            "LISTEN": address or "127.0.0.1:0",
            "NETWORK_KEY": str(self.root / "gateway" / "network.key"),
            "ARTIFACTS": str(self.root / "gateway" / "artifacts"),
            "LOG_LEVEL": "info",
            "REQUESTS_PER_SECOND": "10000",
            "REQUESTS_BURST": "10000",
            **self.settings,
            **settings,
        }
        process = await self._start(name, ["gateway", "--json"], values, path=path)
        started = str((await self._first_line(process))["address"])
        self.others[started] = process
        return started

    async def start_prover(
        self,
        name: str,
        operator: str,
        *,
        ask: int,
        cores: int = 1,
        path: Path | None = None,
        wrapper: Sequence[str] = (),
        **settings: str,
    ) -> Process:
        """Start a prover of an operator; returns when the gateway knows it. `path`: packages of its own."""
        key_file = self.root / f"{operator}.key"
        values = {
            "GATEWAY": self.address,
            "KEY": str(key_file),
            "DATA_DIR": str(self.root / "operators" / operator),
            "NAME": name,
            "ASK": str(ask),
            "CORES": str(cores),
            "MEMORY_BYTES": str(8 << 30),
            "LOG_LEVEL": "info",
            "CHECK_AT_START": "false",  # seconds of a new data directory, in every test
            **settings,
        }
        prover = await self._start(name, ["prover", "--json"], values, path=path, wrapper=wrapper)
        prover_id = f"{self.keys[operator].address}/{name}"
        known = lambda status: prover_id in {p.prover_id for p in status.provers}  # noqa: E731
        await self.until(known, gateways=values["GATEWAY"])
        return prover

    def keys_directory(self, name: str, operator: str) -> Path:
        """Where a prover caches what its proof systems derive."""
        return self.root / "operators" / operator / "provers" / name / "keys"

    def hold(self, name: str, operator: str, *, stage: str = "prove") -> Hold:
        """Let no toy job that this prover starts from now on go further than its first word, until it is let go."""
        keys = self.keys_directory(name, operator)
        keys.mkdir(parents=True, exist_ok=True)
        hold = Hold(keys / f"toy-hold-{stage}")
        if not hold.path.exists():
            for held in hold.held():
                held.unlink()
            hold.path.touch()
        return hold

    async def _start(
        self,
        name: str,
        arguments: list[str],
        settings: dict[str, str],
        *,
        path: Path | None = None,
        wrapper: Sequence[str] = (),
    ) -> Process:
        log = self.root / f"{name}.log"
        environment = {key: value for key, value in os.environ.items() if not key.startswith("PROOFGRID_")}
        environment |= {f"PROOFGRID_{key}": value for key, value in settings.items()}
        if path is not None:
            environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(path), os.environ.get("PYTHONPATH")]))
        with log.open("ab") as stderr:
            process = await asyncio.create_subprocess_exec(
                *wrapper,
                self.python,
                "-m",
                "proofgrid.cli.main",
                *arguments,
                "--lifeline",
                env=environment,
                # Nobody writes to it: it closes when this test run ends, however it ends, and the process with it.
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE if arguments[0] in ("gateway", "anchor") else asyncio.subprocess.DEVNULL,
                stderr=stderr,
                start_new_session=True,
            )
        started = Process(name, process, log)
        self.processes.append(started)
        return started

    async def _first_line(self, process: Process) -> dict[str, Any]:
        assert process.process.stdout is not None
        async with asyncio.timeout(READY_SECONDS):
            line = await process.process.stdout.readline()
        assert line, f"{process.name} did not start:\n{process.log.read_text()[-4000:]}"
        return dict(json.loads(line))

    # --- people ----------------------------------------------------------------------------------

    def add_key(self, name: str) -> SigningKey:
        """Make a key file `<name>.key`."""
        key = self.keys[name] = new_key()
        write_key(key, self.root / f"{name}.key")
        return key

    @property
    def admin_key(self) -> SigningKey:
        return read_key(self.root / "gateway" / "network.key")

    async def grant(self, name: str, role: str) -> None:
        """Put somebody on the access list."""
        async with self.administrator() as client:
            await client.admin.grant(self.keys[name].address, role, label=name)

    async def deposit(self, name: str, amount: int, deposit_id: str = "first") -> None:
        """Give a client money."""
        async with self.administrator() as client:
            await client.admin.deposit(self.keys[name].address, amount, deposit_id=f"{name}-{deposit_id}")

    async def let_in(self) -> None:
        """Give keys to a client with money, and to the operators alice and bob."""
        for name, role in (("client", "client"), ("alice", "operator"), ("bob", "operator")):
            self.add_key(name)
            await self.grant(name, role)
        await self.deposit("client", 10_000_000_000)

    def administrator(self) -> Client:
        """Return a client with the network's key, at any of the gateways."""
        return Client(self.addresses, self.admin_key, ca_file=self.ca_file, patience_seconds=10)

    def client(self, name: str = "client", *, gateways: str = "") -> Client:
        """Return a client with somebody's key."""
        return Client(gateways or self.address, self.keys[name], ca_file=self.ca_file, patience_seconds=60)

    @property
    def addresses(self) -> str:
        """All gateways, as a prover or client takes them."""
        return ",".join([self.address, *self.others])

    # --- waiting and checking --------------------------------------------------------------------

    async def until(self, holds: Callable[[NetworkStatus], bool], *, gateways: str = "") -> NetworkStatus:
        """Wait until the network's status is as it should be, asking these gateways, or any."""
        asked = gateways or self.addresses
        async with Client(asked, self.admin_key, ca_file=self.ca_file) as admin, asyncio.timeout(WAIT_SECONDS):
            while True:
                status = await admin.status()
                if holds(status):
                    return status
                await asyncio.sleep(0.05)

    async def check_ledger(self) -> LedgerCheck:
        """Every account adds up, and all of them together are what was deposited."""
        async with self.administrator() as client:
            check = await client.admin.check_ledger()
        assert check.balanced, list(check.faults)
        assert check.held == check.minted
        return check

    async def stop_provers(self) -> None:
        """Stop all provers; none of their children may stay behind."""
        gateways = [self.gateway, *self.others.values()]
        await self._stop([process for process in self.processes if all(process is not one for one in gateways)])

    async def stop(self) -> None:
        """Stop everything; nothing may stay behind."""
        await self._stop(self.processes)

    async def _stop(self, processes: Sequence[Process]) -> None:
        children = [child for process in processes for child in process.children()]
        for held in self.root.glob("operators/*/provers/*/keys/toy-hold-*"):  # a prover drains what it has
            Hold(held).let_go()
        for process in reversed(processes):
            await process.stop()
        _, alive = await asyncio.to_thread(psutil.wait_procs, children, STOP_SECONDS)
        for child in alive:
            child.kill()
        assert not alive, f"left behind: {alive}"


async def said(log: Path, words: str) -> None:
    """Wait until a process's log has these words."""
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            while words not in _text_of(log):  # noqa: ASYNC110 - a file tells nobody
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"{log.name} never said {words!r} but\n{_text_of(log)[-4000:]}") from None


def _text_of(log: Path) -> str:
    return log.read_text() if log.exists() else ""


def _works_in(process: psutil.Process) -> Path:
    try:
        return Path(process.cwd())
    except psutil.Error:
        return Path()


def _command_of(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline())
    except psutil.Error:
        return []


def _lives(process: psutil.Process) -> bool:
    return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)


@contextlib.asynccontextmanager
async def running_network(
    root: Path,
    dsn: str,
    *,
    scheme: str = "grpc",
    ca_file: str = "",
    gateway_path: str = "",
    python: str = sys.executable,
    **settings: str,
) -> AsyncIterator[Network]:
    """A gateway, a client with money, and the operators alice and bob without provers yet."""
    network = Network(root, dsn, settings, scheme=scheme, ca_file=Path(ca_file) if ca_file else None, python=python)
    network.gateway_path = Path(gateway_path) if gateway_path else None
    try:
        await network.start_gateway()
        await network.let_in()
        yield network
        await network.check_ledger()
    except BaseException:
        for process in network.processes:
            print(f"--- {process.name} ---\n{_text_of(process.log)[-6000:]}")  # noqa: T201 - pytest shows it when a test fails
        raise
    finally:
        await network.stop()


def open_to_others(root: Path) -> list[str]:
    """Return what in a folder, itself included, others than its owner can open."""
    found = [root, *root.rglob("*")]
    return [str(path) for path in found if not path.is_socket() and path.lstat().st_mode & OTHERS]
