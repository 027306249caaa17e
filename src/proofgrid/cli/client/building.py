"""A program built in a process of its own, as by a gateway: what an engine prints or does to itself stays there."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path

from proofgrid.cli.kit.bars import OnStage
from proofgrid.cli.kit.failures import DEBUG_VARIABLE
from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import InvalidField, InvalidProgram, Recoverable
from proofgrid.primitives.turns import Urgency
from proofgrid.proofs import workers as in_worker
from proofgrid.proofs.base import ProgramFiles
from proofgrid.proofs.registry import proof_system
from proofgrid.proofs.setup import FindsRoot, TrustRoots, setups_of
from proofgrid.proofs.workers import ProofWorkers

_A_WEEK_SECONDS = 7 * 86_400.0
_LOOK_SECONDS = 0.1


def trust_for(system: str, given: Path | None) -> TrustRoots:
    """Return the trust roots that a system's programs rest on: what was given, or what the machine has anyway."""
    trust: dict[str, Path] = {}
    for setup in setups_of(proof_system(system)):
        root = setup.find() if given is None and isinstance(setup, FindsRoot) else given
        if root is not None:
            trust[setup.kind] = root.absolute()
        elif not isinstance(setup, FindsRoot):  # which says itself what gets one, when it builds
            raise InvalidField(f"programs of {system} rest on an SRS", field="srs", hint="proofgrid srs get --out DIR")
    return trust


async def build_apart(
    system: str,
    source: Mapping[str, Path],
    settings: Mapping[str, Json],
    trust: TrustRoots,
    workdir: Path,
    scratch: Path,
    on_stage: OnStage,
) -> ProgramFiles:
    """Build a program; raises what the proof system raises, and InvalidProgram when its engine dies of it."""
    debug = os.environ.get(DEBUG_VARIABLE) == "1"
    complaints = None if debug else scratch / "complaints"
    workers = ProofWorkers(1, threads_each=os.cpu_count() or 1, complaints=complaints)
    try:
        call = workers.call(
            in_worker.build_program,
            system,
            source,
            settings,
            trust,
            workdir,
            timeout_seconds=_A_WEEK_SECONDS,
            urgency=Urgency.BUILDING,
        )
        building = asyncio.ensure_future(call)
        async for stage, permille in in_worker.progress_of(building, workdir, every_seconds=_LOOK_SECONDS):
            on_stage(stage, permille)
        return building.result()
    except Recoverable as error:
        raise InvalidProgram(
            f"the proof system failed on this program: {error.detail}",
            field="model",
            hint=f"it may be too large for this machine; {DEBUG_VARIABLE}=1 shows what the engine says",
        ) from error
    finally:
        await workers.close()
        (workdir / in_worker.PROGRESS_FILE).unlink(missing_ok=True)
