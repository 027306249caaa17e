"""Bundles for contracts: what verifies their proofs on a chain, and the calls that do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import InvalidField
from proofgrid.proofs.base import PartialProof, ProgramFiles
from proofgrid.proofs.bundles.bundle import DEFAULT_LIMITS, Workbench, parts_of, read_bundle, verify_bundle
from proofgrid.proofs.bundles.container import open_container
from proofgrid.proofs.bundles.manifest import Manifest
from proofgrid.proofs.kit.workdirs import empty_folders
from proofgrid.proofs.offers import Contract, ContractCall, WritesContract
from proofgrid.proofs.registry import proof_system


@dataclass(frozen=True, slots=True)
class PlacedCall:
    """A call, and which proof of the bundle it is."""

    input_index: int
    slice_index: int
    call: ContractCall


def writer_of(system: str) -> WritesContract:
    """Return a proof system that writes contracts; raise InvalidField for one that does not."""
    chosen = proof_system(system)
    if not isinstance(chosen, WritesContract):
        raise InvalidField(
            f"no contract verifies proofs of {system}",
            field="system",
            hint="`proofgrid verify` checks its bundles anywhere",
        )
    return chosen


def contracts_in(bundle: Path, *, expect_program: str | None, workdir: Path) -> list[Contract]:
    """Verify a bundle and return the contracts for its program; raises what verify_bundle and `contracts` raise."""
    _, files, _ = _verified(bundle, expect_program, workdir)
    return writer_of(files.program.proof_system).contracts(files, workdir=workdir / "contracts")


def calls_in(bundle: Path, *, expect_program: str | None, workdir: Path) -> list[PlacedCall]:
    """Verify a bundle and return a call for each of its proofs; raises what verify_bundle and `contracts` raise."""
    manifest, files, parts = _verified(bundle, expect_program, workdir)
    writer = writer_of(manifest.program.proof_system)
    calls = writer.contract_calls(files, manifest.statement, parts, workdir=workdir / "calls")
    return [PlacedCall(part.input_index, part.slice_index, call) for part, call in zip(parts, calls, strict=True)]


def spell_call(
    name: str, files: ProgramFiles, statement: Mapping[str, Json], parts: list[PartialProof], scratch: Path
) -> str:
    """Return the call of the one proof of a task, as hex digits after 0x; for workers. The proof was verified.

    Raises InvalidField for several proofs, and for one that no contract takes.
    """
    if len(parts) != 1:
        raise InvalidField(f"a contract takes one proof, the task has {len(parts)}", field="deliver")
    writer = writer_of(name)
    with empty_folders(scratch) as workdirs:
        [call] = writer.contract_calls(files, statement, parts, workdir=workdirs.next())
    return call.calldata


def _verified(
    bundle: Path, expect_program: str | None, workdir: Path
) -> tuple[Manifest, ProgramFiles, list[PartialProof]]:
    writer_of(read_bundle(bundle).manifest.program.proof_system)  # before a long verification
    bench = Workbench(workdir)
    manifest = verify_bundle(bundle, expect_program=expect_program, workdir=bench).manifest
    if manifest.wrapped is not None:
        raise InvalidField(
            "its proofs are inside one proof, which is of another circuit than the program's",
            field="bundle",
            hint="submit without one_proof to get a proof for each input",
        )
    with open_container(bundle, DEFAULT_LIMITS) as container:
        return manifest, bench.extract(container, manifest.program), parts_of(container, manifest)
