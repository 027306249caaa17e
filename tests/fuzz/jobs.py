"""What provers are given to prove, and what programs say of themselves, as far as Python reads it.

Of a sealed request nobody between reads a job's input: what its client wrote is first read here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache
from typing import Any

from proofgrid.primitives.errors import ProofgridError
from proofgrid.proofs.base import Program, ProgramFiles, SliceSpec
from proofgrid.proofs.kit import one_proof_of_chains
from proofgrid.proofs.kit.circom import identity as of_circom
from proofgrid.proofs.kit.circom import system as circom
from proofgrid.proofs.kit.circom.curves import CURVES, curve_of
from proofgrid.proofs.kit.circom.naming import ALL_OUTPUTS, integers_in, names_of, with_signal
from proofgrid.proofs.kit.circom.signals import is_element
from proofgrid.proofs.kit.contract_calls import call_of
from proofgrid.proofs.systems.ezkl.proving import prove as ezkl
from proofgrid.proofs.systems.groth16 import one_proof as groth16
from proofgrid.proofs.systems.groth16 import wrapping
from proofgrid.proofs.systems.miden import adapter as miden
from proofgrid.proofs.systems.miden.elements import is_stack
from proofgrid.proofs.systems.noir import abi
from proofgrid.proofs.systems.noir import adapter as noir
from proofgrid.proofs.systems.sp1 import adapter as sp1
from tests.fuzz.archives import circuits

_CURVE = CURVES["bls12377"]


def take_job(data: bytes) -> None:
    """Read bytes as a job's input of every system."""
    readers: Sequence[Callable[[bytes], object]] = (
        ezkl._integers_of,
        miden._job,
        sp1._job,
        one_proof_of_chains._shown_of,
        lambda content: noir._row_of(_signature(), content),
        lambda content: circom._inputs_of(_circuit({}), content),
    )
    for read in readers:
        with suppress(ProofgridError):
            read(data)


@cache
def _signature() -> abi.Signature:
    return abi.signature_of(json.loads(circuits()[0])["abi"])


def jobs() -> list[bytes]:
    """One of each system."""
    stack = ["1"] * 16
    values: list[Any] = [
        {"integers": [1, -2, 1 << 60]},
        {"stack": stack, "step": {"advice": ["5"], "advice_map": {}, "merkle_trees": []}},
        {"stdin": "0x00", "public_values": "0x"},
        {"shown": [["1"], ["2"]]},
        {"inputs": json.loads(circuits()[0])["input"]},
        {"inputs": {"a": ["1", "2"], "b": ["3"]}},
    ]
    return [json.dumps(value).encode() for value in values]


def take_identity(data: bytes) -> None:
    """Read a value as the identity of a circuit, of a program of Miden, and public values beside it."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return
    said = value if isinstance(value, dict) else {"names": value}
    for read in (_counts, _named, _wraps, _miden, _contract):
        with suppress(ProofgridError):
            read(said)


def _circuit(said: dict[str, Any]) -> ProgramFiles:
    spec = SliceSpec(index=0, units=1, memory_bytes=1, files=())
    identity = {"curve": "bls12377", "outputs": 1, "public_inputs": 1, **said}
    program = Program(
        proof_system="groth16", identity=identity, files={}, verifying_files=(), slices=(spec,), summary={}
    )
    return ProgramFiles(program, {})


def _counts(said: dict[str, Any]) -> None:
    files = _circuit(said)
    curve_of(files.program)
    of_circom.memory_of(files.program)
    of_circom.counts_of(files)


def _named(said: dict[str, Any]) -> None:
    program = _circuit(said).program
    names_of(program, ALL_OUTPUTS)
    with suppress(ProofgridError):
        integers_in(program, _CURVE, said.get("shown"), said.get("output"))
    with_signal(said, "a", [1, 2])


def _wraps(said: dict[str, Any]) -> None:
    shape, constraints = groth16.wrap_of(_circuit(said))
    wrapping.memory_bytes(shape.curve, constraints)
    claim = one_proof_of_chains.Claim(slice_index=0, shown=said.get("shown"), claimed=said.get("output"))
    wrapping.parts_of_claims(shape, [claim])


def _miden(said: dict[str, Any]) -> None:
    files = _circuit(said)
    is_stack(said.get("shown"))
    for read in (miden._root, miden._settings):
        with suppress(ProofgridError):
            read(files)


def _contract(said: dict[str, Any]) -> None:
    shown = said.get("shown")
    numbers = [int(str(one)) for one in shown if is_element(one, _CURVE)] if isinstance(shown, list) else []
    call_of("verifyProof(bytes,uint256[])", b"proof", numbers)


def identities() -> list[bytes]:
    """Of a circuit with a table of symbols and wraps, and of a program of Miden."""
    names = {"outputs": [{"name": "out", "size": 1}], "public_inputs": [{"name": "a", "size": 1}]}
    common: dict[str, Any] = {"shown": ["1"], "output": ["2"]}
    values: list[dict[str, Any]] = [
        {**common, "curve": "bls12377", "outputs": 1, "public_inputs": 1, "constraints": 3, "names": names},
        {**common, "wrap": {"parts": 2, "constraints": 60_000}},
        {"root": "0x" + "0" * 64, "security_bits": 96, "settings": {"steps": 2}, "shown": ["1"] * 16},
    ]
    return [json.dumps(value).encode() for value in values]
