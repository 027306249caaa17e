"""Contracts that verify a program's proofs on a chain, one for each slice, and the calls of them.

    verifyProof(proof, instances)
        proof       as it stands in a bundle, the commitments of `verify` at its head
        instances   the public values of the slice, as `verify.instances_of` has them

The engine makes every proof over Keccak, as contracts want it, so all programs have contracts, those of long ago too.
A contract of a slice sees no other. Whether neighbours commit to the same tensor is for whoever calls them to compare.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import BadProof, InvalidField
from proofgrid.proofs.base import PartialProof, ProgramFiles
from proofgrid.proofs.kit.contract_calls import call_of
from proofgrid.proofs.kit.engine import EngineFailed, EngineLimits, run_engine
from proofgrid.proofs.kit.files import require
from proofgrid.proofs.offers import Contract, ContractCall
from proofgrid.proofs.systems.ezkl.felts import value_of
from proofgrid.proofs.systems.ezkl.identity import VERIFIER_SRS
from proofgrid.proofs.systems.ezkl.layout import layout_of
from proofgrid.proofs.systems.ezkl.proving import contract_source
from proofgrid.proofs.systems.ezkl.proving.saying import read_statement
from proofgrid.proofs.systems.ezkl.proving.verify import claim_of, slice_files
from proofgrid.proofs.systems.ezkl.proving.whole import public_values

FUNCTION = "verifyProof(bytes,uint256[])"  #: answers true, or reverts
NAME = "Halo2Verifier"  #: the engine's own, for any slice of any program; ours says which slice

#: A chain takes 24,576 bytes of code (EIP-170). A compiler makes them of 110 to 125 kB of source, measured on nine
#: kinds of models; what is certain to be too large is refused, and of what is close the compiler tells.
SOURCE_BYTES_MAX = 128_000

_HEAD = f"contract {NAME} {{"
_LIMITS = EngineLimits(timeout_seconds=600.0, memory_bytes=8 << 30, file_bytes_max=64 << 20)


def contracts(files: ProgramFiles, *, workdir: Path) -> list[Contract]:
    """Do what WritesContract.contracts promises."""
    workdir.mkdir(parents=True, exist_ok=True)
    return [_contract(files, index, workdir) for index in range(layout_of(files.program).slices)]


def contract_calls(
    files: ProgramFiles, statement: Mapping[str, Json], parts: list[PartialProof], *, workdir: Path
) -> list[ContractCall]:
    """Do what WritesContract.contract_calls promises; the engine is not asked."""
    del workdir
    layout = layout_of(files.program)
    inputs = read_statement(layout, statement)
    calls = []
    for part in parts:
        if not (0 <= part.input_index < len(inputs) and 0 <= part.slice_index < layout.slices):
            raise BadProof("the proof is of no input or slice of the request")
        shown = inputs[part.input_index] if part.slice_index == 0 else []
        public = public_values(layout, shown, claim_of(part.output))
        calls.append(call_of(FUNCTION, part.output.proof, [value_of(felt) for felt in public]))
    return calls


def _contract(files: ProgramFiles, index: int, workdir: Path) -> Contract:
    require(files, VERIFIER_SRS, *slice_files(index))
    settings, key = (files.path(name).absolute() for name in slice_files(index))
    with tempfile.TemporaryDirectory(dir=workdir) as scratch:
        target = (Path(scratch) / "contract.sol").absolute()
        asked = [str(path) for path in (key, settings, files.path(VERIFIER_SRS).absolute(), target)]
        python = [sys.executable, "-P", "-m", contract_source.__name__]
        try:
            run_engine(["env", *contract_source.HOMELESS, *python, *asked], limits=_LIMITS, workdir=Path(scratch))
            source = target.read_text(encoding="utf-8")
        except (EngineFailed, OSError) as reason:
            raise InvalidField(f"the engine writes no contract for slice {index}: {reason}", field="program") from None
    if source.count(_HEAD) != 1:
        raise InvalidField(f"the engine writes another contract for slice {index} than is known", field="program")
    if len(source) > SOURCE_BYTES_MAX:
        raise InvalidField(
            f"the contract of slice {index} has more code than a chain takes, which is 24,576 bytes",
            field="program",
            hint="cut the model into more slices: code grows with the kinds of operators in a slice",
        )
    return Contract(name=f"{NAME}{index}", source=source.replace(_HEAD, f"contract {NAME}{index} {{"))
