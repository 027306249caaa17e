"""Packages of third parties, written into a folder as pip would: plug-ins for the processes that have it on path."""

from __future__ import annotations

import importlib
import os
import re
import shutil
import sysconfig
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from proofgrid.proofs import registry

HERE = Path(__file__).parent


def install_package(site: Path, name: str, source: Path, *, group: str, entry: str) -> None:
    """Install one file as the package `proofgrid-<name>`, whose module is `proofgrid_<name>`, with one entry point."""
    install_entry_point(site, name, group=group, value=f"proofgrid_{name}:{entry}")
    shutil.copy(source, site / f"proofgrid_{name}.py")


def install_entry_point(site: Path, name: str, *, group: str, value: str) -> None:
    """Install a package `proofgrid-<name>` that has nothing but an entry point of this name."""
    info = site / f"proofgrid_{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: proofgrid-{name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{group}]\n{name} = {value}\n")


@contextmanager
def toy_system_installed(site: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The proof system "toy", for this process and its children."""
    install_package(site, "toy", HERE / "toy_system.py", group=registry.GROUP, entry="ToySystem")
    with on_path([site], monkeypatch):
        yield site


@contextmanager
def hiding_system_installed(site: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The proof system "hiding", for this process and its children."""
    install_package(site, "hiding", HERE / "hiding_system.py", group=registry.GROUP, entry="HidingSystem")
    with on_path([site], monkeypatch):
        yield site


def toy_complaint() -> Path:
    """Return the file whose text the toy's self-check fails with, once it is there."""
    return Path(os.environ["PYTHONPATH"].split(os.pathsep)[0]) / "toy-complaint"


@contextmanager
def on_path(folders: list[Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let this process and its children see the packages in these folders."""
    for folder in folders:
        monkeypatch.syspath_prepend(folder)
    python_path = [str(folder) for folder in folders] + [path for path in [os.environ.get("PYTHONPATH")] if path]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(python_path))
    importlib.invalidate_caches()
    registry.look_again()
    yield
    registry.look_again()


def python_without(folder: Path, *packages: str) -> str:
    """Make an environment with everything that this one has but some packages; return its Python."""
    venv.create(folder, symlinks=True)
    [site] = (folder / "lib").glob("python*/site-packages")
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        package = re.split(r"[-.]", entry.name)[0]
        if package not in packages and not (site / entry.name).exists():
            (site / entry.name).symlink_to(entry)
    return str(folder / "bin" / "python")
