"""The only place that calls ezkl: one function per command we use, and one kind of failure."""

from __future__ import annotations

import importlib
import json
import logging
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import Any

from proofgrid.primitives.canonical import Json
from proofgrid.proofs.kit.needs import needs_modules
from proofgrid.proofs.systems.ezkl.felts import integer_of, to_felt

needs_modules(
    "ezkl",
    "ezkl",
    "onnx",
    hint="pip install 'proofgrid[ezkl]' (ezkl has wheels for Linux x86-64, macOS and Windows); all else works without",
)
ENGINE = f"ezkl {version('ezkl')}"
Tensors = Sequence[Sequence[int]]  #: the elements of each tensor, as the circuit holds them

COMMITMENT_BYTES = 64  #: one uncompressed G1 point, big-endian: x, then y

# The engine reads keys of hundreds of megabytes and reference strings in pieces of 8 kB unless it is told otherwise;
# it asks once, when it is first used.
os.environ.setdefault("EZKL_BUF_CAPACITY", str(1 << 20))

# It reports calibration errors as tables through Python's logging, which would end in the middle of our progress.
logging.getLogger("ezkl").setLevel(logging.CRITICAL)


class Step(StrEnum):
    """What the engine is asked to do, by the name of its command."""

    SETTINGS = "gen_settings"
    CALIBRATE = "calibrate_settings"
    COMPILE = "compile_circuit"
    SETUP = "setup"
    WITNESS = "gen_witness"
    PROVE = "prove"
    VERIFY = "verify"


_DOING: dict[str, str] = {
    Step.SETTINGS: "laying out the circuit",
    Step.CALIBRATE: "calibrating the circuit: no parameters hold its values",
    Step.COMPILE: "compiling the circuit",
    Step.SETUP: "making the circuit's keys",
    Step.WITNESS: "computing the circuit's values",
    Step.PROVE: "proving",
    Step.VERIFY: "verifying a proof",
}


class EngineFailed(Exception):
    """The engine refused or panicked at a step. Callers know whose fault that is; this never leaves the system.

    Its text is a sentence of ours. `said` is the engine's own: it speaks of the engine's insides, and is for logs only.
    """

    def __init__(self, why: str, *, step: str = "", said: str = "") -> None:
        self.step = step
        self.said = said
        super().__init__(why)


def failed_at(step: str, said: str) -> EngineFailed:
    """Return the failure of a step, in our words; `said` are the engine's."""
    return EngineFailed(f"the engine fails while {_DOING.get(step, f'doing {step}')}", step=step, said=said)


class Unsatisfied(EngineFailed):
    """The forward pass went through, but no proof of it can exist; the text says which range was left, if one was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Witness:
    """A slice's forward pass: integers in and out, and the commitments that a proof of it will carry."""

    outputs: list[list[int]]  #: tensor by tensor
    input_commitment: bytes | None  #: as a proof begins with them: those of all tensors, one after the other
    output_commitment: bytes | None
    input_hashes: tuple[str, ...] = ()  #: field elements, tensor by tensor, where the circuit hashes them
    output_hashes: tuple[str, ...] = ()


def load_engine() -> Any:
    """Return the engine's module."""
    # Imported late, so that a process which only describes or registers programs never loads the engine.
    return importlib.import_module("ezkl")


def run(command: str, /, *args: Any, **options: Any) -> Any:
    """Call ezkl's `command`, such as a Step; raise EngineFailed, whatever kind of error or panic it was."""
    function: Callable[..., Any] = getattr(load_engine(), command)
    try:
        return function(*args, **options)
    except BaseException as error:
        # A Rust panic arrives as pyo3's PanicException, which is no Exception and has no importable name.
        if isinstance(error, Exception) or type(error).__name__ == "PanicException":
            raise failed_at(command, _last_line(error)) from None
        raise


def run_arguments(values: dict[str, Json]) -> Any:
    """Return ezkl's run arguments with these values."""
    arguments = load_engine().PyRunArgs()
    for name, value in values.items():
        setattr(arguments, name, value)
    return arguments


def outputs_of(inputs: Tensors, compiled: Path, *, workdir: Path, settings: Path | None = None) -> list[list[int]]:
    """Run a slice's forward pass for its outputs; with its `settings`, raise Unsatisfied when they cannot be proven."""
    return _outputs(_generate_witness(inputs, compiled, workdir, settings=settings))


