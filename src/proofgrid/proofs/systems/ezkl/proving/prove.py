"""Proves one slice: a witness, checked; proving key (derived once, then cached); proof; a look before handing it in."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from pathlib import Path

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.digests import digest_of_file
from proofgrid.primitives.errors import BadProof, InvalidInput, InvalidProgram
from proofgrid.proofs.base import JobOutput, ProgramFiles, Report
from proofgrid.proofs.kit.keys import derived_once
from proofgrid.proofs.kit.looking import prove_then_look
from proofgrid.proofs.systems.ezkl import engine
from proofgrid.proofs.systems.ezkl.felts import INTEGER_BITS_MAX
from proofgrid.proofs.systems.ezkl.identity import slice_file
from proofgrid.proofs.systems.ezkl.layout import Layout, layout_of, split
from proofgrid.proofs.systems.ezkl.proving.verify import claim_of, instances_of, proves, public_of, shown_by


def run_job(
    files: ProgramFiles, slice_index: int, job_input: bytes, *, cache: Path, workdir: Path, report: Report
) -> JobOutput:
    """Do what ProofSystem.run_job promises."""
    integers = _integers_of(job_input)
    workdir.mkdir(parents=True, exist_ok=True)
    layout = layout_of(files.program)
    inputs = _tensors_of(integers, layout, slice_index)
    shown = public_of(layout, inputs) if slice_index == 0 else []
    hashes: list[str] = []

    def prove() -> JobOutput:
        proof, witness = _proven(files, slice_index, inputs, cache, workdir, report)
        hashes[:] = witness.input_hashes
        return JobOutput(proof=proof, public=shown_by(layout, slice_index, witness).json())

    def look(output: JobOutput) -> None:
        public = instances_of(layout, shown, hashes, claim_of(output))
        if not proves(files, slice_index, output.proof, public, workdir=workdir):
            raise BadProof

    output = prove_then_look(prove, look, what=f"slice {slice_index}")
    report("prove", 1000)
    return output


def can_be_proven(files: ProgramFiles, slice_index: int, job_input: bytes, *, workdir: Path) -> bool | None:
    """Return whether a proof of the job exists: what `run_job` looks at before it derives a key. None: not told."""
    workdir.mkdir(parents=True, exist_ok=True)
    compiled, settings = (files.path(slice_file(slice_index, name)) for name in ("compiled", "settings"))
    try:
        inputs = _tensors_of(_integers_of(job_input), layout_of(files.program), slice_index)
        engine.witness_of(inputs, compiled, workdir=workdir, settings=settings)
    except engine.Unsatisfied:
        return False
    except (engine.EngineFailed, InvalidInput):
        return None  # it was accepted with a witness: a full disk is no property of the input
    return True


def _proven(
    files: ProgramFiles, slice_index: int, inputs: engine.Tensors, cache: Path, workdir: Path, report: Report
) -> tuple[bytes, engine.Witness]:
    """Return the proof, and what the slice puts out."""
    compiled, settings = (files.path(slice_file(slice_index, name)) for name in ("compiled", "settings"))
    witness_file = workdir / "witness"
    try:
        report("witness", 0)
        # Checked, and before the key is derived: proving what has no proof can take the engine for ever.
        witness = engine.witness_of(inputs, compiled, workdir=workdir, target=witness_file, settings=settings)
        report("key", 50)
        with _proving_key(files, slice_index, cache, workdir) as proving_key:
            report("prove", 450)
            return _prove(files, slice_index, proving_key, witness_file, workdir), witness
    except engine.EngineFailed as reason:
        raise InvalidProgram(f"ezkl cannot prove slice {slice_index}: {reason}") from None


def _tensors_of(integers: list[int], layout: Layout, slice_index: int) -> list[list[int]]:
    if slice_index > 0:
        return [integers]
    try:
        return split(integers, layout.inputs)
    except ValueError:
        raise InvalidInput("the job's input has another size than the program's", field="job_input") from None


def _integers_of(job_input: bytes) -> list[int]:
    try:
        integers = json.loads(job_input)["integers"]
    except (ValueError, KeyError, TypeError, RecursionError):
        integers = None
    if not isinstance(integers, list) or not all(_is_small(integer) for integer in integers):
        raise InvalidInput("the job's input is no list of integers", field="job_input")
    return integers


def _is_small(value: Json) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value.bit_length() <= 2 * INTEGER_BITS_MAX


def _proving_key(files: ProgramFiles, slice_index: int, cache: Path, workdir: Path) -> AbstractContextManager[Path]:
    """Yield the slice's proving key, derived from its circuit if no earlier job left it in the cache."""
    verifying_key = digest_of_file(files.path(slice_file(slice_index, "vk")))

    def derive(target: Path) -> None:
        compiled, own_vk = files.path(slice_file(slice_index, "compiled")), workdir / "own.vk"
        engine.run("setup", str(compiled), str(own_vk), str(target), srs_path=str(files.path("srs")))
        if digest_of_file(own_vk) != verifying_key:
            raise InvalidProgram(f"the circuit of slice {slice_index} does not have the program's verifying key")

    return derived_once(cache, f"{verifying_key}.pk", derive)


def _prove(files: ProgramFiles, slice_index: int, key: Path, witness: Path, workdir: Path) -> bytes:
    target = workdir / "proof"
    compiled = files.path(slice_file(slice_index, "compiled"))
    engine.run("prove", str(witness), str(compiled), str(key), str(target), srs_path=str(files.path("srs")))
    return bytes(json.loads(target.read_text(encoding="utf-8"))["proof"])
