"""Bundles for contracts: what verifies their proofs on a chain, and the calls that do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeGuard

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import InvalidField
from proofgrid.proofs.base import PartialProof, ProgramFiles
from proofgrid.proofs.bundles.bundle import DEFAULT_LIMITS, Workbench, parts_of, read_bundle, verify_bundle
from proofgrid.proofs.bundles.container import open_container
from proofgrid.proofs.bundles.manifest import Manifest
from proofgrid.proofs.kit.workdirs import empty_folders
from proofgrid.proofs.offers import (
    Contract,
    ContractCall,
    WritesContract,
    WritesContractOfOneProof,
    WritesContractOfSlices,
)
from proofgrid.proofs.registry import proof_system


@dataclass(frozen=True, slots=True)
class PlacedCall:
    """A call, and which proof of the bundle it is; of all slices together where it is of none."""

    input_index: int | None
    slice_index: int | None
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
    """Verify a bundle and return the contracts for its proofs; raises what verify_bundle and `contracts` raise."""
    manifest, files, _ = _verified(bundle, expect_program, workdir)
    writer = writer_of(files.program.proof_system)
    if manifest.wrapped is not None:
        return [_of_one_proof(writer).contract_of_one_proof(files, workdir=workdir / "contracts")]
    return _of_slices(writer, files, workdir / "contracts")


def contracts_of(files: ProgramFiles, *, workdir: Path) -> list[Contract]:
    """Return the contracts for a program, each only where it has such.

    One per slice, one that holds those of several slices together, and one for the one proof of a request.

    Raises InvalidField where its system writes none, and for proofs that no contract can verify.
    """
    writer = writer_of(files.program.proof_system)
    contracts = _of_slices(writer, files, workdir)
    if files.program.wraps and isinstance(writer, WritesContractOfOneProof):
        contracts.append(writer.contract_of_one_proof(files, workdir=workdir))
    return contracts


def calls_in(bundle: Path, *, expect_program: str | None, workdir: Path) -> list[PlacedCall]:
    """Verify a bundle and return a call for each of its proofs, and one for all of several slices.

    Raises what verify_bundle and `contracts` raise.
    """
    manifest, files, parts = _verified(bundle, expect_program, workdir)
    writer = writer_of(manifest.program.proof_system)
    if manifest.wrapped is not None:
        [one] = parts
        said = (files, manifest.statement, manifest.result, one)
        call = _of_one_proof(writer).call_of_one_proof(*said, workdir=workdir / "calls")
        return [PlacedCall(one.input_index, one.slice_index, call)]
    calls = writer.contract_calls(files, manifest.statement, parts, workdir=workdir / "calls")
    placed = [PlacedCall(part.input_index, part.slice_index, call) for part, call in zip(parts, calls, strict=True)]
    if joined := _joined(writer, files, parts, calls):
        placed.append(PlacedCall(None, None, joined))
    return placed


def spell_call(
    name: str, files: ProgramFiles, statement: Mapping[str, Json], parts: list[PartialProof], scratch: Path
) -> str:
    """Return the call that a contract takes of a task, as hex digits after 0x; for workers. Its proofs were verified.

    It is that of the one proof, or of all of a program of several slices. Raises InvalidField for several proofs that
    no contract holds together, and for those that none takes.
    """
    writer = writer_of(name)
    wraps = [part for part in parts if files.program.is_wrap(part.slice_index)]
    if len(wraps or parts) != 1 and (wraps or not _has_joined(writer, files)):
        raise InvalidField(f"a contract takes one proof, the task has {len(parts)}", field="deliver")
    with empty_folders(scratch) as workdirs:
        if wraps:
            result = proof_system(name).combine(files, statement, parts, workdir=workdirs.next())
            said = (files, statement, result, wraps[0])
            return _of_one_proof(writer).call_of_one_proof(*said, workdir=workdirs.next()).calldata
        calls = writer.contract_calls(files, statement, parts, workdir=workdirs.next())
    return (_joined(writer, files, parts, calls) or calls[0]).calldata


def _of_slices(writer: WritesContract, files: ProgramFiles, workdir: Path) -> list[Contract]:
    contracts = writer.contracts(files, workdir=workdir)
    if _has_joined(writer, files):
        contracts.append(writer.contract_of_slices(files.program, contracts))
    return contracts


def _joined(
    writer: WritesContract, files: ProgramFiles, parts: list[PartialProof], calls: list[ContractCall]
) -> ContractCall | None:
    """Return the call for all proofs of a program of several slices; None where it has one, or no such contract."""
    if not _has_joined(writer, files):
        return None
    placed = sorted(zip(parts, calls, strict=True), key=lambda one: (one[0].input_index, one[0].slice_index))
    return writer.call_of_slices([call for _, call in placed])


def _has_joined(writer: WritesContract, files: ProgramFiles) -> TypeGuard[WritesContractOfSlices]:
    return len(files.program.slices) > 1 and isinstance(writer, WritesContractOfSlices)


def _of_one_proof(writer: WritesContract) -> WritesContractOfOneProof:
    if not isinstance(writer, WritesContractOfOneProof):
        raise InvalidField(
            "its proofs are inside one proof, for which its system writes no contract",
            field="bundle",
            hint="submit without --one-proof to get a proof for each input",
        )
    return writer


def _verified(
    bundle: Path, expect_program: str | None, workdir: Path
) -> tuple[Manifest, ProgramFiles, list[PartialProof]]:
    writer_of(read_bundle(bundle).manifest.program.proof_system)  # before a long verification
    bench = Workbench(workdir)
    manifest = verify_bundle(bundle, expect_program=expect_program, workdir=bench).manifest
    with open_container(bundle, DEFAULT_LIMITS) as container:
        return manifest, bench.extract(container, manifest.program), parts_of(container, manifest)
