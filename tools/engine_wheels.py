"""Engines as wheels, so that users need no compiler: `make engine-wheels`.

For each engine whose compiler makes programs for other machines (Go does), a wheel for each of these machines, in which
lies the program and the digest of the sources that it was built of. The same sources and compiler give the same wheels.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import os
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import proofgrid
from proofgrid.proofs.kit.engine_programs import ENGINES, PACKAGED_IN, PACKAGED_SOURCES, EngineProgram

_DATE = (1980, 1, 1, 0, 0, 0)
_FILE, _PROGRAM = 0o100644, 0o100755
_INIT = '"""An engine of proofgrid: a program, which proofgrid finds here. Nothing to import."""\n'


def build_wheels(engine: EngineProgram, out: Path) -> Iterator[Path]:
    """Compile an engine for every machine that its recipe names, and yield a wheel for each.

    Raises BuildFailed, and RuntimeError where there is no compiler.
    """
    tool = engine.recipe.tool()
    if tool is None:
        raise RuntimeError(f"building the engine {engine.name} needs {engine.recipe.needs}")
    for platform, variables in engine.recipe.others.items():
        with tempfile.TemporaryDirectory() as scratch, mock.patch.dict(os.environ, variables):
            engine.recipe.fill(tool, engine.home / engine.name, Path(scratch), engine.made)
            yield write_wheel(engine, Path(scratch) / engine.made, platform, out)


def write_wheel(engine: EngineProgram, program: Path, platform: str, out: Path) -> Path:
    """Write the wheel of an engine's program for machines of `platform`, a tag as in the names of wheels."""
    stem = f"{engine.package}-{proofgrid.__version__}"
    about = f"{stem}.dist-info"
    files: dict[str, tuple[bytes, int]] = {
        f"{engine.package}/__init__.py": (_INIT.encode(), _FILE),
        f"{engine.package}/{PACKAGED_SOURCES}": (f"{engine.sources_digest()}\n".encode(), _FILE),
        f"{engine.package}/{PACKAGED_IN}/{program.name}": (program.read_bytes(), _PROGRAM),
        f"{about}/METADATA": (_metadata(engine).encode(), _FILE),
        f"{about}/WHEEL": (_wheel(platform).encode(), _FILE),
    }
    record = "".join(f"{name},{_hashed(content)},{len(content)}\n" for name, (content, _) in files.items())
    files[f"{about}/RECORD"] = (f"{record}{about}/RECORD,,\n".encode(), _FILE)
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"{stem}-py3-none-{platform}.whl"
    with _written(path) as archive:
        for name, (content, mode) in files.items():
            entry = zipfile.ZipInfo(name, _DATE)
            entry.external_attr = mode << 16
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return path


@contextmanager
def _written(path: Path) -> Iterator[zipfile.ZipFile]:
    part = path.with_suffix(".part")
    with zipfile.ZipFile(part, "w") as archive:
        yield archive
    part.replace(path)


def _metadata(engine: EngineProgram) -> str:
    said: Mapping[str, str] = {
        "Metadata-Version": "2.1",
        "Name": engine.package.replace("_", "-"),
        "Version": proofgrid.__version__,
        "Summary": f"The engine {engine.name} of proofgrid, compiled",
        "License": "Apache-2.0",
    }
    return "".join(f"{name}: {value}\n" for name, value in said.items())


def _wheel(platform: str) -> str:
    tags = "".join(f"Tag: py3-none-{one}\n" for one in platform.split("."))
    return f"Wheel-Version: 1.0\nGenerator: proofgrid\nRoot-Is-Purelib: false\n{tags}"


def _hashed(content: bytes) -> str:
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


def main() -> None:
    """Build the wheels of all engines that can be built for other machines; print their paths."""
    parser = argparse.ArgumentParser(prog="python -m tools.engine_wheels", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("dist"), help="the folder to write them to (dist)")
    out = parser.parse_args().out
    for engine in ENGINES:
        for path in build_wheels(engine, out) if engine.recipe.others else ():
            sys.stdout.write(f"{path} ({path.stat().st_size >> 20} MiB)\n")


if __name__ == "__main__":
    main()
