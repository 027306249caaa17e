"""Is this the proof that was asked for? One proof against what the gateway knows, or a whole against public data.

proof of slice 0      proof of slice 1      proof of slice 2         the bytes at the head of each proof:
[ out | ......... ]   [ in | out | .... ]   [ in | ........... ]     commitments to the tensors that cross
   `------ equal ------'      `------ equal ----'
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeGuard

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import BadProof, InvalidField
from proofgrid.proofs.base import JobOutput, ProgramFiles
from proofgrid.proofs.kit.files import require
from proofgrid.proofs.systems.ezkl import engine
from proofgrid.proofs.systems.ezkl.engine import COMMITMENT_BYTES
from proofgrid.proofs.systems.ezkl.felts import is_felt, to_felt
from proofgrid.proofs.systems.ezkl.identity import VERIFIER_SRS, slice_file
from proofgrid.proofs.systems.ezkl.layout import Layout, layout_of
from proofgrid.proofs.systems.ezkl.settings import PUBLIC

PROOF_BYTES_MAX = 16 << 20

# A proof's length is a constant of its circuit. Learnt from the first proof, by (settings, verifying key).
_proof_lengths: dict[tuple[str, ...], int] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The commitments at the head of a proof; those of several tensors follow each other."""

    input_commitment: str | None
    output_commitment: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a proof shows of a slice's outputs: their integers, or hashes of them, tensor by tensor; or neither."""

    outputs: list[int] = field(default_factory=list)
    hashes: tuple[str, ...] = ()

    def json(self) -> dict[str, Json]:
        """Return it as it comes with a proof."""
        if self.hashes:
            return {"hashes": list(self.hashes)}
        return {"outputs": self.outputs} if self.outputs else {}


def public_of(layout: Layout, inputs: engine.Tensors) -> list[int]:
    """Return the elements of those tensors, of all that go into the program, that are public."""
    pairs = zip(layout.inputs, inputs, strict=True)
    return [integer for tensor, integers in pairs if tensor.visibility == PUBLIC for integer in integers]


def shown_by(layout: Layout, slice_index: int, witness: engine.Witness) -> Claim:
    """Return what the right proof of a slice shows of its outputs: nothing, unless it is the last."""
    if slice_index < layout.slices - 1:
        return Claim()
    if layout.output_visibility == PUBLIC:
        own = witness.outputs[: len(layout.outputs)]
        return Claim(outputs=[integer for tensor in own for integer in tensor])
    return Claim(hashes=witness.output_hashes)


def verify_partial(
    files: ProgramFiles, slice_index: int, facts: Mapping[str, Json], output: JobOutput, *, workdir: Path
) -> None:
    """Do what ProofSystem.verify_partial promises."""
    layout = layout_of(files.program)
    expected = Claim(outputs=_known(facts, "public_output"), hashes=_known_hashes(facts, "output_hashes"))
    if claim_of(output) != expected:
        raise BadProof(f"the outputs claimed with slice {slice_index} are not what the program computes")
    head = head_of(layout, slice_index, output.proof)
    for name in ("input_commitment", "output_commitment"):
        if getattr(head, name) != facts[name]:
            raise BadProof(f"the proof's {name.replace('_', ' ')} is to another tensor than this job's")
    shown, hashes = _known(facts, "public_input"), _known_hashes(facts, "input_hashes")
    instances = instances_of(layout, shown, hashes, expected)
    check_proof(files, slice_index, output.proof, instances, workdir=workdir)


def _known(facts: Mapping[str, Json], name: str) -> list[int]:
    integers = facts[name]
    if not is_integers(integers):
        raise InvalidField("the job's facts are no list of integers", field=f"facts.{name}")
    return integers


def _known_hashes(facts: Mapping[str, Json], name: str) -> tuple[str, ...]:
    hashes = facts.get(name, [])  # facts of format 1 have none
    if not is_hashes(hashes):
        raise InvalidField("the job's facts are no list of hashes", field=f"facts.{name}")
    return tuple(hashes)


