"""A program as JSON and back: for bundles, child processes and the wire."""

from __future__ import annotations

from dataclasses import replace

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.digests import parse_digest
from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.reading import read_integer, read_list, read_mapping, read_object, read_text, read_texts
from proofgrid.proofs.base import Program, SliceSpec


def program_to_json(program: Program) -> dict[str, Json]:
    """Return the program as JSON values."""
    return {
        "proof_system": program.proof_system,
        "identity": dict(program.identity),
        "files": dict(program.files),
        "verifying_files": list(program.verifying_files),
        "slices": [_slice_to_json(spec) for spec in program.slices],
        "summary": dict(program.summary),
        # Left out where there are none, so that programs from before there were wraps are spelled as ever.
        **({"wraps": [_slice_to_json(spec) for spec in program.wraps]} if program.wraps else {}),
    }


def program_from_json(value: object, *, field: str = "program") -> Program:
    """Return the program that `value` describes; raise InvalidField naming the field that is wrong."""
    known = ("proof_system", "identity", "files", "verifying_files", "slices", "summary")
    data = read_object(value, known, field, optional=("wraps",))
    files = {
        read_text(name, f"{field}.files"): digest
        for name, digest in read_mapping(data["files"], f"{field}.files").items()
    }
    verifying_files = read_texts(data["verifying_files"], f"{field}.verifying_files")
    if missing := [name for name in verifying_files if name not in files]:
        raise InvalidField(f"{missing[0]!r} is not among the files", field=f"{field}.verifying_files")
    slices = read_list(data["slices"], f"{field}.slices")
    if not slices:
        raise InvalidField("a program has at least one slice", field=f"{field}.slices")
    wraps = read_list(data["wraps"], f"{field}.wraps") if "wraps" in data else []
    if "wraps" in data and not wraps:
        raise InvalidField("left out where there are none", field=f"{field}.wraps")
    return Program(
        proof_system=read_text(data["proof_system"], f"{field}.proof_system"),
        identity=read_mapping(data["identity"], f"{field}.identity"),
        files={name: parse_digest(read_text(d, f"{field}.files"), field=f"{field}.files") for name, d in files.items()},
        verifying_files=verifying_files,
        slices=tuple(_slice_from_json(item, i, f"{field}.slices[{i}]") for i, item in enumerate(slices)),
        summary=read_mapping(data["summary"], f"{field}.summary"),
        wraps=tuple(_slice_from_json(item, len(slices) + i, f"{field}.wraps[{i}]") for i, item in enumerate(wraps)),
    )


def part_for_verifiers(manifest: object) -> dict[str, Json]:
    """Return of a program's JSON what is everybody's: its identity and its verifying files, and how it is sliced."""
    program = program_from_json(manifest)
    return program_to_json(
        replace(
            program,
            files={name: program.files[name] for name in program.verifying_files},
            slices=tuple(replace(spec, files=()) for spec in program.slices),
            wraps=tuple(replace(spec, files=()) for spec in program.wraps),
            summary={},
        )
    )


def _slice_to_json(spec: SliceSpec) -> dict[str, Json]:
    return {
        "index": spec.index,
        "units": spec.units,
        "memory_bytes": spec.memory_bytes,
        "depends_on": list(spec.depends_on),
        "files": list(spec.files),
    }


def _slice_from_json(value: Json, position: int, field: str) -> SliceSpec:
    data = read_object(value, ("index", "units", "memory_bytes", "depends_on", "files"), field)
    if read_integer(data["index"], f"{field}.index") != position:
        raise InvalidField("slices are listed by their index, from 0", field=f"{field}.index")
    depends_on = tuple(
        read_integer(item, f"{field}.depends_on") for item in read_list(data["depends_on"], f"{field}.depends_on")
    )
    if any(item >= position for item in depends_on):
        raise InvalidField("a slice depends on earlier slices only", field=f"{field}.depends_on")
    return SliceSpec(
        index=position,
        units=read_integer(data["units"], f"{field}.units", least=1),
        memory_bytes=read_integer(data["memory_bytes"], f"{field}.memory_bytes"),
        depends_on=depends_on,
        files=read_texts(data["files"], f"{field}.files"),
    )
