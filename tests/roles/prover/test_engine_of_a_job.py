"""A job whose engine is a program of its own: it proves in the sandbox, and goes with its job."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from proofgrid.proofs import registry
from proofgrid.proofs.kit.rehearsal import build
from proofgrid.roles.prover.sandbox import ChildLimits, ChildSpec, run_child
from tests.packages import install_entry_point, on_path
from tests.proofs.kit.salted_system import ENGINE, SALT, SaltedSystem, SaltSetup, a_circuit

LIMITS = ChildLimits(memory_bytes=1 << 30, timeout_seconds=60, cores=1)
SYSTEM = SaltedSystem()


@pytest.fixture(autouse=True)
def salted_system_on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Install the proof system "salted"; its module is where it always is."""
    value = f"{SaltedSystem.__module__}:{SaltedSystem.__name__}"
    install_entry_point(tmp_path / "site", "salted", group=registry.GROUP, value=value)
    with on_path([tmp_path / "site", Path(__file__).parents[3]], monkeypatch):
        yield


def a_job(folder: Path, *, key_ms: int) -> ChildSpec:
    """Return a child's order; its engine takes so long to derive the key."""
    SaltSetup().make_for_development(folder, logrows=0, secret=b"salt")
    (folder / "job").mkdir()
    source = a_circuit(folder / "circuit", rounds=5, key_ms=key_ms)
    files = build(SYSTEM, source, {SALT: folder}, workdir=folder / "program")
    (job,) = SYSTEM.normalise(files, ["seven"], workdir=folder / "job").jobs
    (folder / "job" / "input").write_bytes(job.input)
    return ChildSpec(
        proof_system="salted",
        program=files.program,
        paths=files.paths,
        slice_index=0,
        job_input=folder / "job" / "input",
        cache=folder / "cache",
        workdir=folder / "job",
    )


def engines_of(spec: ChildSpec) -> list[psutil.Process]:
    """Return the engines that run for this job."""
    return [
        process
        for process in psutil.process_iter(["cmdline", "cwd"])
        if Path(process.info["cwd"] or "/").is_relative_to(spec.workdir)
        and str(ENGINE) in (process.info["cmdline"] or [])
    ]


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110  # a process that dies sends us no event
        await asyncio.sleep(0.02)


async def test_it_proves_and_reports(tmp_path: Path) -> None:
    seen: list[tuple[str, int]] = []

    output = await run_child(a_job(tmp_path, key_ms=0), limits=LIMITS, on_progress=lambda *said: seen.append(said))

    assert len(output.proof) == 32
    assert ("prove", 500) in seen


async def test_it_goes_with_a_job_that_is_stopped(tmp_path: Path) -> None:
    spec = a_job(tmp_path, key_ms=600_000)
    running = asyncio.ensure_future(run_child(spec, limits=LIMITS, on_progress=lambda *said: None))
    async with asyncio.timeout(60):
        await until(lambda: bool(engines_of(spec)))

    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    async with asyncio.timeout(60):
        await until(lambda: not engines_of(spec))
    assert not list((tmp_path / "cache").rglob("*.key"))
