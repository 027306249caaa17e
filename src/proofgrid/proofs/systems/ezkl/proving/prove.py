"""Proves one slice: proving key (derived once, then cached), witness, proof, and a look before handing it in."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from proofgrid.primitives.digests import digest_of_file
from proofgrid.primitives.errors import BadProof, InvalidInput, InvalidProgram
from proofgrid.proofs.base import JobOutput, ProgramFiles, Report
from proofgrid.proofs.systems.ezkl import engine
from proofgrid.proofs.systems.ezkl.felts import INTEGER_BITS_MAX, to_felt
from proofgrid.proofs.systems.ezkl.identity import VERIFIER_SRS, layout_of, slice_file


def run_job(
    files: ProgramFiles, slice_index: int, job_input: bytes, *, cache: Path, workdir: Path, report: Report
) -> JobOutput:
    """Do what ProofSystem.run_job promises."""
    integers = _integers_of(job_input)
    cache.mkdir(parents=True, exist_ok=True)
    workdir.mkdir(parents=True, exist_ok=True)
    try:
        report("key", 0)
        proving_key = _proving_key(files, slice_index, cache)
        report("witness", 400)
        witness_file = workdir / "witness"
        compiled = files.path(slice_file(slice_index, "compiled"))
        felts = [to_felt(integer) for integer in integers]
        outputs = engine.outputs_of(felts, compiled, workdir=workdir, target=witness_file)
        report("prove", 450)
        proof = _prove(files, slice_index, proving_key, witness_file, workdir)
    except engine.EngineFailed as reason:
        raise InvalidProgram(f"ezkl cannot prove slice {slice_index}: {reason}") from None
    layout = layout_of(files.program)
    public_input = integers if slice_index == 0 and not layout.commits_input else []
    public_output = outputs if slice_index == layout.slices - 1 else []
    _look(files, slice_index, proof, [*public_input, *public_output], workdir)
    report("prove", 1000)
    return JobOutput(proof=proof, public={"outputs": public_output} if public_output else {})


def _integers_of(job_input: bytes) -> list[int]:
    try:
        integers = json.loads(job_input)["integers"]
    except (ValueError, KeyError, TypeError, RecursionError):
        integers = None
    if not isinstance(integers, list) or not all(_is_small(integer) for integer in integers):
        raise InvalidInput("the job's input is no list of integers", field="job_input")
    return integers


def _is_small(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value.bit_length() <= 2 * INTEGER_BITS_MAX


def _proving_key(files: ProgramFiles, slice_index: int, cache: Path) -> Path:
    """Return the slice's proving key, derived from its circuit if no earlier job left it in the cache."""
    verifying_key = digest_of_file(files.path(slice_file(slice_index, "vk")))
    key = cache / f"{verifying_key}.pk"
    if key.exists():
        return key
    with _only_one(cache / f"{verifying_key}.lock"):
        if key.exists():  # another process was faster
            return key
        compiled = files.path(slice_file(slice_index, "compiled"))
        part, own_vk = cache / f"{verifying_key}.part", cache / f"{verifying_key}.vk"
        engine.run("setup", str(compiled), str(own_vk), str(part), srs_path=str(files.path("srs")))
        if digest_of_file(own_vk) != verifying_key:
            raise InvalidProgram(f"the circuit of slice {slice_index} does not have the program's verifying key")
        own_vk.unlink()
        part.replace(key)
    return key


@contextmanager
def _only_one(path: Path) -> Iterator[None]:
    # The kernel frees the lock of a killed process; what that one left half-written is simply written over.
    with path.open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _prove(files: ProgramFiles, slice_index: int, key: Path, witness: Path, workdir: Path) -> bytes:
    target = workdir / "proof"
    compiled = files.path(slice_file(slice_index, "compiled"))
    engine.run("prove", str(witness), str(compiled), str(key), str(target), srs_path=str(files.path("srs")))
    return bytes(json.loads(target.read_text(encoding="utf-8"))["proof"])


def _look(files: ProgramFiles, slice_index: int, proof: bytes, public: list[int], workdir: Path) -> None:
    # A bad proof costs the operator money and reputation, and looking takes a hundredth of proving.
    if not engine.verifies(
        proof,
        [to_felt(integer) for integer in public],
        settings=files.path(slice_file(slice_index, "settings")),
        vk=files.path(slice_file(slice_index, "vk")),
        srs=files.path(VERIFIER_SRS),
        workdir=workdir,
    ):
        raise BadProof(f"our own proof of slice {slice_index} does not verify")