def witness_of(
    inputs: Tensors,
    compiled: Path,
    *,
    workdir: Path,
    commit_with: tuple[Path, Path] | None = None,
    target: Path | None = None,
    settings: Path | None = None,
) -> Witness:
    """Run a slice's forward pass for all that its proof will show.

    Commitments need a verifying key and a reference string, `commit_with`. `target` receives the witness file that
    proving needs. With the slice's `settings` the witness is checked too: raises Unsatisfied when it can never be
    proven.
    """
    options = {} if commit_with is None else {"vk_path": str(commit_with[0]), "srs_path": str(commit_with[1])}
    found = _generate_witness(inputs, compiled, workdir, target=target, settings=settings, options=options)
    ends = [found.get("processed_inputs"), found.get("processed_outputs")]
    input_commitment, output_commitment = (_commitment(end) for end in ends)
    input_hashes, output_hashes = (tuple((end or {}).get("poseidon_hash") or ()) for end in ends)
    return Witness(
        outputs=_outputs(found),
        input_commitment=input_commitment,
        output_commitment=output_commitment,
        input_hashes=input_hashes,
        output_hashes=output_hashes,
    )


def verifies(proof: bytes, instances: list[str], *, settings: Path, vk: Path, srs: Path, workdir: Path) -> bool:
    """Return whether the proof's bytes verify for exactly these public values. Trailing bytes are NOT noticed."""
    statement = {
        "protocol": None,
        "instances": [instances],
        "proof": list(proof),
        "hex_proof": None,
        "split": None,
        "pretty_public_inputs": None,
        "timestamp": None,
        "version": None,
    }
    with tempfile.TemporaryDirectory(dir=workdir) as scratch:
        path = Path(scratch) / "proof"
        path.write_text(json.dumps(statement), encoding="utf-8")
        try:
            # reduced_srs would pick rows by the number of instances; our verifier's SRS has only one anyway.
            return bool(run("verify", str(path), str(settings), str(vk), srs_path=str(srs), reduced_srs=False))
        except EngineFailed:
            return False


def _generate_witness(
    inputs: Tensors,
    compiled: Path,
    workdir: Path,
    *,
    target: Path | None = None,
    settings: Path | None = None,
    options: Mapping[str, str] = MappingProxyType({}),
) -> Any:
    with tempfile.TemporaryDirectory(dir=workdir) as scratch:
        data = Path(scratch) / "input"
        felts = [[to_felt(integer) for integer in tensor] for tensor in inputs]
        data.write_text(json.dumps({"input_data": felts}), encoding="ascii")
        # Without a target the engine leaves the witness, which may be secret, in the current directory.
        witness = target or Path(scratch) / "witness"
        found = run("gen_witness", str(data), str(compiled), output=str(witness), **options)
        if settings is not None:
            _check_witness(found, witness, compiled, settings)
        return found


def _check_witness(found: Any, witness: Path, compiled: Path, settings: Path) -> None:
    """Try every gate, lookup and copy of the circuit on a witness; raise Unsatisfied at the first that fails.

    Costs a twentieth of proving. Less is not enough: the engine's own figures of a witness, which say how far its
    lookups reach, leave out equalities (the logarithm of 0), and tables reach a little further than they say.
    """
    try:
        run("mock", str(witness), str(compiled))
    except EngineFailed as reason:
        low, high = json.loads(settings.read_bytes())["run_args"]["lookup_range"]
        least, most = int(found["min_lookup_inputs"]), int(found["max_lookup_inputs"])
        if low <= least and most <= high:
            raise Unsatisfied("a constraint is not satisfied", said=reason.said) from None
        seen = least if least < low else most
        raise Unsatisfied(f"a lookup needs {seen}; its table holds {low} to {high}") from None


def _outputs(found: Any) -> list[list[int]]:
    return [[integer_of(felt) for felt in tensor] for tensor in found["outputs"]]


def _commitment(processed: Any) -> bytes | None:
    tensors = (processed or {}).get("polycommit") or []
    if not tensors:
        return None
    if any(len(points) != 1 for points in tensors):
        raise EngineFailed("a tensor needs more than one commitment")
    return b"".join(bytes.fromhex(point.x)[::-1] + bytes.fromhex(point.y)[::-1] for (point,) in tensors)


def _last_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[-1][:300]
