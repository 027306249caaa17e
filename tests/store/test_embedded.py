"""The embedded server: started, found again after a kill, and really stopped by the last one who leaves."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from proofgrid.primitives.errors import InvalidField, Unavailable
from proofgrid.store.embedded import start_embedded


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A directory with a short path, gone with its server after the test."""
    root = Path(tempfile.mkdtemp(prefix="pg-"))
    yield root / "db"
    if pid := server_pid(root / "db"):
        os.kill(pid, signal.SIGKILL)
    shutil.rmtree(root, ignore_errors=True)


def server_pid(data_dir: Path) -> int | None:
    try:
        pid = int((data_dir / "postmaster.pid").read_text().splitlines()[0])
        return pid if psutil.Process(pid).name() == "postgres" else None
    except (OSError, psutil.Error):
        return None


def kill_server(data_dir: Path) -> None:
    """kill -9 of its first process."""
    pid = server_pid(data_dir)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    psutil.wait_procs([psutil.Process(pid)] if psutil.pid_exists(pid) else [], timeout=60)


def a_gateway(data_dir: Path, *, then: str) -> subprocess.Popen[str]:
    """Start another process that starts the server, says its DSN and does what `then` says."""
    script = f"""
    import sys
    from pathlib import Path
    from proofgrid.store.embedded import start_embedded
    server = start_embedded(Path(sys.argv[1]))
    print(server.dsn, flush=True)
    {then}
    """
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script), str(data_dir)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def dsn_said_by(gateway: subprocess.Popen[str]) -> str:
    assert gateway.stdout is not None
    # Its log comes on the same stream.
    return next((line.strip() for line in gateway.stdout if line.startswith("postgresql:")), "")


def finish(gateway: subprocess.Popen[str], number: int | None = None) -> int:
    if number is not None:
        gateway.send_signal(number)
    gateway.communicate()
    return gateway.returncode


def answer(data_dir: Path, dsn: str, sql: str) -> str:
    import asyncio

    import asyncpg

    async def ask() -> str:
        connection = await asyncpg.connect(dsn)
        try:
            return str(await connection.fetchval(sql))
        finally:
            await connection.close()

    return asyncio.run(ask())


def test_a_server_starts_with_its_database_and_opens_no_port(data_dir: Path) -> None:
    server = start_embedded(data_dir)

    assert answer(data_dir, server.dsn, "SELECT current_database()") == "proofgrid"
    assert answer(data_dir, server.dsn, "SHOW listen_addresses") == ""
    pid = server_pid(data_dir)
    assert pid is not None
    listening = [c for c in psutil.Process(pid).net_connections("inet") if c.status == psutil.CONN_LISTEN]
    assert listening == []
    server.stop()
    assert server_pid(data_dir) is None


@pytest.mark.thorough
def test_a_server_left_by_a_killed_gateway_is_found_and_stopped(data_dir: Path) -> None:
    gateway = a_gateway(data_dir, then="sys.stdin.read()")
    dsn = dsn_said_by(gateway)
    answer(data_dir, dsn, "CREATE TABLE kept AS SELECT 42 AS x")
    finish(gateway, signal.SIGKILL)
    left = server_pid(data_dir)

    server = start_embedded(data_dir)

    assert left is not None
    assert server_pid(data_dir) == left
    assert answer(data_dir, server.dsn, "SELECT x FROM kept") == "42"
    server.stop()
    assert server_pid(data_dir) is None


def test_data_survives_a_stop_and_a_killed_server(data_dir: Path) -> None:
    server = start_embedded(data_dir)
    answer(data_dir, server.dsn, "CREATE TABLE kept AS SELECT 42 AS x")
    pid = server_pid(data_dir)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    psutil.wait_procs([psutil.Process(pid)] if psutil.pid_exists(pid) else [], timeout=60)

    again = start_embedded(data_dir)
    assert answer(data_dir, again.dsn, "SELECT x FROM kept") == "42"
    again.stop()
    once_more = start_embedded(data_dir)

    assert answer(data_dir, once_more.dsn, "SELECT x FROM kept") == "42"
    once_more.stop()
    once_more.stop()
    assert server_pid(data_dir) is None


