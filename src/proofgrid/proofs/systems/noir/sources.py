"""What clients hand in: a package of Noir, or the circuit that their own compiler made of one.

    package   the texts of a folder with Nargo.toml, packed (kit/packages.py); one .nr file is a package of itself
    circuit   the JSON that nargo leaves in target/: abi and bytecode, of the compiler's version that we have

Packages lie in the folder, whatever they depend on: nothing is fetched, and no path leads out of it.
"""

from __future__ import annotations

import base64
import json
import posixpath
import tomllib
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import cast

from proofgrid.primitives.canonical import Json, canonical_json
from proofgrid.primitives.errors import InvalidField, InvalidProgram
from proofgrid.proofs.base import PackedSource
from proofgrid.proofs.systems.noir.engine import NOIR_VERSION

PACKAGE = "source.package"
CIRCUIT = "source.circuit"
MANIFEST = "Nargo.toml"
FORM = PackedSource(marker=MANIFEST, suffixes=(".nr", MANIFEST))

_CIRCUIT_BYTES_MAX = 256 << 20
_BYTECODE_BYTES_MAX = 256 << 20
_LOCATIONS = ("debug_symbols", "file_map")
_OWN_MANIFEST = '[package]\nname = "program"\ntype = "bin"\nauthors = [""]\n'


def checked_package(files: Mapping[str, str], folder: str) -> tuple[dict[str, str], str]:
    """Return a package's files, and the folder of it that is to be compiled; raise InvalidProgram or InvalidField.

    `folder`: what the client's setting says, "" for the root; of a workspace that has one program it may be left out.
    """
    whole = dict(files)
    if len(whole) == 1 and (only := next(iter(whole))).endswith(".nr"):
        whole = {MANIFEST: _OWN_MANIFEST, "src/main.nr": whole[only]}
    chosen = folder.strip("/") or _default_folder(whole)
    manifest = _manifest_of(whole, chosen, said_by="the setting `package`" if folder else "the package")
    if _kind_of(manifest) != "bin":
        raise InvalidProgram('only packages of type "bin" are programs', field=f"source.{_joined(chosen, MANIFEST)}")
    _check_dependencies(whole, chosen)
    return whole, chosen


def circuit_file(compiled: Mapping[str, Json]) -> bytes:
    """Return the circuit alone, in one spelling; raise InvalidProgram unless it is one of our compiler's version."""
    version, bytecode = compiled.get("noir_version"), compiled.get("bytecode")
    if not isinstance(version, str) or version.partition("+")[0] != NOIR_VERSION:
        raise InvalidProgram(
            f"it is compiled by Noir {str(version)[:40]}, and proven here is what {NOIR_VERSION} compiles",
            field=f"{CIRCUIT}.noir_version",
            hint=f"compile it with nargo {NOIR_VERSION}, or hand in the package",
        )
    if not isinstance(bytecode, str) or not _is_bytecode(bytecode):
        raise InvalidProgram("its bytecode is no base64 of gzip, or too large", field=f"{CIRCUIT}.bytecode")
    try:
        return canonical_json({"abi": compiled.get("abi"), "bytecode": bytecode, "noir_version": version})
    except (TypeError, ValueError, RecursionError):
        raise InvalidProgram("its ABI is malformed", field=f"{CIRCUIT}.abi") from None


def locations_file(compiled: Mapping[str, Json]) -> bytes | None:
    """Return what the compiler knew of its sources, by which a constraint that fails is told; None without."""
    if not all(name in compiled for name in _LOCATIONS):
        return None
    try:
        return canonical_json({name: compiled[name] for name in _LOCATIONS})
    except (TypeError, ValueError, RecursionError):
        return None


def read_circuit(path: Path) -> dict[str, Json]:
    """Return what nargo wrote; raise InvalidProgram when it is no JSON of that form."""
    if path.stat().st_size > _CIRCUIT_BYTES_MAX:
        raise InvalidProgram(f"a circuit has at most {_CIRCUIT_BYTES_MAX >> 20} MiB", field=CIRCUIT)
    try:
        read = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        read = None
    if not isinstance(read, dict) or "bytecode" not in read:
        raise InvalidProgram(
            "it is no compiled program: JSON with abi and bytecode",
            field=CIRCUIT,
            hint="nargo compile writes target/NAME.json",
        )
    return read