def instances_of(layout: Layout, shown: Sequence[int], hashes: Sequence[str], claim: Claim) -> list[str]:
    """Return the public values of a slice's proof, in the engine's order.

    `shown`: the public inputs; `hashes`: those of its inputs. Public inputs beside hidden ones come after the outputs.
    """
    felts = [to_felt(integer) for integer in shown]
    before, after = ([], felts) if layout.shown_again else (felts, [])
    return [*hashes, *before, *(to_felt(integer) for integer in claim.outputs), *claim.hashes, *after]


def head_of(layout: Layout, slice_index: int, proof: bytes) -> Head:
    """Return the commitments that a proof of this slice begins with; raise BadProof when it is too short."""
    inputs_end = COMMITMENT_BYTES * layout.committed_inputs_of(slice_index)
    outputs_end = inputs_end + COMMITMENT_BYTES * layout.committed_outputs_of(slice_index)
    if not outputs_end < len(proof) <= PROOF_BYTES_MAX:
        raise BadProof(f"{len(proof)} bytes are no proof of slice {slice_index}")
    return Head(
        input_commitment=proof[:inputs_end].hex() or None,
        output_commitment=proof[inputs_end:outputs_end].hex() or None,
    )


def check_proof(files: ProgramFiles, slice_index: int, proof: bytes, public: list[str], *, workdir: Path) -> None:
    """Raise BadProof unless the proof verifies for exactly these public values and ends where it should."""
    require(files, VERIFIER_SRS, *slice_files(slice_index))
    workdir.mkdir(parents=True, exist_ok=True)

    def verifies(candidate: bytes) -> bool:
        return proves(files, slice_index, candidate, public, workdir=workdir)

    circuit = tuple(files.program.files[name] for name in slice_files(slice_index))
    known_length = _proof_lengths.get(circuit)
    if known_length not in (None, len(proof)):
        raise BadProof(f"a proof of slice {slice_index} has {known_length} bytes, this one has {len(proof)}")
    if not verifies(proof):
        raise BadProof(f"the proof of slice {slice_index} does not verify")
    if known_length is None:
        # The engine ignores bytes after a proof. If it is satisfied with one byte less, the last one is such a byte.
        if verifies(proof[:-1]):
            raise BadProof(f"the proof of slice {slice_index} is followed by bytes that do not belong to it")
        _proof_lengths[circuit] = len(proof)


def proves(files: ProgramFiles, slice_index: int, proof: bytes, public: list[str], *, workdir: Path) -> bool:
    """Return whether the proof verifies for exactly these public values; bytes that follow it are not noticed."""
    settings, vk = (files.path(name) for name in slice_files(slice_index))
    srs = files.path(VERIFIER_SRS)
    return engine.verifies(proof, public, settings=settings, vk=vk, srs=srs, workdir=workdir)


def slice_files(slice_index: int) -> tuple[str, str]:
    """Return the names of what, besides the reference string, verifies a slice: settings and verifying key."""
    return slice_file(slice_index, "settings"), slice_file(slice_index, "vk")


def claim_of(output: JobOutput) -> Claim:
    """Return what a prover claims that its slice puts out; raise BadProof when it is malformed."""
    public = output.public
    if set(public) == {"hashes"} and is_hashes(hashes := public["hashes"]):
        return Claim(hashes=tuple(hashes))
    outputs = public.get("outputs", [])
    if not set(public) <= {"outputs"} or not is_integers(outputs):
        raise BadProof("the claimed outputs are no list of integers")
    return Claim(outputs=list(outputs))


def is_hashes(value: Json) -> TypeGuard[list[str]]:
    """Return whether `value` is a list of field elements, as the engine spells them."""
    return isinstance(value, list) and all(is_felt(item) for item in value)


def is_integers(value: Json) -> TypeGuard[list[int]]:
    """Return whether `value` is a list of integers, booleans not among them, that a field element can stand for."""
    return isinstance(value, list) and all(type(item) is int and item.bit_length() < 250 for item in value)