def test_a_killed_server_is_started_again_over_what_it_left_behind(data_dir: Path) -> None:
    """A backend that does not notice the death holds the shared memory: no server starts beside it."""
    server = start_embedded(data_dir)
    answer(data_dir, server.dsn, "CREATE TABLE kept AS SELECT 42 AS x")
    pid = server_pid(data_dir)
    assert pid is not None
    backends = psutil.Process(pid).children()
    backends[0].suspend()
    assert server.is_alive()
    kill_server(data_dir)
    assert not server.is_alive()

    server.revive()

    assert server.is_alive()
    assert not backends[0].is_running()
    assert answer(data_dir, server.dsn, "SELECT x FROM kept") == "42"
    again = server_pid(data_dir)
    server.revive()  # it lives
    assert server_pid(data_dir) == again
    server.stop()
    server.revive()  # nobody wants it any more
    assert server_pid(data_dir) is None


@pytest.mark.thorough
def test_a_server_that_another_process_started_again_is_stopped_by_the_last_one(data_dir: Path) -> None:
    server = start_embedded(data_dir)
    gateway = a_gateway(data_dir, then="sys.stdin.readline(); server.revive(); sys.stdin.read(); server.stop()")
    dsn_said_by(gateway)
    kill_server(data_dir)
    assert gateway.stdin is not None
    gateway.stdin.write("now\n")
    assert finish(gateway) == 0
    server.revive()
    assert answer(data_dir, server.dsn, "SELECT 1") == "1"

    server.stop()

    assert server_pid(data_dir) is None


def test_a_server_that_cannot_start_says_why(data_dir: Path) -> None:
    server = start_embedded(data_dir)
    kill_server(data_dir)
    (data_dir / "global" / "pg_control").rename(data_dir / "global" / "pg_control.away")

    with pytest.raises(Unavailable, match="pg_control"):
        server.revive()

    server.stop()


@pytest.mark.thorough
def test_a_server_stays_while_another_process_uses_it(data_dir: Path) -> None:
    server = start_embedded(data_dir)
    gateway = a_gateway(data_dir, then="sys.stdin.read(); server.stop()")
    assert dsn_said_by(gateway) == server.dsn

    server.stop()

    assert answer(data_dir, server.dsn, "SELECT 1") == "1"
    assert finish(gateway) == 0
    assert server_pid(data_dir) is None


@pytest.mark.thorough
def test_a_process_that_ends_without_stopping_still_takes_its_server_along(data_dir: Path) -> None:
    gateway = a_gateway(data_dir, then="")
    dsn_said_by(gateway)

    assert finish(gateway) == 0
    assert server_pid(data_dir) is None


def test_a_pid_file_that_names_a_stranger_after_a_reboot_does_not_stop_the_start(data_dir: Path) -> None:
    server = start_embedded(data_dir)
    lines = (data_dir / "postmaster.pid").read_text().splitlines()
    server.stop()
    (data_dir / "postmaster.pid").write_text("\n".join([str(os.getppid()), *lines[1:]]) + "\n")

    again = start_embedded(data_dir)

    assert answer(data_dir, again.dsn, "SELECT 1") == "1"
    again.stop()


def test_two_processes_that_start_at_once_share_one_server(data_dir: Path) -> None:
    gateways = [a_gateway(data_dir, then="sys.stdin.read(); server.stop()") for _ in range(2)]

    dsns = {dsn_said_by(gateway) for gateway in gateways}

    assert len(dsns) == 1
    assert answer(data_dir, dsns.pop(), "SELECT current_database()") == "proofgrid"
    assert [finish(gateway) for gateway in gateways] == [0, 0]
    assert server_pid(data_dir) is None


def test_a_path_too_long_for_a_socket_is_refused_with_the_room_there_is(data_dir: Path) -> None:
    with pytest.raises(InvalidField, match="too long") as caught:
        start_embedded(data_dir / ("x" * 100))

    assert caught.value.field == "data_dir"
    assert "at most 89 bytes" in caught.value.hint
    with pytest.raises(OSError, match="too long"), socket.socket(socket.AF_UNIX) as unix:
        unix.bind("/" + "x" * 120)


def test_a_path_the_engine_would_break_is_refused(data_dir: Path) -> None:
    with pytest.raises(InvalidField, match="cannot live"):
        start_embedded(data_dir / "with space; touch pwned")


def test_a_data_dir_that_cannot_be_made_is_refused(data_dir: Path) -> None:
    data_dir.write_text("a file")

    with pytest.raises(InvalidField, match="not writable"):
        start_embedded(data_dir / "below")
