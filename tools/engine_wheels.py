"""Engines as wheels, so that users need no compiler: `make engine-wheels`.

For each engine and each machine that its recipe knows, a wheel in which lies what the recipe fills a folder with, and
the digest of the sources that it was made of. The same sources and tools give the same wheels.
"""

from __future__ import annotations

import argparse
import base64
import csv
import hashlib
import io
import os
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

import proofgrid
from proofgrid.primitives.errors import InvalidField
from proofgrid.proofs.kit import ignition
from proofgrid.proofs.kit.engine_programs import (
    CARRIED_IN,
    ENGINES,
    PACKAGED_IN,
    PACKAGED_SOURCES,
    EngineProgram,
    engines_of,
)
from proofgrid.proofs.kit.engine_recipes import BuildFailed

_DATE = (1980, 1, 1, 0, 0, 0)
_FILE, _PROGRAM = 0o100644, 0o100755
_INIT = '"""An engine of proofgrid: a program, which proofgrid finds here. Nothing to import."""\n'


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What a wheel brings."""

    folder: Path  #: as a recipe filled it
    notices: str = ""  #: who made what is in it
    carried: Mapping[str, bytes] = field(default_factory=dict)  #: what an engine works with besides


def build_wheel(engine: EngineProgram, platform: str, out: Path) -> Path:
    """Build an engine for machines of `platform`, a row of its recipe, and return its wheel. Raises BuildFailed."""
    recipe, sources = engine.recipe, engine.home / engine.name
    tool = (recipe.others_tool or recipe.tool)()
    if tool is None:
        raise BuildFailed(f"this machine has not what builds it: {recipe.others_need or recipe.needs}")
    with tempfile.TemporaryDirectory() as scratch, mock.patch.dict(os.environ, recipe.others[platform]):
        folder = Path(scratch) / "made"
        folder.mkdir()
        recipe.fill(tool, sources, folder, engine.made)
        notices = recipe.notices(sources, folder) if recipe.notices is not None else ""
        return write_wheel(engine, Contents(folder=folder, notices=notices, carried=carried_by(engine)), platform, out)


def carried_by(engine: EngineProgram) -> dict[str, bytes]:
    """Return what goes into an engine's wheel besides: Ignition's points, as far as they are pinned and at hand."""
    found = ignition.IgnitionBn254().find() if engine in ignition.CARRIERS else None
    points = ignition.pinned_points(found)
    return {ignition.POINTS_FILE: points} if points else {}


def write_wheel(engine: EngineProgram, contents: Contents, platform: str, out: Path) -> Path:
    """Write the wheel of a built engine for machines of `platform`, a tag as in the names of wheels."""
    stem = f"{engine.package}-{proofgrid.__version__}"
    about = f"{stem}.dist-info"
    files: dict[str, tuple[bytes, int]] = {
        f"{engine.package}/__init__.py": (_INIT.encode(), _FILE),
        f"{engine.package}/{PACKAGED_SOURCES}": (f"{engine.sources_digest()}\n".encode(), _FILE),
        **{f"{engine.package}/{PACKAGED_IN}/{name}": found for name, found in _filled(contents.folder)},
        **{f"{engine.package}/{CARRIED_IN}/{name}": (found, _FILE) for name, found in contents.carried.items()},
        f"{about}/METADATA": (_metadata(engine).encode(), _FILE),
        f"{about}/WHEEL": (_wheel(platform).encode(), _FILE),
        f"{about}/NOTICE": (contents.notices.encode(), _FILE),
    }
    rows = [(name, _hashed(content), len(content)) for name, (content, _) in files.items()]
    record = io.StringIO()
    csv.writer(record, lineterminator="\n").writerows([*rows, (f"{about}/RECORD", "", "")])
    files[f"{about}/RECORD"] = (record.getvalue().encode(), _FILE)
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"{stem}-py3-none-{platform}.whl"
    with _written(path) as archive:
        for name, (content, mode) in files.items():
            entry = zipfile.ZipInfo(name, _DATE)
            entry.external_attr = mode << 16
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return path


def _filled(folder: Path) -> Iterator[tuple[str, tuple[bytes, int]]]:
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        mode = _PROGRAM if os.access(path, os.X_OK) else _FILE
        yield path.relative_to(folder).as_posix(), (path.read_bytes(), mode)


@contextmanager
def _written(path: Path) -> Iterator[zipfile.ZipFile]:
    part = path.with_suffix(".part")
    with zipfile.ZipFile(part, "w") as archive:
        yield archive
    part.replace(path)


def _metadata(engine: EngineProgram) -> str:
    said = [
        ("Metadata-Version", "2.1"),
        ("Name", engine.package.replace("_", "-")),
        ("Version", proofgrid.__version__),
        ("Summary", f"The engine {engine.name} of proofgrid, built"),
        ("License", "Apache-2.0, and those of the libraries in it (NOTICE)"),
        *(("Requires-Dist", package) for package in engine.recipe.requires),
    ]
    return "".join(f"{name}: {value}\n" for name, value in said)


def _wheel(platform: str) -> str:
    tags = "".join(f"Tag: py3-none-{one}\n" for one in platform.split("."))
    return f"Wheel-Version: 1.0\nGenerator: proofgrid\nRoot-Is-Purelib: false\n{tags}"


def _hashed(content: bytes) -> str:
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


def build_all(engines: Sequence[EngineProgram], machine: str, out: Path) -> list[str]:
    """Build the wheels whose tags hold `machine`, and tell each; return the complaints about those that failed."""
    failed = []
    for engine in engines:
        for platform in (tag for tag in engine.recipe.others if machine in tag):
            try:
                path = build_wheel(engine, platform, out)
            except BuildFailed as reason:
                failed.append(f"{engine.name} for {platform}: {reason}")
                continue
            sys.stdout.write(f"{path} ({path.stat().st_size >> 20} MiB)\n")
            sys.stdout.flush()
    return failed


def main() -> None:
    """Build wheels of engines for other machines; print their paths, and what could not be built."""
    parser = argparse.ArgumentParser(prog="python -m tools.engine_wheels", description=__doc__)
    parser.add_argument(
        "engines", nargs="*", metavar="ENGINE", help=f"only these: {', '.join(e.name for e in ENGINES)}"
    )
    parser.add_argument("--machine", default="", help="only wheels with this in their tag: linux, x86_64, arm64 …")
    parser.add_argument("--out", type=Path, default=Path("dist"), help="the folder to write them to (dist)")
    given = parser.parse_args()
    try:
        engines = engines_of(given.engines) if given.engines else list(ENGINES)
    except InvalidField as reason:
        parser.error(f"{reason.detail} ({reason.hint})")
    if failed := build_all(engines, given.machine, given.out):
        sys.exit("\n".join(failed))


if __name__ == "__main__":
    main()
