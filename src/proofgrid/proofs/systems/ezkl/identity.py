"""What a program is: the parts of its identity, the names of its files, and whether files are the right ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

from proofgrid.primitives.digests import Digest
from proofgrid.primitives.errors import BadProof
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
    settings: Mapping[str, Any],
    input_shape: tuple[int, ...],
    output_shape: tuple[int, ...],
    output_scale: int,
    slices: int,
) -> dict[str, Any]:
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
        return Layout(
            slices=len(identity["slices"]),
            input_shape=tuple(_positive(size) for size in identity["input"]["shape"]),
            output_shape=tuple(_positive(size) for size in identity["output"]["shape"]),
            input_scale=_scale(identity["input"]["scale"]),
            output_scale=_scale(identity["output"]["scale"]),
            commits_input=identity["settings"]["input_visibility"] == COMMITTED,
        )
    except (KeyError, TypeError, ValueError) as reason:
        raise BadProof(f"the program's identity is malformed: {reason!r}", field="program.identity") from None


def _positive(value: Any) -> int:
    if type(value) is not int or not 1 <= value < 1 << 32:
        raise ValueError("a dimension is a positive integer")
    return value


def _scale(value: Any) -> int:
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
    """Return the digests of all files that the identity names."""
    identity = program.identity
    pinned: dict[str, Digest] = {"model": identity["model"], VERIFIER_SRS: identity[VERIFIER_SRS]}
    if identity["calibration"] is not None:
        pinned["calibration"] = identity["calibration"]
    for index, part in enumerate(identity["slices"]):
        pinned.update({slice_file(index, name): part[name] for name in ("settings", "vk")})
    return pinned


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
