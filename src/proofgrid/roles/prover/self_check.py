"""Does this machine still prove? Each proof system that offers a check runs it in a child process of its own.

    prover --> python -m proofgrid.roles.prover.self_check SYSTEM WORKDIR ROOM --> {"passed", "said"} on its last line

A passed check is known by the engine's version, so a start after the first one costs nothing.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import proofgrid
from proofgrid.primitives.digests import digest_of_json
from proofgrid.primitives.errors import ProofgridError
from proofgrid.primitives.last_words import without_last_words
from proofgrid.proofs.confinement.kernel import adopt_orphans
from proofgrid.proofs.confinement.namespaces import within
from proofgrid.proofs.confinement.room import Room, enter
from proofgrid.proofs.confinement.taking import end_family, end_orphans
from proofgrid.proofs.kit.engine import exit_text
from proofgrid.proofs.offers import SelfChecking
from proofgrid.proofs.registry import proof_system
from proofgrid.roles.prover.cell import Cell
from proofgrid.roles.prover.process import child_environment

TIMEOUT_SECONDS = 120.0
SAID_CHARS_MAX = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckPlace:
    """What is checked, and where files may lie."""

    systems: Sequence[str]
    known: Path  #: which engines passed here
    scratch: Path
    cores: int
    bubblewrap: str = ""  #: what makes namespaces of its own for a check; empty: it has none


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReport:
    """How the check of one proof system went."""

    proof_system: str
    passed: bool
    said: str
    details: str = ""  #: an engine's own words, for who looks closer


Check = Callable[[CheckPlace], Awaitable[list[CheckReport]]]


async def check_all(place: CheckPlace) -> list[CheckReport]:
    """Check every proof system that offers a check, one after the other."""
    return [await _check(name, place) for name in place.systems if _offers_check(name)]


async def check_unless_known(place: CheckPlace) -> list[CheckReport]:
    """Check those whose engine has not passed here yet."""
    return [
        await _check(name, place) for name in place.systems if _offers_check(name) and not _mark(name, place).exists()
    ]


def _offers_check(name: str) -> bool:
    # One that cannot even be loaded says so in its first job, where somebody listens.
    with suppress(Exception):
        return isinstance(proof_system(name), SelfChecking)
    return False


def _mark(name: str, place: CheckPlace) -> Path:
    engine = [name, proof_system(name).describe().engine, proofgrid.__version__]
    return place.known / f"{name}-{digest_of_json(engine)[:16]}"


async def _check(name: str, place: CheckPlace) -> CheckReport:
    mark = _mark(name, place)
    mark.unlink(missing_ok=True)
    try:
        cell = await asyncio.to_thread(Cell.made_below, place.scratch)
        try:
            report = await _in_child(name, cell, place)
        finally:
            await asyncio.to_thread(cell.remove)
        if report.passed:
            place.known.mkdir(parents=True, exist_ok=True)
            mark.touch()
    except OSError as error:  # a full disk is what a check is there to find
        return CheckReport(proof_system=name, passed=False, said=f"{type(error).__name__}: {error.strerror}")
    return report


async def _in_child(name: str, cell: Cell, place: CheckPlace) -> CheckReport:
    command = [sys.executable, "-P", "-m", "proofgrid.roles.prover.self_check", name, str(cell.job)]
    child = await asyncio.create_subprocess_exec(
        *within(place.bubblewrap, cell.room, [*command, cell.room.to_text()]),
        stdin=asyncio.subprocess.PIPE,  # closes when this process dies, and the child with it
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        cwd=cell.job,
        env=child_environment(place.cores, cell.job),
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            assert child.stdout is not None  # noqa: S101 - asked for above
            said = await child.stdout.read()
            await child.wait()
    except TimeoutError:
        return CheckReport(proof_system=name, passed=False, said=f"it took longer than {TIMEOUT_SECONDS:g} s")
    finally:
        if child.returncode is None:
            end_family(child.pid)
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        await child.wait()
    return _read(name, said, child.returncode or 0)


def _read(name: str, said: bytes, code: int) -> CheckReport:
    try:
        last = json.loads(said.splitlines()[-1])
        return CheckReport(
            proof_system=name,
            passed=last["passed"] is True,
            said=str(last["said"])[:SAID_CHARS_MAX],
            details=str(last.get("details", ""))[:SAID_CHARS_MAX],
        )
    except (IndexError, ValueError, KeyError, TypeError):
        return CheckReport(proof_system=name, passed=False, said=f"its child died: {exit_text(code)}")


# --- inside the child ------------------------------------------------------------------------------------


def main() -> None:
    """Check one proof system and say how it went."""
    import threading

    name, workdir = sys.argv[1], Path(sys.argv[2])
    enter(Room.from_text(sys.argv[3]))
    adopt_orphans()
    threading.Thread(target=_die_with_prover, daemon=True).start()
    details = ""
    try:
        system = proof_system(name)
        if not isinstance(system, SelfChecking):
            raise TypeError(f"{name} offers no self-check")
        passed, said = True, system.self_check(workdir=workdir)
    except ProofgridError as error:
        passed, said = False, without_last_words(str(error))
    except BaseException as error:  # an engine's panic is no Exception, and it is the answer
        passed, said, details = False, f"an unexpected {type(error).__name__}", str(error)
    sys.stdout.write("\n" + json.dumps({"passed": passed, "said": said, "details": details}) + "\n")
    sys.stdout.flush()
    end_orphans()
    os._exit(0)


def _die_with_prover() -> None:
    with suppress(OSError):
        os.read(0, 1)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main()
