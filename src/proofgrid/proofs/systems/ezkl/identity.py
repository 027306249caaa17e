"""What a program is: the parts of its identity, the names of its files, and whether files are the right ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.digests import Digest
from proofgrid.primitives.errors import BadProof, InvalidField
from proofgrid.primitives.reading import read_list, read_mapping, read_text
from proofgrid.proofs.base import Program, ProgramFiles
from proofgrid.proofs.kit.files import check_files
from proofgrid.proofs.systems.ezkl import engine
from proofgrid.proofs.systems.ezkl.layout import FORMAT, PROOF_SYSTEM, ProgramTensor, layout_of, tensor_json
from proofgrid.proofs.systems.ezkl.settings import EzklSettings, parse_settings

VERIFIER_SRS = "srs.verifier"


def make_identity(
    *,
    files: Mapping[str, Digest],
    settings: Mapping[str, Json],
    inputs: Sequence[ProgramTensor],
    outputs: Sequence[ProgramTensor],
    slices: int,
    agreement: Mapping[str, Json],
) -> dict[str, Json]:
    """Return the identity of a program with these files: everything that decides what a proof of it says."""
    return {
        "format": FORMAT,
        "proof_system": PROOF_SYSTEM,
        "engine": engine.ENGINE,
        "model": files["model"],
        "calibration": files.get("calibration"),
        "settings": dict(settings),
        "inputs": [tensor_json(tensor) for tensor in inputs],
        "outputs": [tensor_json(tensor) for tensor in outputs],
        VERIFIER_SRS: files[VERIFIER_SRS],
        "slices": [{name: files[slice_file(index, name)] for name in ("settings", "vk")} for index in range(slices)],
        "agreement": dict(agreement),
    }


def slice_file(index: int, name: str) -> str:
    """Return the name of a slice's file in `Program.files`."""
    return f"slice/{index}/{name}"


def verifying_files(slices: int) -> tuple[str, ...]:
    """Return the names of the files that an offline verifier needs."""
    return (VERIFIER_SRS, *(slice_file(i, name) for i in range(slices) for name in ("settings", "vk")))


def settings_of(program: Program) -> EzklSettings:
    """Return what the client of a program settled; raise InvalidField for a malformed identity."""
    return parse_settings(read_mapping(program.identity["settings"], "settings"))


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
    try:
        pinned = pinned_digests(program)
    except (KeyError, InvalidField) as reason:
        raise BadProof(f"the program's identity is malformed: {reason!r}", field="program.identity") from None
    check_files(files, pinned)
