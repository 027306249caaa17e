"""A model that takes over a worker of the gateway: it finds no secret, no file of others and no network."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from proofgrid.primitives.errors import JobCrashed
from proofgrid.primitives.turns import Urgency
from proofgrid.proofs.confinement.room import Room
from proofgrid.proofs.pool.child import OWN_SCRATCH
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
    assert await is_refused(confined, attempts.write, str(tmp_path / "scratch" / "new"))
    own = Path(str(await got(confined, attempts.own_folder)))
    assert own.parent == tmp_path / "scratch"
    assert await got(confined, attempts.write, str(own / "new")) == len(b"mine now")


@needs_landlock
async def test_it_does_not_see_what_other_workers_work_on(confined: ProofWorkers, scratch: Path) -> None:
    other = ProofWorkers(1, room=Room(), scratch=scratch)
    try:
        theirs = Path(str(await got(other, attempts.own_folder)))
        own = Path(str(await got(confined, attempts.own_folder)))

        assert theirs != own
        assert theirs.parent == own.parent == scratch
        assert await is_refused(confined, attempts.read, str(theirs / "mine"))
        assert await is_refused(confined, attempts.write, str(theirs / "mine"))
        assert await is_refused(confined, attempts.listed, str(theirs))
        assert await is_refused(confined, attempts.listed, str(scratch))
    finally:
        await other.close()
    assert theirs.name not in os.listdir(scratch)
    assert own.name in os.listdir(scratch)


@needs_landlock
async def test_a_build_has_a_worker_of_its_own_that_sees_its_folder_alone(
    confined: ProofWorkers, scratch: Path
) -> None:
    folder, others = scratch / "build", scratch / "other"
    for one in (folder, others):
        one.mkdir()
        (one / "model").write_text(SECRET)

    async def of_a_build(attempt: Callable[..., object], path: Path) -> object:
        wish = {"timeout_seconds": 60, "urgency": Urgency.BUILDING, "folder": folder}
        return await confined.call(attempt, str(path), **wish)  # type: ignore[arg-type]  # as it is said

    assert await of_a_build(attempts.read, folder / "model") == SECRET.encode()
    assert await of_a_build(attempts.write, folder / "key") == len(b"mine now")
    for attempt in (attempts.read, attempts.write):
        with pytest.raises(JobCrashed, match="PermissionError"):
            await of_a_build(attempt, others / "model")

    assert (folder / "key").exists()  # the caller's, when the worker is gone
    assert await is_refused(confined, attempts.read, str(folder / "model"))


async def test_calls_get_the_folder_of_their_worker(confined: ProofWorkers, scratch: Path) -> None:
    own = await got(confined, str, OWN_SCRATCH)
    assert own == await got(confined, attempts.own_folder)


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
