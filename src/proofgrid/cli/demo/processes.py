"""The demo's processes: real ones, each in its own process group, none of which survives the demo.

Three things see to that: they are stopped in the end, killed when they do not stop, and each holds a pipe from the
demo (`--lifeline`) that closes when the demo itself is killed.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from proofgrid.primitives.errors import ProofgridError

READY_TIMEOUT_SECONDS = 120.0
STOP_TIMEOUT_SECONDS = 20.0
ASK_AGAIN_SECONDS = 1.0  #: a prover that is asked twice stops without finishing its jobs
TAIL_LINES = 15


@dataclass(frozen=True, slots=True)
class Child:
    """A started process and its log."""

    name: str
    process: Process
    log: Path
    is_gateway: bool


@dataclass(frozen=True, slots=True)
class Ready:
    """What a gateway says when it accepts calls."""

    address: str  #: host:port
    pages: str  #: where a browser finds it, http://host:port
    network: str
    srs_for_development: bool


class Fleet:
    """All processes of a demo, in the order in which they were started."""

    def __init__(self, folder: Path, network: Path, *, python_path: Path | None = None) -> None:
        self._python_path = python_path  #: where packages of its processes alone lie
        self._folder = folder
        self._network = network
        self._children: list[Child] = []
        self._watchers: set[asyncio.Future[None]] = set()
        self._trouble: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def start_gateway(self, *flags: str, name: str = "gateway", python_path: Path | None = None) -> Ready:
        """Start a gateway; return what it says when it is ready. `python_path`: packages of its own."""
        child = await self._start(name, "gateway", *flags, stdout=PIPE, python_path=python_path)
        try:
            async with asyncio.timeout(READY_TIMEOUT_SECONDS):
                return await _ready_line(child)
        except TimeoutError:
            raise ProofgridError(
                f"the gateway was not ready in time; the end of {child.log}:\n{_tail(child.log)}"
            ) from None

    async def start_prover(self, name: str, *flags: str) -> None:
        """Start a prover; what it does goes to its log."""
        await self._start(name, "prover", *flags)

    def pid_of(self, name: str) -> int:
        """Return the process of a name."""
        return next(child.process.pid for child in self._children if child.name == name)

    def signal(self, name: str, number: signal.Signals) -> None:
        """Send a signal to a process and all that it started."""
        os.killpg(self.pid_of(name), number)

    async def start_anchor(self, *flags: str) -> None:
        """Start what holds the network to a chain; what it does goes to its log."""
        await self._start("anchor", "anchor", *flags)

    async def run(self, *arguments: str) -> tuple[int, str, str]:
        """Run `proofgrid …` in a process of its own; return its exit code, output and complaints."""
        process = await asyncio.create_subprocess_exec(
            *_command(*arguments),
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=PIPE,
            env=self._environment(),
            start_new_session=True,
        )
        try:
            out, err = await process.communicate()
        finally:
            _kill(process)
        return process.returncode or 0, out.decode(errors="replace"), err.decode(errors="replace")

    async def until_one_ends(self) -> None:
        """Wait until a process ends by itself, and raise an error with the end of its log."""
        await asyncio.shield(self._trouble)  # who waits may be cancelled, and somebody may wait again

    async def stop(self) -> None:
        """Stop everything: provers first, then the gateway, which stops its database."""
        for watcher in self._watchers:
            watcher.cancel()
        self._trouble.cancel()
        gateways = [child for child in self._children if child.is_gateway]
        provers = [child for child in self._children if not child.is_gateway]
        try:
            await _ask_to_stop(provers, seconds=ASK_AGAIN_SECONDS)
            await _ask_to_stop(provers, seconds=STOP_TIMEOUT_SECONDS)
            await _ask_to_stop(gateways, seconds=STOP_TIMEOUT_SECONDS)
        finally:
            for child in self._children:
                _kill(child.process)
            stop_database(self._network / "db")

    def end_at_once(self) -> None:
        """Kill everything: nobody waits for what it would still do."""
        for watcher in self._watchers:
            watcher.cancel()
        self._trouble.cancel()
        for child in self._children:
            _kill(child.process)
        stop_database(self._network / "db")

    async def _start(
        self, name: str, verb: str, *flags: str, stdout: int | None = None, python_path: Path | None = None
    ) -> Child:
        log = self._folder / f"{name}.log"
        with log.open("wb") as file:
            process = await asyncio.create_subprocess_exec(
                *_command(verb, *flags, "--lifeline", "--json"),
                stdin=PIPE,
                stdout=stdout or file,
                stderr=file,
                env=self._environment(python_path),
                start_new_session=True,
            )
        child = Child(name, process, log, verb == "gateway")
        self._children.append(child)
        self._watchers.add(asyncio.ensure_future(self._watch(child)))
        return child

    async def _watch(self, child: Child) -> None:
        await child.process.wait()
        if not self._trouble.done():
            self._trouble.set_exception(_ended(child))

    def _environment(self, python_path: Path | None = None) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PROOFGRID_")}
        paths = [str(one) for one in (python_path, self._python_path) if one is not None]
        if paths:
            kept["PYTHONPATH"] = os.pathsep.join([*paths, *filter(None, [kept.get("PYTHONPATH")])])
        return {**kept, "PROOFGRID_CONFIG": str(self._folder / "proofgrid.toml"), "PYTHONUNBUFFERED": "1"}


def stop_database(data_dir: Path) -> None:
    """Stop a PostgreSQL whose gateway had to be killed; does nothing when there is none."""
    try:
        pid = int((data_dir / "postmaster.pid").read_text().split()[0])
        server = psutil.Process(pid)
        if not Path(server.exe()).name.startswith("postgres") or str(data_dir) not in " ".join(server.cmdline()):
            return
        for number in (signal.SIGINT, signal.SIGQUIT):  # a fast, then an immediate shutdown
            server.send_signal(number)
            with suppress(psutil.TimeoutExpired):
                server.wait(timeout=10)
                return
    except (OSError, ValueError, IndexError, psutil.Error):
        return


async def _ready_line(child: Child) -> Ready:
    assert child.process.stdout is not None  # noqa: S101  # started with a pipe
    while line := await child.process.stdout.readline():
        with suppress(ValueError):
            said = json.loads(line)
            if said.get("event") == "ready":
                return Ready(said["address"], said["http"], said["network"], said["srs_for_development"])
    await child.process.wait()
    raise _ended(child)


async def _ask_to_stop(children: list[Child], *, seconds: float) -> None:
    living = [child.process for child in children if child.process.returncode is None]
    for process in living:
        with suppress(ProcessLookupError):
            process.terminate()
    if living:
        await asyncio.wait([asyncio.ensure_future(process.wait()) for process in living], timeout=seconds)


def _kill(process: Process) -> None:
    # The whole group: what a killed process had started is in it, or holds its own lifeline.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _ended(child: Child) -> ProofgridError:
    return ProofgridError(
        f"{child.name} ended with exit code {child.process.returncode}; the end of {child.log}:\n{_tail(child.log)}",
        hint=f"the whole story is in {child.log}",
    )


def _tail(log: Path) -> str:
    try:
        return "\n".join("  | " + line for line in log.read_text(errors="replace").splitlines()[-TAIL_LINES:])
    except OSError:
        return ""


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "proofgrid.cli.main", *arguments]
