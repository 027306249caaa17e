"""An engine that is a program of its own gets what it may have, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from proofgrid.proofs.kit.engine import EngineFailed, EngineLimits, run_engine

LIMITS = EngineLimits(timeout_seconds=30, memory_bytes=256 << 20, file_bytes_max=1 << 20)
HELPER = "import subprocess, sys; p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"


def run(code: str, workdir: Path, *, limits: EngineLimits = LIMITS, content: bytes = b"") -> bytes:
    return run_engine([sys.executable, "-c", code], limits=limits, workdir=workdir, content=content)


def is_gone(pid: int) -> bool:
    """Wait a little for a process to go."""
    for _ in range(100):
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.05)
    return False


def test_it_returns_what_the_engine_prints(tmp_path: Path) -> None:
    code = "import sys; sys.stdout.buffer.write(sys.stdin.buffer.read()[::-1])"

    assert run(code, tmp_path, content=b"abc" * 100_000) == b"cba" * 100_000
    assert not list(tmp_path.iterdir())


def test_progress_is_reported_while_it_runs(tmp_path: Path) -> None:
    said: list[tuple[str, int]] = []
    code = "import sys; sys.stderr.write('hello\\nprogress key 250\\nprogress prove 9999\\nprogress prove x\\n')"

    run_engine(
        [sys.executable, "-c", code], limits=LIMITS, workdir=tmp_path, report=lambda *report: said.append(report)
    )

    assert said == [("key", 250), ("prove", 1000)]


def test_a_failure_says_how_it_ended_and_what_it_complained_of(tmp_path: Path) -> None:
    with pytest.raises(EngineFailed, match=r"exit status 3; its last words: no such curve"):
        run("import sys; sys.stderr.write('no such curve'); sys.exit(3)", tmp_path)
    with pytest.raises(EngineFailed, match="killed by SIGSEGV"):
        run("import os; os.kill(os.getpid(), 11)", tmp_path)
    with pytest.raises(EngineFailed, match="exit status 127"):
        run_engine(["/no/such/engine"], limits=LIMITS, workdir=tmp_path)


def test_one_that_takes_too_long_is_killed_with_its_helpers(tmp_path: Path) -> None:
    code = HELPER + "open('helper', 'w').write(str(p.pid)); import time; time.sleep(600)"

    with pytest.raises(EngineFailed, match=r"longer than 6 s"):
        run(code, tmp_path, limits=replace(LIMITS, timeout_seconds=6))

    assert is_gone(int((tmp_path / "helper").read_text()))


def test_a_helper_does_not_outlive_an_engine_that_ends_well(tmp_path: Path) -> None:
    began = time.monotonic()

    helper = int(run(HELPER + "print(p.pid)", tmp_path))

    assert is_gone(helper)
    assert time.monotonic() - began < 20


def test_memory_and_files_have_limits(tmp_path: Path) -> None:
    with pytest.raises(EngineFailed, match="MemoryError"):
        run("bytearray(512 << 20)", tmp_path)
    with pytest.raises(EngineFailed, match="wrote more than 1048576 bytes"):
        run("import sys; sys.stdout.buffer.write(bytes(2 << 20))", tmp_path)
    with pytest.raises(EngineFailed, match="File too large"):
        run("open('large', 'wb').write(bytes(2 << 20))", tmp_path)


def test_it_sees_no_secrets_and_a_home_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2")

    said = run("import os; print(dict(os.environ))", tmp_path).decode()

    assert "hunter2" not in said
    assert f"'HOME': '{tmp_path}'" in said


def test_it_does_not_outlive_us(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from proofgrid.proofs.kit.engine import EngineLimits, run_engine\n"
        "limits = EngineLimits(timeout_seconds=600, memory_bytes=1 << 30, file_bytes_max=1 << 20)\n"
        'engine = \'import os, time; open("pid", "w").write(str(os.getpid())); time.sleep(600)\'\n'
        "run_engine([sys.executable, '-c', engine], limits=limits, workdir=Path.cwd())"
    )
    us = subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, start_new_session=True)
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
        time.sleep(0.02)

    os.killpg(us.pid, signal.SIGKILL)  # as a prover ends the group of a job
    us.wait()

    assert is_gone(int((tmp_path / "pid").read_text()))
