"""What a client says of inputs that it seals: is it of this program, and does it agree with itself?

Commitments and hashes are the client's word until the proofs come: here they have the right form, and are the same
wherever the same tensor is meant. So proofs that fit the facts make a whole that fits the statement.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import BadProof
from proofgrid.proofs.base import JobDraft, NormalisedRequest, Program, ProgramFiles
from proofgrid.proofs.systems.ezkl.engine import COMMITMENT_BYTES
from proofgrid.proofs.systems.ezkl.layout import FORMAT_1, Layout, layout_of
from proofgrid.proofs.systems.ezkl.proving.saying import ShownTensor, commitments_in, read_statement
from proofgrid.proofs.systems.ezkl.proving.verify import is_hashes, is_integers
from proofgrid.proofs.systems.ezkl.settings import COMMITTED, HASHED, PUBLIC

_FACTS = frozenset(
    ("public_input", "input_hashes", "public_output", "output_hashes", "input_commitment", "output_commitment")
)
_HEX = frozenset("0123456789abcdef")


def shows_inputs(program: Program) -> str:
    """Return why sealing hides nothing; empty: it hides something."""
    layout = layout_of(program)
    if layout.input_visibility == PUBLIC:
        return "the program shows all its inputs, and they stand in every bundle: build it with input_visibility"
    if layout.format == FORMAT_1:
        return "programs of format 1 say too little of their inputs: register the model again"
    return ""


def check_told(files: ProgramFiles, told: NormalisedRequest) -> None:
    """Do what SealsInputs.check_told promises."""
    layout = layout_of(files.program)
    statement = read_statement(layout, told.statement)
    if len(statement) * layout.slices != len(told.jobs):
        raise BadProof("the statement is about another number of inputs", field="statement")
    for index, shown in enumerate(statement):
        _check_input(layout, shown, told.jobs[index * layout.slices : (index + 1) * layout.slices])


def _check_input(layout: Layout, shown: Sequence[ShownTensor], jobs: Sequence[JobDraft]) -> None:
    for position, job in enumerate(jobs):
        _check_form(layout, position, job.facts)
    first = jobs[0].facts
    public = [integer for tensor in shown for integer in tensor.integers]
    if first["public_input"] != public or any(job.facts["public_input"] for job in jobs[1:]):
        raise BadProof("the facts show other inputs than the statement", field="facts.public_input")
    head = first["input_commitment"]
    commitments = commitments_in(head if isinstance(head, str) else None)
    if layout.input_visibility == COMMITTED and commitments != [tensor.commitment for tensor in shown]:
        raise BadProof("the facts commit to other inputs than the statement", field="facts.input_commitment")
    if layout.input_visibility == HASHED and first["input_hashes"] != [tensor.hash for tensor in shown]:
        raise BadProof("the facts have other hashes than the statement", field="facts.input_hashes")
    for before, after in pairwise(jobs):
        if before.facts["output_commitment"] != after.facts["input_commitment"]:
            raise BadProof("a slice begins with another tensor than the one before it leaves", field="facts")


def _check_form(layout: Layout, position: int, facts: Mapping[str, Json]) -> None:
    if set(facts) != _FACTS:
        raise BadProof("the facts are not those of a slice", field="facts")
    if not all(is_integers(facts[name]) for name in ("public_input", "public_output")):
        raise BadProof("public values are lists of integers", field="facts")
    if not all(is_hashes(facts[name]) for name in ("input_hashes", "output_hashes")):
        raise BadProof("hashes are lists of field elements", field="facts")
    for name, count in (
        ("input_commitment", layout.committed_inputs_of(position)),
        ("output_commitment", layout.committed_outputs_of(position)),
    ):
        _check_commitment(facts[name], count, field=f"facts.{name}")
    hashed_inputs = len(layout.inputs) if position == 0 and layout.input_visibility == HASHED else 0
    is_last = position == layout.slices - 1
    hashed_outputs = len(layout.outputs) if is_last and layout.output_visibility == HASHED else 0
    shown = sum(tensor.elements for tensor in layout.outputs) if is_last and layout.output_visibility == PUBLIC else 0
    for name, count in (("input_hashes", hashed_inputs), ("output_hashes", hashed_outputs), ("public_output", shown)):
        values = facts[name]
        if not isinstance(values, list) or len(values) != count:
            raise BadProof(f"slice {position} has {count} of these", field=f"facts.{name}")


def _check_commitment(value: Json, count: int, *, field: str) -> None:
    if count == 0 and value is None:
        return
    digits = 2 * COMMITMENT_BYTES * count
    if not isinstance(value, str) or not count or len(value) != digits or not set(value) <= _HEX:
        raise BadProof(f"{count} commitments of {COMMITMENT_BYTES} bytes, in hex", field=field)
