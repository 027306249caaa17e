"""What a program is: the parts of its identity, the names of its files, and whether files are the right ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.digests import Digest
from proofgrid.primitives.errors import BadProof, InvalidField
from proofgrid.primitives.reading import read_list, read_mapping, read_text
from proofgrid.proofs.base import Program, ProgramFiles
from proofgrid.proofs.kit.files import check_files
from proofgrid.proofs.systems.ezkl import engine
from proofgrid.proofs.systems.ezkl.settings import COMMITTED

FORMAT = 1
PROOF_SYSTEM = "ezkl"
VERIFIER_SRS = "srs.verifier"

_SCALE_SIZE_MAX = 256  # a hostile identity must not make us compute with numbers of a gigabyte


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What a verifier reads from an identity."""

    slices: int
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    input_scale: int
    output_scale: int
    commits_input: bool

    @property
    def input_elements(self) -> int:
        return prod(self.input_shape)

    @property
    def output_elements(self) -> int:
        return prod(self.output_shape)


def make_identity(
    *,
    files: Mapping[str, Digest],
    settings: Mapping[str, Json],
    input_shape: tuple[int, ...],
    output_shape: tuple[int, ...],
    output_scale: int,
    slices: int,
) -> dict[str, Json]:
    """Return the identity of a program with these files: everything that decides what a proof of it says."""
    return {
        "format": FORMAT,
        "proof_system": PROOF_SYSTEM,
        "engine": engine.ENGINE,
        "model": files["model"],
        "calibration": files.get("calibration"),
        "settings": dict(settings),
        "input": {"shape": list(input_shape), "scale": settings["scale"]},
        "output": {"shape": list(output_shape), "scale": output_scale},
        VERIFIER_SRS: files[VERIFIER_SRS],
        "slices": [{name: files[slice_file(index, name)] for name in ("settings", "vk")} for index in range(slices)],
    }


def layout_of(program: Program) -> Layout:
    """Return what the identity says of slices and tensors; raise BadProof when it is no identity of ours."""
    identity = program.identity
    try:
        if (identity["format"], identity["proof_system"]) != (FORMAT, PROOF_SYSTEM):
            raise BadProof("the program is of another format or proof system", field="program.identity")
        pinned_digests(program)
        input_shape, input_scale = _tensor(identity["input"])
        output_shape, output_scale = _tensor(identity["output"])
        return Layout(
            slices=len(read_list(identity["slices"], "slices")),
            input_shape=input_shape,
            output_shape=output_shape,
            input_scale=input_scale,
            output_scale=output_scale,
            commits_input=read_mapping(identity["settings"], "settings")["input_visibility"] == COMMITTED,
        )
    except (KeyError, ValueError, InvalidField) as reason:
        raise BadProof(f"the program's identity is malformed: {reason!r}", field="program.identity") from None


def _tensor(value: Json) -> tuple[tuple[int, ...], int]:
    tensor = read_mapping(value, "tensor")
    return tuple(_positive(size) for size in read_list(tensor["shape"], "shape")), _scale(tensor["scale"])


def _positive(value: Json) -> int:
    if type(value) is not int or not 1 <= value < 1 << 32:
        raise ValueError("a dimension is a positive integer")
    return value


def _scale(value: Json) -> int:
    if type(value) is not int or not -_SCALE_SIZE_MAX <= value <= _SCALE_SIZE_MAX:
        raise ValueError("a scale is a small integer")
    return value


def slice_file(index: int, name: str) -> str:
    """Return the name of a slice's file in `Program.files`."""
    return f"slice/{index}/{name}"


def verifying_files(slices: int) -> tuple[str, ...]:
    """Return the names of the files that an offline verifier needs."""
    return (VERIFIER_SRS, *(slice_file(i, name) for i in range(slices) for name in ("settings", "vk")))


def pinned_digests(program: Program) -> dict[str, Digest]:
    """Return the digests of all files that an identity names; raise KeyError or InvalidField for a malformed one."""
    identity = program.identity
    pinned = {name: identity[name] for name in ("model", VERIFIER_SRS)}
    if identity["calibration"] is not None:
        pinned["calibration"] = identity["calibration"]
    for index, part in enumerate(read_list(identity["slices"], "slices")):
        names = read_mapping(part, "slices")
        pinned.update({slice_file(index, name): names[name] for name in ("settings", "vk")})
    return {name: Digest(read_text(digest, name)) for name, digest in pinned.items()}


def check_program(files: ProgramFiles) -> None:
    """Raise BadProof unless every file at hand has the digest that identity or manifest gives it."""
    program = files.program
    layout = layout_of(program)
    if layout.slices != len(program.slices) or layout.slices < 1:
        raise BadProof("the program's identity and its slices disagree", field="program.slices")
    if program.identity.get("engine") != engine.ENGINE:
        raise BadProof(
            f"the program was made for {program.identity.get('engine')}; this is {engine.ENGINE}",
            field="program.identity",
        )
    check_files(files, pinned_digests(program))
