"""Engines that are programs of our own: where one lies on this machine, and how it is built where a compiler is.

An engine `gnark` is a folder of sources, and a recipe (kit/engine_recipes.py). Looked for in this order:

    a package `proofgrid_engine_gnark` with the program in it, of these very sources   (`make engine-wheels` makes it)
    PROOFGRID_ENGINES, or else the user's cache, by the digest of the sources   (left by `proofgrid systems --build`)

A program never changes under a name: other sources have another digest.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from proofgrid import __version__
from proofgrid.primitives.digests import digest_of
from proofgrid.primitives.errors import InvalidField, UnknownProofSystem
from proofgrid.proofs.kit.engine import ENGINES_FOLDER
from proofgrid.proofs.kit.engine_recipes import CARGO, GO, NPM, BuildFailed, Recipe, find_node

# A job's child has another home than we have, and with it another cache.
os.environ.setdefault(ENGINES_FOLDER, str(platformdirs.user_cache_path("proofgrid") / "engines"))

#: In the package of an engine: the program's folder, what it works with besides, and the digest of its sources.
PACKAGED_IN, CARRIED_IN, PACKAGED_SOURCES = "bin", "data", "sources"

_ENGINES = Path(__file__).parents[2] / "engines"
_DIGEST_KEPT = 16


@dataclass(frozen=True, slots=True)
class EngineProgram:
    """An engine by its name, and how it is built."""

    name: str
    recipe: Recipe
    home: Path = _ENGINES  #: where a folder of its name holds its sources

    def path(self, *, system: str) -> Path:
        """Return the program; raise UnknownProofSystem, saying what gets it, where there is none."""
        for path in (self._installed(), self._cached()):
            if path is not None and path.is_file():
                return path
        raise UnknownProofSystem(
            f"{system} is not installed here: its engine {self.name} is not built",
            field="proof_system",
            hint=self._what_gets_it(),
        )

    def is_here(self) -> bool:
        """Is the program there?"""
        return any(path is not None and path.is_file() for path in (self._installed(), self._cached()))

    def build(self) -> Path:
        """Build the program into the user's cache and return it; what is there already stays.

        Takes a minute of processor time, or what its recipe says, and needs the network for its libraries, whose
        digests a lock file pins. Raises UnknownProofSystem when there is no compiler, or it fails.
        """
        target = self._cached()
        if target.is_file():
            return target
        tool = self.recipe.tool()
        if tool is None:
            raise UnknownProofSystem(
                f"this machine has no {self.recipe.language} to build the engine {self.name} with",
                field="proof_system",
                hint=f"install {self.recipe.needs}",
            )
        folder = self._cache_folder()
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
            made = Path(scratch) / "made"
            made.mkdir()
            try:
                self.recipe.fill(tool, self.home / self.name, made, self.made)
            except BuildFailed as reason:
                raise UnknownProofSystem(
                    f"the engine {self.name} cannot be built: {reason}", field="proof_system"
                ) from None
            with suppress(OSError):  # another process may have built it meanwhile
                made.replace(folder)
        return target

    @property
    def package(self) -> str:
        """The name of the package that brings the program."""
        return f"proofgrid_engine_{self.name}"

    def sources_digest(self) -> str:
        """Return the digest of the sources: a program of others is another engine."""
        folder = self.home / self.name
        files = self.recipe.sources_in(folder)
        named = ((path.relative_to(folder).as_posix().encode(), path.read_bytes()) for path in files)
        return digest_of(b"\0".join(name + b"\0" + content for name, content in named)).rpartition(":")[2]

    def packaged(self) -> Path | None:
        """Return the folder of the package that brings the program; None where there is none of these sources."""
        found = importlib.util.find_spec(self.package)
        if found is None or found.origin is None:
            return None
        folder = Path(found.origin).parent
        with suppress(OSError):
            if (folder / PACKAGED_SOURCES).read_text().strip() == self.sources_digest():
                return folder
        return None

    def carried(self, name: str) -> Path | None:
        """Return a file that the package brings besides the program; None where there is none."""
        folder = self.packaged()
        path = None if folder is None else folder / CARRIED_IN / name
        return path if path is not None and path.is_file() else None

    def _installed(self) -> Path | None:
        folder = self.packaged()
        return None if folder is None else folder / PACKAGED_IN / self.made

    def _cached(self) -> Path:
        return self._cache_folder() / self.made

    def _cache_folder(self) -> Path:
        kept = self.sources_digest()[:_DIGEST_KEPT]
        machine = f"{platform.system()}-{platform.machine()}".lower()
        return Path(os.environ[ENGINES_FOLDER]) / f"{self.name}-{kept}-{machine}"

    def _what_gets_it(self) -> str:
        """Return the one command for this machine, and the other one."""
        build = f"proofgrid systems --build {self.name}" if self.recipe.is_slow else "proofgrid systems --build"
        if self.recipe.tool() is not None:
            return f"{build}, which takes {self.recipe.takes}"
        if not self._has_wheel():
            return f"{build}, which needs {self.recipe.needs} and {self.recipe.takes}"
        wheel = f"pip install {self.package.replace('_', '-')}=={__version__}"
        return f"{wheel}, from where you have proofgrid's wheel; or with {self.recipe.needs}: {build}"

    def _has_wheel(self) -> bool:
        """Is there a wheel for this machine?"""
        system = {"Linux": "manylinux", "Darwin": "macosx"}.get(platform.system(), "none")
        return any(tag.startswith(system) and tag.endswith(platform.machine()) for tag in self.recipe.others)

    @property
    def made(self) -> str:
        """Where the program lies in the folder that a recipe fills."""
        return self.recipe.made.format(name=self.name)


GNARK = EngineProgram("gnark", GO)
NOIR = EngineProgram("noir", NPM)
MIDEN = EngineProgram("miden", CARGO)
SP1 = EngineProgram("sp1", CARGO)
ENGINES = (GNARK, NOIR, MIDEN, SP1)


def places_of_engines() -> tuple[Path, ...]:
    """Return where engines of ours lie, and what runs them: a confined process reads there (proofs/confinement)."""
    node = find_node()
    of_node = () if node is None else (Path(node).resolve().parents[1],)
    return (Path(os.environ[ENGINES_FOLDER]), *of_node)


def engines_of(names: Sequence[str]) -> list[EngineProgram]:
    """Return the engines of these names; of none, all that are built quickly. Raises InvalidField."""
    known = {engine.name: engine for engine in ENGINES}
    if unknown := [name for name in names if name not in known]:
        raise InvalidField(f"there is no engine {unknown[0]!r}", field="ENGINE", hint=f"engines: {', '.join(known)}")
    return [known[name] for name in names] or [engine for engine in ENGINES if not engine.recipe.is_slow]


def build_missing(
    engines: Sequence[EngineProgram], say: Callable[[str], object] = lambda _: None
) -> Iterator[tuple[str, Path | UnknownProofSystem]]:
    """Build those that are not here; yield the name of each and its program, or why there is none.

    `say` hears the names beforehand.
    """
    for engine in engines:
        if not engine.is_here():
            say(engine.name)
            try:
                yield engine.name, engine.build()
            except UnknownProofSystem as reason:
                yield engine.name, reason
