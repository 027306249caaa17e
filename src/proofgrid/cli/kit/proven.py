"""What a verified bundle proves, as numbers: shown by name, and written as JSON, NPY or NPZ."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from proofgrid.cli.kit.console import say
from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import InvalidField, UnknownProofSystem

if TYPE_CHECKING:
    from proofgrid.proofs.base import Program
    from proofgrid.proofs.bundles.manifest import Manifest
    from proofgrid.proofs.telling import ToldProof, ToldTensor

OutputOption = Annotated[
    Path | None,
    typer.Option("--output", metavar="FILE", help="Write the proven numbers: .json, .npy (one output) or .npz."),
]

VALUES_SHOWN = 12
PROOFS_SHOWN = 12
SUFFIXES = (".json", ".npy", ".npz")


def told_proofs(manifest: Manifest) -> Sequence[ToldProof]:
    """Return what was proven of each input; nothing when its proof system does not speak of tensors."""
    from proofgrid.proofs.registry import proof_system
    from proofgrid.proofs.telling import TellsTensors

    system = proof_system(manifest.program.proof_system)
    if not isinstance(system, TellsTensors):
        return ()
    return system.tell_proofs(manifest.program, manifest.statement, manifest.result)


def agreement_of(program: Program) -> Mapping[str, Json]:
    """Return how circuit and model were measured to agree when the program was built; empty when nothing was."""
    from proofgrid.proofs.registry import proof_system
    from proofgrid.proofs.telling import TellsTensors

    try:
        system = proof_system(program.proof_system)
    except UnknownProofSystem:
        return {}  # one may look at programs that only others can verify
    return system.tell_agreement(program) if isinstance(system, TellsTensors) else {}


def print_proven(manifest: Manifest) -> None:
    """Print the numbers that went in and came out, and the measured agreement."""
    proofs = told_proofs(manifest)
    if not proofs:
        _print_json("input", _items(manifest.statement, "inputs"))
        _print_json("output", _items(manifest.result, "outputs"))
        return
    for index, proof in enumerate(proofs[:PROOFS_SHOWN]):
        which = f" {index}" if len(proofs) > 1 else ""
        for role, tensors in (("input", proof.inputs), ("output", proof.outputs)):
            for tensor in tensors:
                say(f"  {role}{which} {_named(tensor, role)}: {_numbers(tensor)}")
    if len(proofs) > PROOFS_SHOWN:
        say(f"  … and {len(proofs) - PROOFS_SHOWN} more; --output FILE writes all")
    agreement = agreement_of(manifest.program)
    if agreement:
        say(f"  circuit and model, as measured when it was built: {agreement_text(agreement)}")


def agreement_text(agreement: Mapping[str, Json]) -> str:
    """Return the measured agreement in a line."""
    return ", ".join(f"{name} {_short_json(value)}" for name, value in agreement.items())


def check_suffix(output: Path | None) -> None:
    """Raise InvalidField for a file that nothing could be written to, before anything is done for it."""
    if output is None:
        return
    if output.suffix not in SUFFIXES:
        raise InvalidField(f"{output.name} ends in none of {', '.join(SUFFIXES)}", field="output")
    if not output.absolute().parent.is_dir():
        raise InvalidField(f"there is no folder {output.absolute().parent}", field="output")


def say_written(output: Path | None, *, json: bool) -> None:
    """Tell where the numbers are."""
    if output is not None and not json:
        say("")
        say(f"the proven numbers are in {output}")


def write_proven(manifest: Manifest, output: Path) -> None:
    """Write what was proven: all of it as JSON or NPZ (tensors by name), the one output as NPY.

    Several inputs of a batch stand one after the other, along a first axis of their own. Raises InvalidField for an
    NPY of several outputs, and when the proof system does not speak of tensors.
    """
    if output.suffix == ".json":
        output.write_text(json.dumps(proven_to_json(manifest), indent=1) + "\n", encoding="utf-8")
        return
    proofs = told_proofs(manifest)
    if not proofs:
        raise InvalidField("what was proven are no tensors", field="output", hint="take a file that ends in .json")
    import numpy as np

    if output.suffix == ".npz":
        np.savez(output, **{name: array for name, array in _arrays(proofs).items() if array is not None})
        return
    names = [tensor.name for tensor in proofs[0].outputs]
    if len(names) > 1:
        raise InvalidField(
            f"there are {len(names)} outputs: {', '.join(names)}", field="output", hint="take .npz or .json for several"
        )
    np.save(output, _arrays(proofs)[names[0]])


def proven_to_json(manifest: Manifest) -> dict[str, object]:
    """Return what was proven, and by which program."""
    proofs = told_proofs(manifest)
    said: dict[str, object] = {"program": manifest.program.digest}
    if agreement := agreement_of(manifest.program):
        said["agreement"] = dict(agreement)
    if proofs:
        return {**said, "proven": [proof.to_json() for proof in proofs]}
    return {**said, "statement": dict(manifest.statement), "result": dict(manifest.result)}


def _arrays(proofs: Sequence[ToldProof]) -> dict[str, Any]:
    """Return the arrays of each tensor by name; None where only commitments are public."""
    import numpy as np

    rows = [{tensor.name: _array(tensor) for tensor in (*proof.inputs, *proof.outputs)} for proof in proofs]
    if len(rows) == 1:
        return rows[0]
    return {name: None if first is None else np.stack([row[name] for row in rows]) for name, first in rows[0].items()}


def _array(tensor: ToldTensor) -> Any:
    import numpy as np

    if tensor.values is None:
        return None
    if tensor.element_type == "bool":
        return np.array([value != "0" for value in tensor.values]).reshape(tensor.shape)
    if "int" in tensor.element_type:
        return np.array([int(value) for value in tensor.values], tensor.element_type).reshape(tensor.shape)
    # What is proven are fractions of a power of two: doubles hold them as they are, 32-bit floats might not.
    return np.array([float(value) for value in tensor.values]).reshape(tensor.shape)


def _named(tensor: ToldTensor, role: str) -> str:
    name = "" if tensor.name == role else f"{tensor.name} "
    return f"{name}{list(tensor.shape)}"


def _numbers(tensor: ToldTensor) -> str:
    if tensor.values is None and tensor.commitment:
        return f"committed, its numbers are not public; commitment {tensor.commitment[:16]}…"
    if tensor.values is None:
        return f"hashed, its numbers are not public; hash {tensor.hash[:16]}…" if tensor.hash else "private"
    shown = " ".join(_short(value) for value in tensor.values[:VALUES_SHOWN])
    more = f" … ({len(tensor.values)} numbers)" if len(tensor.values) > VALUES_SHOWN else ""
    return shown + more


def _short(value: str) -> str:
    return value if len(value) <= 8 else f"{float(value):.6g}"


def _print_json(name: str, items: Sequence[Json]) -> None:
    for index, item in enumerate(items[:PROOFS_SHOWN]):
        say(f"  {name} {index:<3} {_short_json(item)}")
    if len(items) > PROOFS_SHOWN:
        say(f"  … and {len(items) - PROOFS_SHOWN} more {name}s; --json shows all")


def _short_json(value: Json) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_short_json(one)}" for key, one in value.items())
    if not isinstance(value, Sequence) or isinstance(value, str):
        return str(value)
    more = f" … ({len(value)} values)" if len(value) > VALUES_SHOWN else ""
    return " ".join(_short_json(one) for one in value[:VALUES_SHOWN]) + more


def _items(value: Mapping[str, Json], name: str) -> Sequence[Json]:
    # The members of a statement are its proof system's; those without this list show as a whole.
    found = value.get(name)
    return found if isinstance(found, Sequence) and not isinstance(found, str) else [value]
