"""A model that takes over a worker of the gateway: it finds no secret, no file of others and no network."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from proofgrid.primitives.errors import JobCrashed
from proofgrid.primitives.turns import Urgency
from proofgrid.proofs.workers import ProofWorkers
from tests.attacks.code import attempts
from tests.attacks.code.conftest import needs_landlock

SECRET = "hunter2"


async def got(workers: ProofWorkers, attempt: Callable[..., object], *args: object) -> object:
    return await workers.call(attempt, *args, timeout_seconds=60, urgency=Urgency.ADMISSION)


async def is_refused(workers: ProofWorkers, attempt: Callable[..., object], *args: object) -> bool:
    with pytest.raises(JobCrashed) as refusal:
        await got(workers, attempt, *args)
    return "PermissionError" in refusal.value.detail or "KeyError" in refusal.value.detail


@needs_landlock
async def test_it_reads_and_writes_nothing_but_its_scratch(confined: ProofWorkers, tmp_path: Path) -> None:
    key = tmp_path / "network.key"
    key.write_text(SECRET)

    assert await is_refused(confined, attempts.read, str(key))
    assert await is_refused(confined, attempts.write, str(key))
    assert await is_refused(confined, attempts.write, str(tmp_path / "new"))

    assert key.read_text() == SECRET
    assert await got(confined, attempts.write, str(tmp_path / "scratch" / "new")) == len(b"mine now")


@needs_landlock
async def test_it_reads_neither_environment_nor_memory_of_the_gateway_and_cannot_end_it(
    confined: ProofWorkers,
) -> None:
    assert await is_refused(confined, attempts.environment_of, os.getpid())
    assert await is_refused(confined, attempts.memory_of, os.getpid())


async def test_it_has_none_of_the_gateways_secrets(confined: ProofWorkers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROOFGRID_KEY_PASSWORD", SECRET)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)

    assert await is_refused(confined, attempts.variable, "PROOFGRID_KEY_PASSWORD")
    assert await is_refused(confined, attempts.variable, "AWS_SECRET_ACCESS_KEY")
    its_own = await got(confined, attempts.read, "/proc/self/environ")

    assert isinstance(its_own, bytes)
    assert SECRET.encode() not in its_own


async def test_it_reaches_no_network_and_no_socket(confined: ProofWorkers, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as in_a_folder, socket.create_server(("127.0.0.1", 0)) as port:
        in_a_folder.bind(str(tmp_path / "database"))
        in_a_folder.listen()

        assert await is_refused(confined, attempts.connect, port.getsockname())
        assert await is_refused(confined, attempts.connect, str(tmp_path / "database"))
