"""A program as JSON and back: for bundles, child processes and the wire."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from proofgrid.primitives.digests import parse_digest
from proofgrid.primitives.errors import InvalidProgram
from proofgrid.proofs.base import Program, SliceSpec


def program_to_json(program: Program) -> dict[str, Any]:
    """Return the program as JSON values."""
    return {
        "proof_system": program.proof_system,
        "identity": dict(program.identity),
        "files": dict(program.files),
        "verifying_files": list(program.verifying_files),
        "slices": [_slice_to_json(spec) for spec in program.slices],
        "summary": dict(program.summary),
    }


def program_from_json(value: Any, *, field: str = "program") -> Program:
    """Return the program that `value` describes; raise InvalidProgram naming the field that is wrong."""
    known = ("proof_system", "identity", "files", "verifying_files", "slices", "summary")
    data = _object(value, known, field)
    files = {
        _text(name, f"{field}.files"): digest for name, digest in _mapping(data["files"], f"{field}.files").items()
    }
    verifying_files = _texts(data["verifying_files"], f"{field}.verifying_files")
    if missing := [name for name in verifying_files if name not in files]:
        raise InvalidProgram(f"{missing[0]!r} is not among the files", field=f"{field}.verifying_files")
    slices = _list(data["slices"], f"{field}.slices")
    if not slices:
        raise InvalidProgram("a program has at least one slice", field=f"{field}.slices")
    return Program(
        proof_system=_text(data["proof_system"], f"{field}.proof_system"),
        identity=_mapping(data["identity"], f"{field}.identity"),
        files={name: parse_digest(_text(d, f"{field}.files"), field=f"{field}.files") for name, d in files.items()},
        verifying_files=verifying_files,
        slices=tuple(_slice_from_json(item, i, f"{field}.slices[{i}]") for i, item in enumerate(slices)),
        summary=_mapping(data["summary"], f"{field}.summary"),
    )


def _slice_to_json(spec: SliceSpec) -> dict[str, Any]:
    return {
        "index": spec.index,
        "units": spec.units,
        "memory_bytes": spec.memory_bytes,
        "depends_on": list(spec.depends_on),
        "files": list(spec.files),
    }


def _slice_from_json(value: Any, position: int, field: str) -> SliceSpec:
    data = _object(value, ("index", "units", "memory_bytes", "depends_on", "files"), field)
    if _integer(data["index"], f"{field}.index") != position:
        raise InvalidProgram("slices are listed by their index, from 0", field=f"{field}.index")
    depends_on = _list(data["depends_on"], f"{field}.depends_on")
    return SliceSpec(
        index=position,
        units=_integer(data["units"], f"{field}.units", least=1),
        memory_bytes=_integer(data["memory_bytes"], f"{field}.memory_bytes"),
        depends_on=tuple(_integer(item, f"{field}.depends_on") for item in depends_on),
        files=_texts(data["files"], f"{field}.files"),
    )


def _object(value: Any, names: tuple[str, ...], field: str) -> Mapping[str, Any]:
    data = _mapping(value, field)
    if set(data) != set(names):
        raise InvalidProgram(f"expected exactly the members {', '.join(names)}", field=field)
    return data


def _mapping(value: Any, field: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise InvalidProgram("expected a JSON object", field=field)
    return value


def _list(value: Any, field: str) -> list[Any]:
    if not isinstance(value, list):
        raise InvalidProgram("expected a JSON array", field=field)
    return value


def _text(value: Any, field: str) -> str:
    if not isinstance(value, str) or not value:
        raise InvalidProgram("expected a non-empty text", field=field)
    return value


def _texts(value: Any, field: str) -> tuple[str, ...]:
    return tuple(_text(item, field) for item in _list(value, field))


def _integer(value: Any, field: str, *, least: int = 0) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise InvalidProgram(f"expected an integer of at least {least}", field=field)
    return value
