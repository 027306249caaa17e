"""The TypeScript client as it is published: compiled, packed by npm, unpacked where an application would have it."""

from __future__ import annotations

import json
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.proofs.npm import installed

CLIENT = Path(__file__).parents[2] / "clients" / "typescript"
NODE_MIN = 20
#: What the package is made of, and what its users run.
SOURCES = ("src", "examples", "test", "tsconfig.json", "package.json", "README.md", "LICENSE")


def node_or_skip() -> str:
    """Return Node.js; skip the test where there is none, or an old one."""
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        pytest.skip("this needs Node.js and npm")
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    if int(version.removeprefix("v").partition(".")[0]) < NODE_MIN:
        pytest.skip(f"this needs Node.js {NODE_MIN} or newer")
    return node


def packed(folder: Path) -> Path:
    """Return a folder of an application that has the packed client, and the examples; `folder` is empty."""
    node_or_skip()
    tools = installed(CLIENT, "package.json") / "node_modules"
    build, application = folder / "build", folder / "application"
    build.mkdir()
    for name in SOURCES:
        whole = CLIENT / name
        (shutil.copytree if whole.is_dir() else shutil.copy)(whole, build / name)
    (build / "node_modules").symlink_to(tools)
    for command in (["npm", "run", "--silent", "build"], ["npm", "pack", "--silent", "--ignore-scripts"]):
        subprocess.run(command, cwd=build, check=True, capture_output=True, timeout=300)
    (tarball,) = build.glob("*.tgz")
    modules = application / "node_modules"
    (modules / "@proofgrid").mkdir(parents=True)
    with tarfile.open(tarball) as archive:
        archive.extractall(folder / "unpacked", filter="data")
    shutil.move(folder / "unpacked" / "package", modules / "@proofgrid" / "client")
    for name in json.loads((CLIENT / "package.json").read_text())["dependencies"]:
        (modules / name).parent.mkdir(exist_ok=True)
        (modules / name).symlink_to(tools / name)
    for script in (*(CLIENT / "examples").glob("*.mjs"), *(CLIENT / "test").glob("*.mjs")):
        shutil.copy(script, application)
    return application
