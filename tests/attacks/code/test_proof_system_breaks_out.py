"""A third party's proof system, or a program that takes one over, looks for all that its prover has: let in nowhere."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from proofgrid.primitives.errors import JobCrashed
from proofgrid.proofs import registry
from proofgrid.proofs.confinement.files import version
from proofgrid.roles.prover import cell, sandbox
from proofgrid.roles.prover.cell import Cell, keys_of, read_plain
from proofgrid.roles.prover.nursery import Nursery
from proofgrid.roles.prover.sandbox import PROCESSES_MAX, ChildLimits, run_child
from proofgrid.roles.prover.warmth import WarmBounds
from tests.attacks.code.conftest import needs_landlock
from tests.attacks.code.hostile_system import HostileSystem
from tests.bubblewrap import working_bubblewrap
from tests.packages import install_entry_point, on_path
from tests.roles.prover.test_sandbox import a_toy_job

SECRET = "hunter2"
LIMITS = ChildLimits(memory_bytes=256 << 20, timeout_seconds=600, cores=1)
SIGNALS_SINCE = 6  #: of Landlock


@pytest.fixture(autouse=True)
def hostile_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    value = f"{HostileSystem.__module__}:{HostileSystem.__name__}"
    install_entry_point(tmp_path / "site", "hostile", group=registry.GROUP, value=value)
    with on_path([tmp_path / "site", Path(__file__).parents[3]], monkeypatch):
        yield


@pytest.fixture(params=["rules", "namespaces"])
def bubblewrap(request: pytest.FixtureRequest) -> str:
    """What makes namespaces; with rules of the kernel alone, none."""
    if request.param == "rules":
        return ""
    return working_bubblewrap() or pytest.skip("there is no bubblewrap, or it makes no namespaces here")


class Prover:
    """What a prover has, and a job that is after it."""

    def __init__(self, folder: Path, nursery: Nursery) -> None:
        self.folder, self.nursery = folder, nursery
        self.key = folder / "operator.key"
        self.key.write_text(SECRET)
        (folder / "toy").mkdir()
        spec, _, _ = a_toy_job(folder / "toy")
        self.spec = replace(spec, proof_system="hostile")

    async def tries(self, attempt: str, *args: object, limits: ChildLimits = LIMITS) -> dict[str, Any]:
        self.spec.job_input.write_text(json.dumps({"attempt": attempt, "args": args}))
        output = await run_child(self.spec, limits=limits, on_progress=lambda *said: None, nursery=self.nursery)
        got: dict[str, Any] = json.loads(output.proof)
        return got


@asynccontextmanager
async def a_prover(folder: Path, bubblewrap: str) -> AsyncIterator[Prover]:
    (folder / "scratch").mkdir()
    async with Nursery.open(folder / "scratch", bounds=WarmBounds(), bubblewrap=bubblewrap) as nursery:
        yield Prover(folder, nursery)


@pytest.fixture
async def prover(tmp_path: Path, bubblewrap: str) -> AsyncIterator[Prover]:
    async with a_prover(tmp_path, bubblewrap) as made:
        yield made


@needs_landlock
async def test_key_environment_memory_and_siblings_are_out_of_its_sight(prover: Prover) -> None:
    sibling = Cell.made_below(prover.nursery.home)
    (sibling.job / "witness").write_text(SECRET)

    for attempt in (
        ("read", str(prover.key)),
        ("write", str(prover.key)),
        ("read", str(sibling.job / "witness")),
        ("read_folder", str(prover.nursery.home)),
        ("write", str(prover.nursery.home / "new")),
        ("environment_of", os.getpid()),
        ("memory_of", os.getpid()),
    ):
        assert "refused" in await prover.tries(*attempt), attempt

    assert prover.key.read_text() == SECRET
    assert "got" in await prover.tries("read_folder", "WORKDIR")


async def test_it_reaches_no_network_and_no_socket(prover: Prover, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as in_a_folder, socket.create_server(("127.0.0.1", 0)) as port:
        in_a_folder.bind(str(tmp_path / "database"))
        in_a_folder.listen()

        assert "refused" in await prover.tries("connect", str(tmp_path / "database"))
        host, number = port.getsockname()
        assert "refused" in await prover.tries("connect_to", host, number)


@needs_landlock
async def test_it_cannot_end_its_prover(prover: Prover, bubblewrap: str) -> None:
    if not bubblewrap and version() < SIGNALS_SINCE:
        pytest.skip("this kernel's Landlock knows no signals")
    assert "refused" in await prover.tries("signal_to", os.getpid())


async def test_what_it_leaves_behind_ends_with_its_job(prover: Prover, tmp_path: Path) -> None:
    marker = f"{tmp_path}-survivor"
    assert "got" in await prover.tries("leave_a_survivor", "WORKDIR", marker)

    while any(marker in (one.info["cmdline"] or []) for one in psutil.process_iter(["cmdline"])):  # noqa: ASYNC110
        await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("attempt", "words"),
    [
        (("eat_memory", 2 * LIMITS.memory_bytes), "out of memory, memory limit 256 MiB"),
        (("eat_shared_memory", 2 * LIMITS.memory_bytes), "out of memory, memory limit 256 MiB"),
        (("eat_memory_in_children", 2 * LIMITS.memory_bytes, 4), "out of memory, memory limit 256 MiB"),
        (("eat_processes", 2 * PROCESSES_MAX), "more than 256 processes|out of memory"),
        (("eat_disk", "WORKDIR", 4 * LIMITS.memory_bytes), "it wrote more than"),
        (("eat_names", "WORKDIR", 2_000), "it wrote more than"),
    ],
)
async def test_what_takes_too_much_is_ended_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, attempt: tuple[object, ...], words: str
) -> None:
    monkeypatch.setattr(sandbox, "FILE_BYTES_LEAST", 0)
    for module in (cell, sandbox):
        monkeypatch.setattr(module, "FILES_MAX", 1_000)
    async with a_prover(tmp_path, "") as prover:
        with pytest.raises(JobCrashed, match=words):
            await prover.tries(*attempt)  # type: ignore[arg-type]

        assert list(prover.nursery.home.iterdir()) == []


@needs_landlock
async def test_it_writes_keys_of_its_own_program_only_and_those_by_the_provers_hand(prover: Prover) -> None:
    cache, mine = prover.spec.cache, prover.spec.program.digest
    others = cache / "another program" / "theirs.pk"
    others.parent.mkdir()
    others.write_text("right")

    assert "refused" in await prover.tries("write", str(others))
    assert "refused" in await prover.tries("put_another_folder_in_place", "CACHE", str(prover.folder))
    assert "refused" in await prover.tries("put_another_folder_in_place", "WORKDIR", str(prover.folder))
    assert "got" in await prover.tries("leave_keys", "CACHE", str(prover.key))

    assert others.read_text() == "right"
    assert {path.name: path.read_bytes() for path in keys_of(cache, mine).iterdir()} == {"derived.pk": b"derived"}
    kept = keys_of(cache, mine) / "derived.pk"
    assert "refused" in await prover.tries("write", str(kept))
    await prover.tries("write_key", "CACHE", "derived.pk")
    assert kept.read_bytes() == b"derived"


def test_an_output_that_is_no_plain_file_is_not_read(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text(SECRET)
    link, second_name, pipe, folder = (tmp_path / name for name in ("link", "second", "pipe", "folder"))
    link.symlink_to(key)
    second_name.hardlink_to(key)
    os.mkfifo(pipe)
    folder.mkdir()

    for path in (link, second_name, pipe, folder):
        with pytest.raises((OSError, ValueError)):
            read_plain(path, 1 << 20)
