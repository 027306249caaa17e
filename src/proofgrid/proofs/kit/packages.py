"""Folders of texts as one file: what a client packs out of a package of sources, and a proof system reads again.

    {"files": {"Nargo.toml": "…", "src/main.nr": "…"}, "format": 1}      canonical JSON: the same texts, the same bytes

A path is relative, of plain names, and leads nowhere else; so a package can be unpacked into memory, or anywhere.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from proofgrid.primitives.canonical import canonical_json
from proofgrid.primitives.errors import InvalidProgram
from proofgrid.proofs.base import PackedSource

FORMAT = 1
FILES_MAX = 4096
BYTES_MAX = 32 << 20
_PATH = re.compile(r"(?!\.)[A-Za-z0-9_.-]{1,100}(/(?!\.)[A-Za-z0-9_.-]{1,100}){0,31}")
_NOT_SOURCES = ("target", "node_modules")  #: folders that builds leave behind


def pack(place: Path, form: PackedSource) -> bytes:
    """Return a folder, or a single file, packed; raise InvalidProgram naming the file that cannot be."""
    paths = list(_sources_in(place, form)) if place.is_dir() else [place]
    root = place if place.is_dir() else place.parent
    files: dict[str, str] = {}
    for path in paths:
        name = path.relative_to(root).as_posix()
        try:
            files[name] = path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
        except UnicodeDecodeError:
            raise InvalidProgram("it is no text in UTF-8", field=f"source.{name}") from None
    _check(files)
    return canonical_json({"format": FORMAT, "files": files})


def unpack(path: Path, *, field: str) -> dict[str, str]:
    """Return the texts of a packed folder by their paths; raise InvalidProgram naming `field` when it is none."""
    if path.stat().st_size > 2 * BYTES_MAX:  # escapes take more than what they stand for
        raise InvalidProgram(f"a package has at most {BYTES_MAX >> 20} MiB", field=field)
    try:
        packed = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        raise InvalidProgram("it is no packed folder", field=field) from None
    files = packed.get("files") if isinstance(packed, dict) else None
    if not isinstance(files, dict) or set(packed) != {"format", "files"} or packed["format"] != FORMAT:
        raise InvalidProgram("it is no packed folder", field=field)
    _check(files)
    return files


def _check(files: Mapping[str, object]) -> None:
    if not 1 <= len(files) <= FILES_MAX:
        raise InvalidProgram(f"a package has 1 to {FILES_MAX} files", field="source")
    for name, text in files.items():
        if not _PATH.fullmatch(name):
            raise InvalidProgram(
                "a file's path is of letters, digits, _, - and ., and leads downwards", field=f"source.{name[:100]}"
            )
        if not isinstance(text, str):
            raise InvalidProgram("a file is a text", field=f"source.{name}")
    if sum(len(text) for text in files.values() if isinstance(text, str)) > BYTES_MAX:
        raise InvalidProgram(f"a package has at most {BYTES_MAX >> 20} MiB", field="source")


def _sources_in(folder: Path, form: PackedSource) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        inner = path.relative_to(folder).parts
        is_source = path.name.endswith(tuple(form.suffixes)) and path.is_file()
        if is_source and not any(part.startswith(".") or part in _NOT_SOURCES for part in inner):
            yield path
