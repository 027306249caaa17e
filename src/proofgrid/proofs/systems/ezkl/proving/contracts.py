"""Contracts that verify a program's proofs on a chain, one for each slice, and the calls of them.

    verifyProof(proof, instances)          the key is in the contract
    verifyProof(proof, instances, key)     where that has more code than a chain takes
        proof       as it stands in a bundle, the commitments of `verify` at its head
        instances   the public values of the slice, as `verify.instances_of` has them
        key         words that the contract knows the digest of

The engine makes every proof over Keccak, as contracts want it, so all programs have contracts, those of long ago too.
A contract of a slice sees no other. Whether neighbours commit to the same tensor is for `contract_of_slices` to see.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from eth_hash.auto import keccak

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
from proofgrid.proofs.systems.ezkl.proving.contract_text import OtherText, keyed_contract, whole_contract
from proofgrid.proofs.systems.ezkl.proving.saying import read_statement
from proofgrid.proofs.systems.ezkl.proving.verify import claim_of, slice_files
from proofgrid.proofs.systems.ezkl.proving.whole import public_values

FUNCTION = "verifyProof(bytes,uint256[])"  #: answers true, or reverts
KEYED_FUNCTION = "verifyProof(bytes,uint256[],bytes32[])"

#: A chain takes 24,576 bytes of code (EIP-170). Compilers make code of a fifth of the source, measured on eight kinds
#: of circuits: 115,000 bytes of source are sure to fit.
SOURCE_BYTES_MAX = 115_000

_LIMITS = EngineLimits(timeout_seconds=600.0, memory_bytes=8 << 30, file_bytes_max=64 << 20)
_WORD = 32
_COUNT_BYTES = 8  #: little-endian, before the words of a key


@dataclass(frozen=True, slots=True)
class _Written:
    """What the engine writes of a slice."""

    text: str
    key: bytes  #: empty where it is in the text

    @property
    def words(self) -> list[int]:
        return [int.from_bytes(self.key[at : at + _WORD], "big") for at in range(0, len(self.key), _WORD)]


def contracts(files: ProgramFiles, *, workdir: Path) -> list[Contract]:
    """Do what WritesContract.contracts promises."""
    return [_contract(files, index, workdir) for index in range(layout_of(files.program).slices)]


def contract_calls(
    files: ProgramFiles, statement: Mapping[str, Json], parts: list[PartialProof], *, workdir: Path
) -> list[ContractCall]:
    """Do what WritesContract.contract_calls promises."""
    layout = layout_of(files.program)
    inputs = read_statement(layout, statement)
    if not all(0 <= part.input_index < len(inputs) and 0 <= part.slice_index < layout.slices for part in parts):
        raise BadProof("a proof is of no input or slice of the request")
    keys = {index: _written(files, index, workdir).words for index in {part.slice_index for part in parts}}
    calls = []
    for part in parts:
        shown = inputs[part.input_index] if part.slice_index == 0 else []
        public = [value_of(felt) for felt in public_values(layout, shown, claim_of(part.output))]
        if key := keys[part.slice_index]:
            calls.append(call_of(KEYED_FUNCTION, part.output.proof, public, key))
        else:
            calls.append(call_of(FUNCTION, part.output.proof, public))
    return calls


def _contract(files: ProgramFiles, index: int, workdir: Path) -> Contract:
    written = _written(files, index, workdir)
    try:
        if written.key:
            return keyed_contract(written.text, index, keccak(written.key))
        return whole_contract(written.text, index)
    except OtherText:
        raise InvalidField(
            f"the engine writes another contract for slice {index} than is known", field="program"
        ) from None


def _written(files: ProgramFiles, index: int, workdir: Path) -> _Written:
    require(files, VERIFIER_SRS, *slice_files(index))
    workdir.mkdir(parents=True, exist_ok=True)
    settings, key, srs = (files.path(name).absolute() for name in (*slice_files(index), VERIFIER_SRS))
    with tempfile.TemporaryDirectory(dir=workdir) as scratch:
        target = (Path(scratch) / "contract.sol").absolute()
        asked = [str(word) for word in (key, settings, srs, target, SOURCE_BYTES_MAX)]
        python = [sys.executable, "-P", "-m", contract_source.__name__]
        try:
            run_engine(["env", *contract_source.HOMELESS, *python, *asked], limits=_LIMITS, workdir=Path(scratch))
            keyed = target.with_name(target.name + contract_source.KEYED)
            if not keyed.is_file():
                return _Written(target.read_text(encoding="utf-8"), b"")
            content = target.with_name(target.name + contract_source.KEY).read_bytes()
            return _Written(keyed.read_text(encoding="utf-8"), _key_in(content, index))
        except (EngineFailed, OSError, UnicodeError) as reason:
            raise InvalidField(f"the engine writes no contract for slice {index}: {reason}", field="program") from None


def _key_in(content: bytes, index: int) -> bytes:
    """Return the words of a key out of the engine's file."""
    words, count = content[_COUNT_BYTES:], int.from_bytes(content[:_COUNT_BYTES], "little")
    if not words or len(words) != count * _WORD:
        raise InvalidField(f"the engine writes another key for slice {index} than is known", field="program")
    return words
