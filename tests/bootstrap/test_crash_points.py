"""A crash hook is there only when a package brings it, and then nobody can overlook it."""

from __future__ import annotations

import importlib
from pathlib import Path

import asyncpg
import pytest
from structlog.testing import capture_logs

from proofgrid.bootstrap.crash_points import GROUP, install_crash_hook
from proofgrid.store.database import Database
from proofgrid.store.pool import ConnectionPool
from tests.packages import install_package


def a_database() -> Database:
    """One that nobody asks anything."""

    async def nobody() -> asyncpg.Connection:
        raise AssertionError

    return Database("postgresql:///nobody", ConnectionPool(nobody, 1))


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of packages that this process sees."""
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    return tmp_path


def test_without_a_package_there_is_no_hook() -> None:
    database = a_database()
    with capture_logs() as logs:
        install_crash_hook(database)

    assert (database.on_boundary, logs) == (None, [])


def test_an_installed_hook_is_told_of_boundaries_and_announced_loudly(site: Path) -> None:
    hook = site / "hook.py"
    hook.write_text("told = []\ndef make():\n    return told.append\n")
    install_package(site, "crasher", hook, group=GROUP, entry="make")
    database = a_database()
    with capture_logs() as logs:
        install_crash_hook(database)

    assert database.on_boundary is not None
    database.on_boundary("pay_proofs:before")
    assert importlib.import_module("proofgrid_crasher").told == ["pay_proofs:before"]
    assert [(entry["event"], entry["log_level"]) for entry in logs] == [("crash_hook_active", "critical")]


def test_several_hooks_are_refused(site: Path) -> None:
    hook = site / "hook.py"
    hook.write_text("def make():\n    return print\n")
    for name in ("one", "two"):
        install_package(site, name, hook, group=GROUP, entry="make")

    with pytest.raises(RuntimeError, match=r"proofgrid_one:make, proofgrid_two:make"):
        install_crash_hook(a_database())