def _default_folder(files: Mapping[str, str]) -> str:
    root = _manifest_of(files, "", said_by="the package")
    workspace = root.get("workspace")
    if not isinstance(workspace, Mapping):
        return ""
    if isinstance(chosen := workspace.get("default-member"), str):
        return _inside("", chosen, name="default-member")
    listed = workspace.get("members")
    members = (
        [_inside("", one, name="members") for one in listed if isinstance(one, str)] if isinstance(listed, list) else []
    )
    programs = [one for one in members if _kind_of(_manifest_of(files, one, said_by="the workspace")) == "bin"]
    if len(programs) != 1:
        raise InvalidField(
            f"the workspace has {len(programs)} programs",
            field="settings.package",
            hint=f"one of: {', '.join(programs)}",
        )
    return programs[0]


def _check_dependencies(files: Mapping[str, str], folder: str) -> None:
    """Follow what a package depends on; each is there, and no two are called alike."""
    known: dict[str, str] = {}
    waiting, seen = [folder], {folder}
    while waiting:
        here = waiting.pop()
        needed = _manifest_of(files, here, said_by="a dependency").get("dependencies", {})
        for name, entry in needed.items() if isinstance(needed, Mapping) else ():
            there = _place_of(here, name, entry)
            if known.setdefault(name, there) != there:
                raise InvalidProgram(f"two packages are called {name}", field=PACKAGE, hint="give one another name")
            if _kind_of(_manifest_of(files, there, said_by=f"the dependency {name}")) != "lib":
                raise InvalidProgram(f"the dependency {name} is no library", field=PACKAGE)
            if there not in seen:
                seen.add(there)
                waiting.append(there)


def _place_of(here: str, name: str, entry: Json) -> str:
    if not isinstance(entry, Mapping) or not isinstance(path := entry.get("path"), str):
        raise InvalidProgram(
            f"the dependency {name} would have to be fetched, and nothing is fetched here",
            field=f"source.{_joined(here, MANIFEST)}",
            hint=f'put it into the folder and write {name} = {{ path = "…" }}, or hand in the compiled circuit',
        )
    return _inside(here, path, name=name)


def _inside(here: str, path: str, *, name: str) -> str:
    joined = posixpath.normpath(_joined(here, path))
    if path.startswith("/") or joined.startswith(".."):
        raise InvalidProgram(
            f"{name} leads out of the folder that was handed in",
            field=f"source.{_joined(here, MANIFEST)}",
            hint="hand in the folder that holds both, and name the program by the setting `package`",
        )
    return "" if joined == "." else joined


def _manifest_of(files: Mapping[str, str], folder: str, *, said_by: str) -> Mapping[str, Json]:
    path = _joined(folder, MANIFEST)
    if path not in files:
        raise InvalidProgram(f"{said_by} names a folder without {MANIFEST}", field=f"source.{path}")
    try:
        return cast(Mapping[str, Json], tomllib.loads(files[path]))
    except (tomllib.TOMLDecodeError, RecursionError) as reason:
        raise InvalidProgram(f"it is no TOML: {str(reason)[:200]}", field=f"source.{path}") from None


def _kind_of(manifest: Mapping[str, Json]) -> str:
    package = manifest.get("package")
    return str(package.get("type", "")) if isinstance(package, Mapping) else ""


def _joined(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


def _is_bytecode(text: str) -> bool:
    try:
        content = base64.b64decode(text, validate=True)
        reader = zlib.decompressobj(wbits=31)
        size = len(reader.decompress(content, _BYTECODE_BYTES_MAX))
    except (ValueError, zlib.error):
        return False
    return reader.eof and not reader.unused_data and 0 < size < _BYTECODE_BYTES_MAX
