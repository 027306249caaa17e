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
from proofgrid.proofs.offers import Contract, ContractCall, WritesContract, WritesContractOfOneProof
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
    """Verify a bundle and return the contracts for its proofs; raises what verify_bundle and `contracts` raise."""
    manifest, files, _ = _verified(bundle, expect_program, workdir)
    writer = writer_of(files.program.proof_system)
    if manifest.wrapped is not None:
        return [_of_one_proof(writer).contract_of_one_proof(files, workdir=workdir / "contracts")]
    return writer.contracts(files, workdir=workdir / "contracts")


def contracts_of(files: ProgramFiles, *, workdir: Path) -> list[Contract]:
    """Return the contracts for a program: one per slice, then one for the one proof of a request, where it makes such.

    Raises InvalidField where its system writes none, and for proofs that no contract can verify.
    """
    writer = writer_of(files.program.proof_system)
    contracts = writer.contracts(files, workdir=workdir)
    if files.program.wraps and isinstance(writer, WritesContractOfOneProof):
        contracts.append(writer.contract_of_one_proof(files, workdir=workdir))
    return contracts


def calls_in(bundle: Path, *, expect_program: str | None, workdir: Path) -> list[PlacedCall]:
    """Verify a bundle and return a call for each of its proofs; raises what verify_bundle and `contracts` raise."""
    manifest, files, parts = _verified(bundle, expect_program, workdir)
    writer = writer_of(manifest.program.proof_system)
    if manifest.wrapped is not None:
        [one] = parts
        said = (files, manifest.statement, manifest.result, one)
        call = _of_one_proof(writer).call_of_one_proof(*said, workdir=workdir / "calls")
        return [PlacedCall(one.input_index, one.slice_index, call)]
    calls = writer.contract_calls(files, manifest.statement, parts, workdir=workdir / "calls")
    return [PlacedCall(part.input_index, part.slice_index, call) for part, call in zip(parts, calls, strict=True)]


def spell_call(
    name: str, files: ProgramFiles, statement: Mapping[str, Json], parts: list[PartialProof], scratch: Path
) -> str:
    """Return the call of the one proof of a task, as hex digits after 0x; for workers. The proof was verified.

    Raises InvalidField for several proofs, and for one that no contract takes.
    """
    writer = writer_of(name)
    wraps = [part for part in parts if files.program.is_wrap(part.slice_index)]
    if len(wraps or parts) != 1:
        raise InvalidField(f"a contract takes one proof, the task has {len(parts)}", field="deliver")
    with empty_folders(scratch) as workdirs:
        if wraps:
            result = proof_system(name).combine(files, statement, parts, workdir=workdirs.next())
            said = (files, statement, result, wraps[0])
            return _of_one_proof(writer).call_of_one_proof(*said, workdir=workdirs.next()).calldata
        [call] = writer.contract_calls(files, statement, parts, workdir=workdirs.next())
    return call.calldata


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
