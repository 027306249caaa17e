"""Fixtures for every test: databases, and the toy proof system installed as a third party's package."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from proofgrid.proofs.kit.ignition import POINTS_FILE
from tests.packages import toy_system_installed
from tests.proofs.points import POINTS

pytest_plugins = ["tests.databases"]

settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a run in the background, which what it starts would inherit
    signal.signal(signal.SIGINT, signal.default_int_handler)

os.environ.pop("COLUMNS", None)  # pytest-xdist sets it for its workers; what is no terminal has no width

if (POINTS / POINTS_FILE).is_file():  # for every process that a test starts, before any of them
    os.environ["CRS_PATH"] = str(POINTS)


TOGETHER = "tests/proofs/systems/ezkl/"  #: files that share what is dear to make: programs with their keys, and proofs


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keep the tests of a file in one process of several: what they share is made once."""
    from xdist.scheduler import LoadFileScheduling

    scheduler: Any = LoadFileScheduling(config, log)
    file_of = scheduler._split_scope
    scheduler._split_scope = lambda test: TOGETHER if test.startswith(TOGETHER) else file_of(test)
    return scheduler


@pytest.fixture
def toy_system_on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Install the proof system "toy" for this process and its children, the way pip would; return the folder."""
    with toy_system_installed(tmp_path / "toy-site", monkeypatch) as site:
        yield site
